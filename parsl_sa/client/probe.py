"""The probe: load the model where it will run, try it, and freeze the plan.

`python -m parsl_sa.client.probe SPEC OUT --ranks R` writes `plan.json`, `pivots.npy` and `figures.json`
(costs, warnings) into OUT, or `faults.json` and exit status 2 when the model does not do what the spec says.
"""

from __future__ import annotations

import argparse
import platform
import sys
import traceback
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from parsl_sa import design, models, stats
from parsl_sa.arrays import checksum
from parsl_sa.client.cautions import cautions
from parsl_sa.client.costs import measure_costs
from parsl_sa.client.cut import cut, largest_batch
from parsl_sa.client.input_cautions import input_cautions
from parsl_sa.client.memory import Memory, available_bytes
from parsl_sa.client.notes import accuracy, batch_bits
from parsl_sa.errors import DesignError, Fault, ModelError, SpecError
from parsl_sa.jsonfile import write_json
from parsl_sa.lifeline import hold
from parsl_sa.records import Plan, Quantity, digest_of
from parsl_sa.spec import StudySpec, load_spec, read_weights, replicate_plan, science
from parsl_sa.studydir import StudyDir

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

PROBE_BUNDLES = 32
PROBE_BYTES = 64 << 20
PROBE_FORWARDS = 1 << 16
MANY_CASES = 1 << 10
FEWEST_ROWS = 8
LARGEST_BATCH = 8192
_PACKAGES = ("numba", "numpy", "parsl", "parsl-sa", "scipy", "torch")


@dataclass(frozen=True)
class Probe:
    """What the probe found.

    Parameters
    ----------
    plan : Plan
        The frozen plan.
    pivots : ndarray of float64, shape (n_cells,)
        Shift of every cell: its mean over the probed rows; NaN where none of them was finite.
    weights : ndarray of float64, shape (n_cells,), or None
        Weight of every cell in aggregated indices.
    figures : dict
        Costs: ``bundle_s`` of one bundle on one rank, design and fold included; ``rank_bytes`` of the process
        of one rank and ``lead_bytes`` of what the first rank has beside; ``lease_bytes`` of a contribution;
        ``state_bytes`` of the statistics.
    warnings : list of str
        What may go wrong later, each with its place in the spec.
    notes : list of str
        What is good to know, and is as it should be.
    cases : dict or None
        Of every base input what the model says of it as it is, and its label, where they are known.
    pictures : ndarray of uint8, shape (n, height, width, 3), or None
        The first base inputs as they look, where they are images.
    """

    plan: Plan
    pivots: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64] | None
    figures: dict[str, float]
    warnings: list[str]
    notes: list[str]
    cases: dict[str, list[str | int | float]] | None
    pictures: npt.NDArray[np.uint8] | None


def probe(spec: StudySpec, ranks: int, threads: int) -> Probe:
    """Try the model on a few rows of the design and choose how the study will be cut.

    Parameters
    ----------
    spec : StudySpec
        With its defaults resolved and its paths absolute.
    ranks, threads : int
        Ranks of a client and threads of a rank.

    Returns
    -------
    Probe
        A plan in which nothing is left open.

    Raises
    ------
    SpecError
        If the model cannot be loaded, raises, or gives what cannot be used; places are those of the spec.
    """
    replicates, replicate_bundles = replicate_plan(spec.design)
    sampler = _sampler(spec, replicate_bundles)
    evaluator = models.evaluator(**spec.evaluator_plain())
    rows = _probe_rows(sampler, min(PROBE_BUNDLES, replicate_bundles))
    quantities = evaluator.learn(rows[:2])
    most = min(PROBE_BYTES // _row_bytes(evaluator), PROBE_FORWARDS // evaluator.n_cases)
    rows = rows[: max(FEWEST_ROWS if evaluator.n_cases <= MANY_CASES else 2, most)]
    evaluator.probe(rows)
    notes = [*accuracy(evaluator)]
    resident_bytes = psutil.Process().memory_info().rss
    largest = largest_batch(sampler.layout.n_rows * evaluator.n_cases, replicate_bundles)
    memory_bytes = available_bytes(spec, ranks) // 2
    chosen = models.choose_batch(evaluator, rows, memory_bytes, min(LARGEST_BATCH, largest))
    outputs = evaluator.evaluate(rows, chosen.batch)
    pivots = _pivots(outputs)
    masked = np.isnan(pivots)
    told = cautions(spec, outputs, quantities, sampler.layout.n_rows)
    warnings = [*sampler.remarks, *evaluator.remarks, *told]
    warnings += input_cautions(spec, sampler, evaluator, chosen)
    notes += batch_bits(evaluator, rows[:FEWEST_ROWS], outputs, chosen.batch)
    del outputs
    weights = _weights(spec, quantities)
    accumulator = stats.assemble(
        spec.statistics_plain(), sampler.layout, evaluator.n_cells, pivots,
        fields=[quantity.cells for quantity in quantities if quantity.shape], weights=weights,
        dtype=evaluator.dtype,
    )  # fmt: skip
    costs = measure_costs(sampler, evaluator, accumulator, chosen.batch)
    sizes = cut(costs, replicate_bundles, ranks)
    form = stats.Form.smaller(accumulator, sizes.lease_bundles, sizes.lanes, evaluator.dtype)
    hashes = evaluator.hashes()
    plan = Plan(
        science=digest_of({**science(spec), "files": hashes}),
        layout=sampler.layout,
        quantities=quantities,
        dtype=evaluator.dtype,
        replicates=replicates,
        replicate_bundles=replicate_bundles,
        cases=evaluator.n_cases,
        **asdict(sizes),
        threads=threads,
        shards=spec.farm.reducer.shards,
        contribution=form.kind,
        seed=spec.design.seed,
        pivots_digest=checksum(pivots),
        weights_digest="" if weights is None else checksum(weights),
        masked={q.name: int(masked[q.cells].sum()) for q in quantities if masked[q.cells].any()},
        hardware=models.hardware(evaluator.model.device),
        versions={"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        model_hashes=hashes,
        forward_s=chosen.forward_s * sizes.batch / chosen.batch,
    )
    memory = Memory(
        resident_bytes,
        sizes.batch * chosen.row_bytes,
        sizes.chunk_bundles * costs.bundle_bytes,
        costs.lane_bytes,
    )
    figures = {
        "bundle_s": costs.bundle_s,
        **memory.figures(form, ranks),
        "lease_bytes": float(form.size_bytes),
        "state_bytes": float(accumulator.memory_bytes()),
    }
    pictures = models.pictures(evaluator.assembler)
    return Probe(plan, pivots, weights, figures, warnings, notes, evaluator.clean.told(), pictures)


def _sampler(spec: StudySpec, replicate_bundles: int) -> design.Sampler:
    try:
        return design.assemble(
            spec.design_plain(),
            spec.parameters_plain(),
            replicate_bundles,
            groups=spec.groups_plain(),
            dependence=spec.dependence_plain(),
        )
    except DesignError as error:
        place, colon, message = str(error).partition(": ")
        fault = Fault(place, message) if colon else Fault("design", str(error))
        raise SpecError([fault]) from error


def save(found: Probe, out: Path) -> None:
    """Write pivots, weights, figures and the plan into a directory, the plan last."""
    place = StudyDir(out)
    np.save(place.pivots, found.pivots)
    if found.weights is not None:
        np.save(place.weights, found.weights)
    if found.cases is not None:
        write_json(place.cases, found.cases)
    if found.pictures is not None:
        np.save(place.pictures, found.pictures)
    told = {"costs": found.figures, "warnings": found.warnings, "notes": found.notes}
    write_json(out / "figures.json", told)
    write_json(place.plan, found.plan.to_json(), durable=True)


def _probe_rows(sampler: design.Sampler, n_bundles: int) -> npt.NDArray[np.float64]:
    """Return the base rows of some bundles, A and B; where A may be always the same, all rows."""
    bundles, n_base = sampler.rows(0, n_bundles), sampler.layout.n_base_rows
    taken = bundles[:, :n_base] if n_base > 1 or sampler.layout.n_rows == 1 else bundles
    return taken.reshape(-1, bundles.shape[-1])


def _row_bytes(evaluator: models.Evaluator) -> int:
    return evaluator.n_cells * np.dtype(evaluator.dtype).itemsize


def _pivots(outputs: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the mean of every cell over its finite values; NaN, the mark of a mask, where it has none."""
    total, count = np.zeros(outputs.shape[1]), np.zeros(outputs.shape[1])
    for row in outputs:
        finite = np.isfinite(row)
        total += np.where(finite, row, 0.0)
        count += finite
    pivots: npt.NDArray[np.float64] = total / np.where(count == 0.0, np.nan, count)
    return pivots


def _weights(spec: StudySpec, quantities: Sequence[Quantity]) -> npt.NDArray[np.float64] | None:
    """Return the weight of every cell in aggregated indices; None where no output states any."""
    if all(output.weights is None for output in spec.outputs):
        return None
    return np.concatenate(
        [
            np.ones(quantity.n_cells)
            if output.weights is None
            else read_weights(output.weights, quantity.shape)
            for output, quantity in zip(spec.outputs, quantities, strict=True)
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Probe a spec file, write what was found, return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m parsl_sa.client.probe", description=__doc__)
    parser.add_argument("spec", type=Path, help="resolved spec")
    parser.add_argument("out", type=Path, help="directory to write into")
    parser.add_argument("--ranks", type=int, required=True, help="ranks of a client")
    parser.add_argument("--threads", type=int, required=True, help="threads of a rank")
    parser.add_argument("--lifeline", default="", help="named pipe of the wrapper")
    parser.add_argument("--wrapper-host", default="", help="host of the wrapper")
    options = parser.parse_args(arguments)
    hold(options.lifeline, options.wrapper_host)
    (options.out / "faults.json").unlink(missing_ok=True)  # of an earlier attempt
    import numba  # noqa: PLC0415 - seconds that a wrong argument should not cost
    import torch  # noqa: PLC0415 - see above

    torch.set_num_threads(options.threads)
    numba.set_num_threads(min(options.threads, numba.config.NUMBA_NUM_THREADS))
    try:
        found = probe(load_spec(options.spec), options.ranks, options.threads)
    except SpecError as error:
        if isinstance(error, ModelError) and error.__cause__ is not None:
            traceback.print_exception(error.__cause__)  # the user's own traceback, for the log
        faults = [{"place": fault.place, "message": fault.message} for fault in error.faults]
        write_json(options.out / "faults.json", faults)
        return error.exit_code
    save(found, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
