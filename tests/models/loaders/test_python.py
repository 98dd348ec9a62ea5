"""Loading a user's Python file: what is accepted, and what each mistake is answered with."""

from __future__ import annotations

import gc
import sys
import textwrap
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models import hashes, load
from parsl_sa.models.provenance import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from parsl_sa.models import Model

ROWS = np.arange(12.0).reshape(4, 3)


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., Model]:
    """Write a file and load its function."""

    def write(source: str, name: str = "load", **model: Any) -> Model:
        text = "import numpy as np\nimport torch\nfrom torch import nn\n" + textwrap.dedent(source)
        (tmp_path / "net.py").write_text(text)
        return load({"loader": "python", "path": f"net.py:{name}", **model}, tmp_path)

    return write


def fault(load_it: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ModelError) as caught:
        load_it()
    (only,) = caught.value.faults
    return only.place, only.message


class TestAccepted:
    def test_a_function_that_returns_a_module(self, loaded: Callable[..., Model]) -> None:
        model = loaded("def load(width=3, out=2):\n    return nn.Linear(width, out)", options={"out": 5})
        assert model(ROWS).shape == (4, 5)
        assert (model.dtype, model.device, model.arrays) == ("float32", "cpu", "torch")

    def test_a_function_that_is_the_model(self, loaded: Callable[..., Model]) -> None:
        model = loaded("def double(x):\n    return 2 * x", "double", arrays="numpy")
        np.testing.assert_array_equal(model(ROWS), 2 * ROWS)

    def test_a_class(self, loaded: Callable[..., Model]) -> None:
        source = """
            class Net(nn.Module):
                def __init__(self, factor):
                    super().__init__()
                    self.factor = factor
                def forward(self, x):
                    return self.factor * x[:, 0]
        """
        assert loaded(source, "Net", options={"factor": 3})(ROWS).tolist() == [0.0, 9.0, 18.0, 27.0]

    def test_a_module_object(self, loaded: Callable[..., Model]) -> None:
        assert loaded("net = nn.Linear(3, 1)", "net")(ROWS).shape == (4, 1)

    def test_a_function_that_returns_a_function(self, loaded: Callable[..., Model]) -> None:
        model = loaded("def load():\n    return lambda x: torch.sin(x)")
        assert model(ROWS).dtype == torch.float32

    def test_keyword_only_and_open_ended_options(self, loaded: Callable[..., Model]) -> None:
        source = "def load(*, width, **more):\n    return nn.Linear(width, more['out'])"
        assert loaded(source, options={"width": 3, "out": 2})(ROWS).shape == (4, 2)

    def test_a_numpy_ufunc(self, loaded: Callable[..., Model]) -> None:
        np.testing.assert_array_equal(loaded("sine = np.sin", "sine", arrays="numpy")(ROWS), np.sin(ROWS))


class TestState:
    def test_dropout_is_off(self, loaded: Callable[..., Model]) -> None:
        model = loaded("def load():\n    return nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(3)).train()")
        assert torch.equal(model(ROWS), model(ROWS))
        assert torch.equal(model(ROWS)[:1], model(ROWS[:1]))

    @pytest.mark.parametrize(
        "source",
        [
            "def load():\n    net = nn.Dropout(0.5)\n    return lambda x: net(x)",
            "net = nn.Dropout(0.5)\ndef load():\n    def call(x):\n        return net(x)\n    return call",
            "def load():\n    return nn.Dropout(0.5).forward",
            (
                "class Held:\n    def __init__(self):\n        self.net = nn.Dropout(0.5)\n"
                "    def __call__(self, x):\n        return self.net(x)\ndef load():\n    return Held()"
            ),
            (
                "class Held:\n    nets = ()\n    def predict(self, x):\n        return self.nets[0](x)\n"
                "def load():\n    held = Held()\n    held.nets = [nn.Dropout(0.5)]\n    return held.predict"
            ),
        ],
        ids=["closure", "global", "bound method", "callable object", "list in an object"],
    )
    def test_dropout_behind_a_function_is_off_too(self, loaded: Callable[..., Model], source: str) -> None:
        model = loaded(source)
        assert torch.equal(model(ROWS), torch.tensor(ROWS, dtype=torch.float32))

    def test_no_gradient_is_recorded(self, loaded: Callable[..., Model]) -> None:
        model = loaded("def load():\n    return nn.Linear(3, 1)")
        assert model(ROWS).is_inference()

    def test_inputs_are_never_written_into(self, loaded: Callable[..., Model]) -> None:
        rows = ROWS.copy()
        loaded("def spoil(x):\n    return x.mul_(0)", "spoil", dtype="float64")(rows)
        loaded("def spoil(x):\n    x *= 0\n    return x", "spoil", arrays="numpy")(rows)
        np.testing.assert_array_equal(rows, ROWS)

    @pytest.mark.parametrize(
        ("source", "model", "expected"),
        [
            ("def load():\n    return nn.Linear(3, 1).double()", {}, "float64"),
            ("def load():\n    return nn.Linear(3, 1)", {"dtype": "float64"}, "float64"),
            ("def load():\n    return nn.Linear(3, 1).half()", {"dtype": "float32"}, "float32"),
            ("def load():\n    return nn.Linear(3, 1).bfloat16()", {}, "float32"),
            ("def load():\n    return nn.Identity()", {}, "float32"),
            ("def load(x):\n    return torch.sin(x)", {}, "float32"),
            ("def load(x):\n    return np.sin(x)", {"arrays": "numpy"}, "float64"),
            ("def load(x):\n    return np.sin(x)", {"arrays": "numpy", "dtype": "float32"}, "float32"),
        ],
    )
    def test_dtype(
        self, loaded: Callable[..., Model], source: str, model: dict[str, Any], expected: str
    ) -> None:
        one = loaded(source, **model)
        assert one.dtype == expected
        assert str(one(ROWS).dtype).removeprefix("torch.") == expected

    def test_memory_is_freed(self, loaded: Callable[..., Model]) -> None:
        model = loaded("def load():\n    return nn.Linear(3, 1)")
        alive = weakref.ref(model.function)  # type: ignore[attr-defined]
        del model
        gc.collect()
        assert alive() is None


class TestFiles:
    def test_siblings_are_importable_and_two_studies_coexist(self, tmp_path: Path) -> None:
        models = []
        for factor in (2, 3):
            folder = tmp_path / f"study_{factor}"
            folder.mkdir()
            (folder / "layers.py").write_text(f"FACTOR = {factor}\n")
            (folder / "net.py").write_text(
                "def load():\n    from layers import FACTOR\n    return lambda x: FACTOR * x\n"
            )
            models.append(load({"path": "net.py:load", "arrays": "numpy"}, folder))
        assert [float(model(np.ones((1, 1)))[0, 0]) for model in models] == [2.0, 3.0]
        assert "layers" not in sys.modules
        assert not any(str(tmp_path) in entry for entry in sys.path)
        assert [path.name for path in models[0].files] == ["net.py", "layers.py"]

    def test_provenance_sees_files_and_weights(self, tmp_path: Path) -> None:
        (tmp_path / "weights.bin").write_bytes(b"1")
        source = """
            from pathlib import Path
            import torch
            def load(value=1.0):
                net = torch.nn.Linear(1, 1)
                torch.nn.init.constant_(net.weight, value)
                torch.nn.init.constant_(net.bias, 0.0)
                net.files = [Path(__file__).parent / "weights.bin"]
                return net
        """
        (tmp_path / "net.py").write_text(textwrap.dedent(source))

        def seen(value: float) -> dict[str, str]:
            return hashes(load({"path": "net.py:load", "options": {"value": value}}, tmp_path))

        assert list(seen(1.0)) == ["net.py", "weights.bin", WEIGHTS]
        assert seen(1.0) == seen(1.0)
        assert seen(1.0)[WEIGHTS] != seen(2.0)[WEIGHTS]
        before = seen(1.0)
        (tmp_path / "weights.bin").write_bytes(b"2")
        assert {name for name, digest in seen(1.0).items() if digest != before[name]} == {"weights.bin"}


class TestMistakes:
    def test_a_missing_file(self, tmp_path: Path) -> None:
        (tmp_path / "network.py").touch()
        place, message = fault(lambda: load({"path": "net.py:load"}, tmp_path))
        assert place == "model.path"
        assert f"no file {tmp_path / 'net.py'}" in message
        assert "network.py" in message

    def test_no_function_in_the_path(self, tmp_path: Path) -> None:
        place, message = fault(lambda: load({"loader": "python", "path": "net.py"}, tmp_path))
        assert (place, "file.py:function" in message) == ("model.path", True)

    def test_an_unknown_loader(self, tmp_path: Path) -> None:
        place, message = fault(lambda: load({"loader": "keras", "path": "net.py:load"}, tmp_path))
        assert (place, "known: python, exported" in message) == ("model.loader", True)

    @pytest.mark.parametrize(
        ("source", "model", "place", "words"),
        [
            ("def laod():\n    pass", {}, "model.path", ["no function 'load'", "did you mean 'laod'"]),
            ("load = 3", {}, "model.path", ["is of the type int"]),
            ("def load():\n    return 3", {}, "model.path", ["returned int", "must return"]),
            ("def load():\n    return nn.Linear", {}, "model.path", ["class Linear itself", "Linear(...)"]),
            (
                "def load(size=1):\n    pass",
                {"options": {"sise": 1}},
                "model.options.sise",
                ["it takes size", "did you mean 'size'"],
            ),
            ("def load(a, b):\n    pass", {}, "model.options.a", ["requires a, b"]),
            ("def load(*, a):\n    pass", {}, "model.options.a", ["requires a"]),
            ("def load(a, b):\n    pass", {"options": {"a": 1}}, "model.options.b", ["requires b"]),
            ("load = nn.Identity()", {"options": {"a": 1}}, "model.options", ["remove"]),
            ("def load():\n    raise KeyError('w')", {}, "model.path", ["KeyError: 'w'", "net.py:5"]),
            ("1 / 0", {}, "model.path", ["importing net.py raised ZeroDivisionError", "net.py:4"]),
            ("def load(:", {}, "model.path", ["SyntaxError", "net.py:4"]),
            ("import no_such_package", {}, "model.path", ["No module named 'no_such_package'", "net.py:4"]),
            ("raise SystemExit(2)", {}, "model.path", ["SystemExit", "__main__"]),
            (
                "def load():\n    net = nn.Linear(3, 1).half()\n    return lambda x: net(x)",
                {},
                "model.dtype",
                ["float16", "convert them"],
            ),
            ("load = nn.Identity()", {"mode": "train"}, "model.mode", ["eval, dropout"]),
            ("load = nn.Identity()", {"mode": "dropout"}, "model.mode", ["layers of dropout", "finds none"]),
            ("def load(x):\n    return np.sin(x)", {"mode": "dropout"}, "model.mode", ["NumPy arrays"]),
            ("load = nn.Identity()", {"dtype": "float16"}, "model.dtype", ["auto, float32, float64"]),
            ("load = nn.Identity()", {"arrays": "numpy"}, "model.arrays", ["takes tensors"]),
            ("def load(x):\n    return x", {"arrays": "jax"}, "model.arrays", ["auto, torch, numpy"]),
            ("load = nn.Identity()", {"device": "gpu"}, "model.device", ["not a device"]),
        ],
    )
    def test_each_mistake_names_its_place_and_cure(
        self, loaded: Callable[..., Model], source: str, model: dict[str, Any], place: str, words: list[str]
    ) -> None:
        found, message = fault(lambda: loaded(source, **model))
        assert found == place
        for word in words:
            assert word in message

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
    def test_an_absent_gpu(self, loaded: Callable[..., Model]) -> None:
        place, message = fault(lambda: loaded("load = nn.Identity()", device="cuda"))
        assert place == "model.device"
        assert "sees no cuda device here; set model.device to 'cpu'" in message

    def test_a_failed_import_leaves_nothing_behind(self, loaded: Callable[..., Model]) -> None:
        before = set(sys.modules)
        fault(lambda: loaded("1 / 0"))
        assert not {name for name in set(sys.modules) - before if name.startswith("parsl_sa_model_")}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_module_stays_where_its_function_put_it(loaded: Callable[..., Model]) -> None:
    source = "def load():\n    return nn.Linear(3, 1).cuda()"
    assert loaded(source).device == "cuda:0"
    assert loaded(source)(ROWS).device.type == "cuda"
    assert loaded(source, device="cpu").device == "cpu"
    behind = "net = nn.Linear(3, 1).cuda()\ndef load(x):\n    return net(x)"
    assert loaded(behind)(ROWS).device.type == "cuda"


def test_a_module_is_moved_not_copied() -> None:
    from parsl_sa.models.feeding import feed

    net = nn.Linear(2, 1)
    assert feed(net, {}).function is net
