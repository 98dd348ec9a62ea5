"""From plain dicts to a sampler: what is read, what is left alone, what is refused."""

from __future__ import annotations

import pytest

from parsl_sa.design import assemble
from parsl_sa.design.monte_carlo import MonteCarlo
from parsl_sa.design.pick_freeze import PickFreeze
from parsl_sa.errors import DesignError

DESIGN = {"method": "pick-freeze", "sequence": "sobol", "both_ways": True, "seed": 0}
PARAMETERS = [{"name": f"x{i}", "distribution": "uniform", "low": 0.0, "high": 1.0} for i in range(3)]


def test_the_table_decides_the_class():
    assert isinstance(assemble(DESIGN, PARAMETERS, 8), PickFreeze)
    assert isinstance(assemble({**DESIGN, "method": "monte-carlo"}, PARAMETERS, 8), MonteCarlo)


def test_other_keys_of_a_design_are_left_alone():
    rows = assemble(DESIGN, PARAMETERS, 8).rows(0, 8)
    assert (assemble({**DESIGN, "n": 4096, "replicates": 16}, PARAMETERS, 8).rows(0, 8) == rows).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "morris"}, "design: unknown sampler 'morris'; known: pick-freeze, monte-carlo"),
        ({"sequence": "halton"}, "design: unknown sequence 'halton'; known: sobol, random"),
        ({"seed": None}, r"design\.seed: must be an integer"),
    ],
)
def test_what_cannot_be_built_is_refused(change, message):
    with pytest.raises(DesignError, match=message):
        assemble({**DESIGN, **change}, PARAMETERS, 8)


@pytest.mark.parametrize("missing", ["method", "sequence", "seed"])
def test_a_missing_key_is_named(missing):
    with pytest.raises(DesignError, match=rf"design\.{missing}: "):
        assemble({key: value for key, value in DESIGN.items() if key != missing}, PARAMETERS, 8)


def test_too_many_parameters_for_sobol_points():
    many = PARAMETERS[:1] * 10601
    with pytest.raises(DesignError, match="at most 21201 dimensions and this design needs 21202"):
        assemble(DESIGN, many, 16)
    assert assemble({**DESIGN, "method": "monte-carlo"}, many, 16).layout.d == 10601
