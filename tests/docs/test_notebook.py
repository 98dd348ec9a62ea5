"""The notebook of docs/ runs in a real kernel and shows what its text says."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.requirements import require_module

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).parents[2] / "docs" / "first_study.ipynb"


def read(path: Path) -> Any:
    import nbformat

    return nbformat.read(path, as_version=4)


def outputs(notebook: Any, containing: str) -> list[Any]:
    """Return the outputs of the one cell that contains some code."""
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code" and containing in cell.source]
    return list(cell.outputs)


def data(notebook: Any, containing: str, mime: str) -> str:
    """Return what such a cell shows of one kind, all together."""
    found = [output.get("data", {}).get(mime, "") for output in outputs(notebook, containing)]
    return "\n".join(text for text in found if text)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return the notebook after a kernel has run it, in a folder of its own."""
    require_module("nbformat")
    require_module("nbclient")
    require_module("ipykernel")
    from nbclient import NotebookClient

    folder = tmp_path_factory.mktemp("notebook")
    shutil.copy(SOURCE, folder)
    notebook = read(folder / SOURCE.name)
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(folder)}}).execute()
    yield notebook
    assert sorted(path.name for path in (folder / "runs").iterdir()) == [
        "hills-001",
        "hills-002",
        "network-001",
    ]


def test_it_is_stored_without_outputs() -> None:
    require_module("nbformat")
    for cell in read(SOURCE).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_results_show_themselves_as_tables(executed: Any) -> None:
    html = data(executed, "results = study.launch()", "text/html")
    for word in ("hills", "4096 of 4096", "x1", "x2", "x3", "S1", "ST"):
        assert word in html


@pytest.mark.slow
def test_the_progress_stands_below_the_cell_and_ends_with_done(executed: Any) -> None:
    shown = [
        output.data["text/html"]
        for output in outputs(executed, "results = study.launch()")
        if output.output_type == "display_data"
    ]
    assert len(shown) == 1, "one text, which is replaced"
    assert "hills  done" in shown[0]
    assert "100.0 %" in shown[0]


@pytest.mark.slow
def test_the_plot_is_a_picture_and_is_shown_once(executed: Any) -> None:
    pictures = [
        output for output in outputs(executed, "results.plot()") if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 1


@pytest.mark.slow
def test_the_tables_are_tables(executed: Any) -> None:
    assert "<table" in data(executed, "results.to_dataframe()", "text/html")
    assert "<table" in data(executed, "S1_low", "text/html")


@pytest.mark.slow
def test_the_numbers_are_those_of_the_text(executed: Any) -> None:
    value, half = eval(data(executed, 'y["ST_conf"]', "text/plain"))
    assert abs(value - 0.2437) < 2 * half


@pytest.mark.slow
def test_network_and_background_work(executed: Any) -> None:
    html = data(executed, "network_study.launch", "text/html")
    assert "lift" in html
    assert "drag" in html
    assert data(executed, "run.wait()", "text/plain") == "(True, 'hills-002')"


@pytest.mark.slow
def test_nothing_is_printed_to_standard_error(executed: Any) -> None:
    errors = [
        output.text
        for cell in executed.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert errors == []
