"""The wheel ships what an installed package needs without the repository: presets and one example."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support.requirements import require_module

REPOSITORY = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    require_module("hatchling", "pip")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(REPOSITORY)], check=True, timeout=100)
    [built] = folder.glob("parsl_sa-*.whl")
    return zipfile.ZipFile(built)


def test_every_module_of_the_package_is_in_it(wheel: zipfile.ZipFile) -> None:
    modules = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "parsl_sa").rglob("*.py")}
    assert modules <= set(wheel.namelist())


def test_the_site_presets_are_in_it(wheel: zipfile.ZipFile) -> None:
    presets = {path.name for path in (REPOSITORY / "configs" / "clusters").glob("*.json")}
    assert {"local.json", "slurm.json"} <= presets
    shipped = {name for name in wheel.namelist() if name.startswith("parsl_sa/_shipped/clusters/")}
    assert {Path(name).name for name in shipped if name.endswith(".json")} == presets
    for name in shipped:
        if name.endswith(".json"):
            json.loads(wheel.read(name))


def test_the_presets_are_found_from_an_installed_package(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    program = "from parsl_sa.execution.presets import presets; print(*presets().values())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = [Path(word) for word in done.stdout.split()]
    shipped = tmp_path / "parsl_sa" / "_shipped" / "clusters"
    assert {path.parent for path in found} == {shipped}
    assert {"local", "slurm"} <= {path.stem for path in found}


def test_the_ishigami_example_is_in_it(wheel: zipfile.ZipFile) -> None:
    example = "parsl_sa/_shipped/apps/ishigami"
    assert {f"{example}/spec.json", f"{example}/model.py"} <= set(wheel.namelist())
    json.loads(wheel.read(f"{example}/spec.json"))


def test_nothing_else_is_in_it(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"parsl_sa"}
    assert [name for name in names if "__pycache__" in name or "/runs/" in name] == []


def test_licence_and_command_are_declared(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    [entry_points] = [name for name in names if name.endswith("entry_points.txt")]
    assert b"parsl-sa = parsl_sa.cli.main:main" in wheel.read(entry_points)
