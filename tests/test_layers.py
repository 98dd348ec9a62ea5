"""The walls between rooms stand, plug-in tables point at something, and a light command stays light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from parsl_sa.registry import TABLES
from support import layers

PACKAGE = Path(__file__).parents[1] / "parsl_sa"
ROOT = PACKAGE.name
LINES_AT_MOST = 300
HEAVY = ("torch", "numba", "parsl", "mpi4py", "numpy", "scipy", "pandas", "xarray", "zarr", "matplotlib")


@pytest.fixture(scope="module")
def found() -> list[layers.Import]:
    return layers.imports(PACKAGE)


def test_imports_run_down_the_rows(found: list[layers.Import]) -> None:
    assert layers.wall_faults(found, ROOT) == []


def test_every_module_is_in_a_room_with_a_row() -> None:
    rooms = {layers.room(name, ROOT) for name in layers.modules(PACKAGE)} - {""}
    assert rooms <= set(layers.ROW_OF), "add the new room to its row in tests/support/layers.py"


@pytest.mark.parametrize("between", ["rooms", "modules"])
def test_no_circle(found: list[layers.Import], between: str) -> None:
    assert layers.circles(found, ROOT, between=between) == []


@pytest.mark.parametrize(
    ("family", "name", "target"),
    [(family, name, target) for family, table in TABLES.items() for name, target in table.items()],
)
def test_a_plugin_table_names_what_exists(family: str, name: str, target: str) -> None:
    module, _, attribute = target.partition(":")
    path = layers.modules(PACKAGE).get(module)
    assert path is not None, f"{family} {name!r}: no module {module}"
    assert attribute in layers.top_level_names(path), f"{family} {name!r}: {module} has no {attribute}"


@pytest.mark.parametrize(
    "command",
    [
        "import parsl_sa.cli.main",
        "import parsl_sa.spec, parsl_sa.records, parsl_sa.registry, parsl_sa.errors",
    ],
)
def test_light_modules_load_nothing_heavy(command: str) -> None:
    program = f"import sys; {command}; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_every_file_is_short_enough_to_read() -> None:
    lines = {str(path): len(path.read_text().splitlines()) for path in layers.modules(PACKAGE).values()}
    assert {path: n for path, n in lines.items() if n > LINES_AT_MOST} == {}, "a room wants one more file"


PLANTED = [
    ("records.py", "from parsl_sa.stats import moments", "records may import only rows below"),
    ("errors.py", "def f():\n    import parsl_sa.launch.driver", "errors may import only rows below"),
    ("stats/new.py", "from parsl_sa import design", "stats may import only rows below"),
    ("stats/new.py", "from ..design import rows", "stats may import only rows below"),
    (
        "stats/new.py",
        "import typing\nif typing.TYPE_CHECKING:\n    from parsl_sa.client.loop import Loop",
        "parsl_sa.stats.new:3 imports parsl_sa.client.loop: stats may import only rows below",
    ),
    ("client/new.py", "import parsl_sa.reducer.shard", "client may import only rows below"),
    ("spec/new.py", "def f():\n    import torch.nn", "spec never imports torch"),
    ("protocol/new.py", "from time import monotonic", "protocol never imports time"),
    ("design/new.py", "from apps.airfoil import model", "the package never imports apps/"),
    ("records.py", "import importlib\nimportlib.import_module('parsl_sa.cli.main')", "records may import"),
    ("utils/new.py", "import parsl_sa.errors", "room utils has no row"),
]


@pytest.mark.parametrize(("file", "source", "fault"), PLANTED)
def test_the_checker_sees_a_fault_planted_in_a_package(
    tmp_path: Path, file: str, source: str, fault: str
) -> None:
    package = tmp_path / ROOT
    for room in ("stats", "design", "launch", "client", "reducer", "cli"):
        (package / room).mkdir(parents=True)
        for name in ("__init__.py", "moments.py", "rows.py", "driver.py", "loop.py", "shard.py", "main.py"):
            (package / room / name).touch()
    for top in ("__init__.py", "records.py", "errors.py"):
        (package / top).touch()
    assert layers.wall_faults(layers.imports(package), ROOT) == []
    (package / file).parent.mkdir(exist_ok=True)
    (package / file).write_text(source)
    faults = layers.wall_faults(layers.imports(package), ROOT)
    assert len(faults) == 1
    assert fault in faults[0]


def test_the_checker_sees_a_circle(tmp_path: Path) -> None:
    package = tmp_path / ROOT
    package.mkdir()
    (package / "a.py").write_text("def f():\n    import parsl_sa.b")
    (package / "b.py").write_text("from parsl_sa import c")
    (package / "c.py").write_text("from parsl_sa.a import f")
    (package / "d.py").write_text("import parsl_sa.a")
    imports = layers.imports(package)
    assert layers.circles(imports, ROOT, between="modules") == [["parsl_sa.a", "parsl_sa.b", "parsl_sa.c"]]
    assert layers.circles(imports, ROOT, between="rooms") == [["a", "b", "c"]]
