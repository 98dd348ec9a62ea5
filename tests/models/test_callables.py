"""Whether a plain callable takes tensors or arrays is seen from its code, and it then runs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from parsl_sa.models import load
from parsl_sa.models.callables import modules_of

if TYPE_CHECKING:
    from pathlib import Path

ROWS = np.arange(12.0).reshape(4, 3)
BOTH = "import numpy as np\nimport torch\nfrom torch import nn\n"

# source, what its `load` takes; most files import both libraries, as files of models do
CASES = {
    "module": (BOTH + "def load():\n    return nn.Linear(3, 1)", "torch"),
    "torch function": (BOTH + "def load(x):\n    return torch.sin(x)", "torch"),
    "numpy function": (BOTH + "def load(x):\n    return np.sin(x)", "numpy"),
    "returned numpy function": (BOTH + "def load():\n    return lambda x: np.exp(x)", "numpy"),
    "neither": (BOTH + "def load(x):\n    return x.sum(axis=1)", "torch"),
    "neither, no torch in the file": ("def load(x):\n    return x.sum(axis=1)", "numpy"),
    "tensor method": ("def load(x):\n    return x.clamp(0, 1)", "torch"),
    "array method": (BOTH + "def load(x):\n    return x.astype('f4')", "numpy"),
    "annotated array": (BOTH + "def load(x: np.ndarray):\n    return x", "numpy"),
    "annotated tensor": ("def load(x: 'torch.Tensor'):\n    return x", "torch"),
    "helper with torch": (
        BOTH + "def half(x):\n    return torch.div(x, 2)\ndef load(x):\n    return half(x)",
        "torch",
    ),
    "helper with numpy": (
        BOTH + "def half(x):\n    return np.divide(x, 2)\ndef load(x):\n    return half(x)",
        "numpy",
    ),
    "helpers in a circle": (
        BOTH + "def a(x, n):\n    return b(x, n)\ndef b(x, n):\n    return a(x, n - 1) if n else np.sin(x)\n"
        "def load(x):\n    return a(x, 2)",
        "numpy",
    ),
    "imported names": ("from numpy import sin\nimport torch\ndef load(x):\n    return sin(x)", "numpy"),
    "imported inside": ("def load(x):\n    import torch\n    return torch.sin(x)", "torch"),
    "array weights": (BOTH + "W = np.ones((3, 2))\ndef load(x):\n    return x @ W", "numpy"),
    "tensor weights": (BOTH + "W = torch.ones((3, 2))\ndef load(x):\n    return x @ W", "torch"),
    "network wrapped for arrays": (
        BOTH + "net = nn.Linear(3, 1)\ndef load(x):\n    return net(torch.from_numpy(x).float()).numpy()",
        "numpy",
    ),
    "network wrapped for tensors": (
        BOTH + "net = nn.Linear(3, 1)\ndef load(x):\n    return {'y': net(x).numpy(), 'n': np.ones(len(x))}",
        "torch",
    ),
    "callable object": (
        BOTH + "class Held:\n    def __init__(self):\n        self.net = nn.Linear(3, 1)\n"
        "    def __call__(self, x):\n        return self.net(x)\ndef load():\n    return Held()",
        "torch",
    ),
    "partial": (
        BOTH + "from functools import partial\ndef power(p, x):\n    return np.power(x, p)\n"
        "def load():\n    return partial(power, 2)",
        "numpy",
    ),
    "ufunc": (BOTH + "def load():\n    return np.sin", "numpy"),
    "torch builtin": (BOTH + "def load():\n    return torch.sin", "torch"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_kind_is_seen_and_the_model_runs(tmp_path: Path, case: str) -> None:
    source, kind = CASES[case]
    (tmp_path / "net.py").write_text(textwrap.dedent(source))
    model = load({"loader": "python", "path": "net.py:load"}, tmp_path)
    assert model.arrays == kind
    assert model.dtype == ("float32" if kind == "torch" else "float64")
    output = model(ROWS)
    assert len(output["y"] if isinstance(output, dict) else output) == len(ROWS)


def test_modules_are_listed_once() -> None:
    net = torch.nn.Identity()
    nets = {"a": net, "b": torch.nn.Tanh()}
    assert modules_of(lambda x: nets["a"](net(x))) == [nets["a"], nets["b"]]
