"""Words for dependent inputs, and warnings wherever indices are shown."""

from __future__ import annotations

import io

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from parsl_sa.report.dependence import plain
from parsl_sa.report.figures import draw_indices
from parsl_sa.report.sentences import answer
from parsl_sa.report.tables import results_view

ATTRS = {"name": "pump", "n_used": 4096, "n_planned": 4096, "n_replicates": 16, "finished": True}


def dependent() -> xr.Dataset:
    """Gap tells of the output through viscosity alone; speed shares nothing."""
    values = {"S1_full": [0.72, 0.65, 0.1], "ST_independent": [0.25, 0.001, 0.28]}
    variables = {
        f"{name}{part}": ("parameter", np.array(numbers) + shift)
        for name, numbers in values.items()
        for part, shift in (("", 0.0), ("_low", -0.01), ("_high", 0.01))
    }
    halves = {f"{name}_conf": ("parameter", np.full(3, 0.01)) for name in values}
    return xr.Dataset(variables | halves, {"parameter": ["viscosity", "gap", "speed"]})


def test_the_answer_tells_the_two_kinds_of_leader_and_claims_no_inert_input() -> None:
    told = answer("power", plain({"power": dependent()})["power"])
    assert "viscosity explains the most with all that it shares" in told
    assert "S1_full 0.720 ± 0.010" in told
    assert "speed the most once all others are known" in told
    assert "not matter" not in told
    assert "gap" not in told


def test_the_picture_says_which_indices_it_shows() -> None:
    figure = draw_indices({"power": dependent()}, attrs=ATTRS)
    words = {text.get_text() for text in figure.legends[0].get_texts()}
    assert words == {
        "S1_full: with what it shares with others",
        "ST_independent: once all other inputs are known",
    }


@pytest.mark.parametrize(
    ("flag", "title"), [("dominant_replicate", "Heavy tail"), ("precision_limited", "Close to rounding")]
)
def test_what_limits_the_indices_is_said_in_the_terminal_too(flag: str, title: str) -> None:
    ds = plain({"power": dependent()})["power"]
    for is_set in (True, False):
        out = io.StringIO()
        view = results_view({"power": ds.assign({flag: ((), is_set)})}, ATTRS)
        Console(file=out, width=100).print(view)
        assert (title in out.getvalue()) == is_set
