"""Inline studies of a function of this process, cut into leases of a size that no clock has chosen."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa import design
from parsl_sa.jsonfile import write_json
from parsl_sa.launch import inline, planning
from parsl_sa.models.loaders import live
from parsl_sa.reducer import checkpoints
from parsl_sa.study import Study

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import pytest

    from parsl_sa.studydir import StudyDir

N = 384
REPLICATES = 12
LEASE_BUNDLES = 16
LEASES = N // LEASE_BUNDLES
PARAMETERS = [
    {"name": f"x{i}", "distribution": "uniform", "low": -math.pi, "high": math.pi} for i in (1, 2, 3)
]


def ishigami(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the Ishigami function of a batch."""
    x1, x2, x3 = x.T
    y: npt.NDArray[np.float64] = (1 + 0.1 * x3**4) * np.sin(x1) + 7 * np.sin(x2) ** 2
    return y


def study_of(function: Callable[..., Any] = ishigami, **spec: Any) -> Study:
    """Return a study of a function of three inputs."""
    spec = {"model": {"arrays": "numpy"}, "design": {"replicates": REPLICATES, "seed": 7}, **spec}
    return Study.from_function(function, PARAMETERS, n=N, **spec)


def serve(study: Study, function: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """Put another function in the place of a study's; return the one that was there."""
    key = Path(study.spec.model.path).name
    before = live.registered(key)
    live.register(function or ishigami, key)
    return before


def prepared(
    study: Study, directory: Path, threads: int = 1, planned_by: Callable[..., Any] = ishigami
) -> StudyDir:
    """Make the directory of a study, with leases of 16 bundles in 8 lanes.

    The plan is that of the Ishigami function, which neither raises nor counts its calls.
    """
    function = serve(study, planned_by)
    made = planning.prepare_spec(study.spec, directory)
    serve(study, function)
    plan = made.read_plan()
    chunk = LEASE_BUNDLES // 8
    cut = dataclasses.replace(
        plan, lease_bundles=LEASE_BUNDLES, lanes=8, chunk_bundles=chunk, batch=chunk * plan.layout.n_rows,
        threads=threads,
    )  # fmt: skip
    write_json(made.plan, cut.to_json())
    return made


def losing_power(patch: pytest.MonkeyPatch, after: int) -> None:
    """Let a run die of an error that is not its own, at the next checkpoint after so many."""
    save, left = checkpoints.save, iter(range(after))

    def dies(*arguments: Any, **keywords: Any) -> Path:
        if next(left, None) is None:
            raise SystemError("power is gone")
        return save(*arguments, **keywords)

    patch.setattr(checkpoints, "save", dies)
    patch.setattr(inline, "_PAUSES_APART", 0)


def bundles_where(
    study: Study, replicate_bundles: int, holds: Callable[[npt.NDArray[np.float64]], Any]
) -> list[int]:
    """Return the bundles that have a row of inputs of which something holds, from the design alone."""
    spec = study.spec
    sampler = design.assemble(spec.design_plain(), spec.parameters_plain(), replicate_bundles)
    rows = sampler.rows(0, spec.design.n)
    return [int(b) for b in np.flatnonzero(np.asarray(holds(rows)).any(axis=1))]
