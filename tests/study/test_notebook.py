"""Figures in notebooks: a fake shell here, a real kernel in `tests/docs/test_notebook.py`."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from matplotlib.figure import Figure

from parsl_sa.study.notebook import png_of, show_figures


class Formatter:
    """A fake of what IPython keeps for one kind of picture."""

    def __init__(self) -> None:
        self.type_printers: dict[type, Any] = {}

    def for_type(self, kind: type, printer: Any) -> None:
        self.type_printers[kind] = printer


@pytest.fixture
def formatters(monkeypatch: pytest.MonkeyPatch) -> dict[str, Formatter]:
    """Put a fake shell in the place of IPython's."""
    found = {"image/png": Formatter(), "image/svg+xml": Formatter()}
    ipython = ModuleType("IPython")
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters=found))
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]  # a fake module
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    return found


def test_a_notebook_learns_to_show_figures(formatters: dict[str, Formatter]) -> None:
    show_figures()
    assert formatters["image/png"].type_printers == {Figure: png_of}


def test_a_way_that_it_knows_is_left_alone(formatters: dict[str, Formatter]) -> None:
    formatters["image/svg+xml"].for_type(Figure, "the reader's own")
    show_figures()
    assert formatters["image/png"].type_printers == {}


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    show_figures()
    ipython = ModuleType("IPython")
    ipython.get_ipython = lambda: None  # type: ignore[attr-defined]  # a fake module
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    show_figures()


def test_a_figure_becomes_a_png() -> None:
    assert png_of(Figure()).startswith(b"\x89PNG")
