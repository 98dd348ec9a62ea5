"""Lists of named cells: what is known of base inputs, and the wrong ones first."""

from __future__ import annotations

from io import StringIO

import xarray as xr
from rich.console import Console

from parsl_sa.report.named import named_table

NAMES = {"parameter": ["a", "b"], "case": [7, 8, 9]}
KNOWN = {"label": ("case", ["cat", "dog", "cat"]), "predicted": ("case", ["cat", "cat", "cat"])}


def lines(ds: xr.Dataset) -> list[str]:
    console = Console(file=StringIO(), width=100)
    for part in named_table(ds):
        console.print(part)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_wrong_ones_come_first_with_what_they_were_taken_for() -> None:
    dims = ("parameter", "case")
    sizes = {
        "S1": (dims, [[0.1, 0.2, 0.3], [0.8, 0.6, 0.1]]),
        "ST": (dims, [[0.2, 0.3, 0.8], [0.9, 0.7, 0.2]]),
    }
    said = lines(xr.Dataset({"mean": ("case", [1.0, 2.0, 3.0]), **sizes}, {**NAMES, **KNOWN}))
    assert "largest ST" in said[0]
    assert [line.split("  ")[0] for line in said[2:]] == ["8: dog, taken for cat", "7: cat", "9: cat"]
    assert said[2].endswith("b")
    assert said[4].endswith("a")


def test_effects_have_a_largest_one() -> None:
    effects = {name: (("parameter", "case"), [[0.1, -2.0, 0.0], [1.5, 0.5, 0.25]]) for name in ("effect",)}
    size = {"effect_abs": (("parameter", "case"), [[0.1, 2.0, 0.0], [1.5, 0.5, 0.25]])}
    said = lines(xr.Dataset({"mean": ("case", [1.0, 2.0, 3.0]), **effects, **size}, {**NAMES, **KNOWN}))
    assert "largest effect" in said[0]
    assert said[2].split()[-2:] == ["2.00", "a"]
    assert said[3].split()[-2:] == ["1.50", "b"]
    assert "2.00" in said[2].split()


def test_numbered_inputs_of_which_nothing_is_known_are_not_listed() -> None:
    assert lines(xr.Dataset({"mean": ("case", [1.0, 2.0, 3.0])}, {"case": [0, 1, 2]})) == []
