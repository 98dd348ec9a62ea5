"""The probe: load the model where it will run, try it, and freeze the plan.

`python -m parsl_sa.client.probe SPEC OUT --ranks R` writes `plan.json` and `pivots.npy` into OUT, or
`faults.json` and exit status 2 when the model does not do what the spec says.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import traceback
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from parsl_sa import design, models, stats
from parsl_sa.arrays import checksum
from parsl_sa.errors import DesignError, Fault, ModelError, SpecError
from parsl_sa.lifeline import hold
from parsl_sa.records import Plan, digest_of
from parsl_sa.spec import StudySpec, load_spec, replicate_plan, science
from parsl_sa.studydir import StudyDir, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

PROBE_BUNDLES = 32
LEASE_S = 1.5
LANES = 8
CHUNK_BYTES = 64 << 20
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
        Shift of every cell: its mean over the probed rows.
    figures : dict
        Costs: ``forward_s`` of one batch, ``row_bytes`` of one row while it is evaluated, ``rank_bytes`` of
        one rank, ``reducer_bytes`` of one shard, ``lease_bytes`` of a contribution.
    """

    plan: Plan
    pivots: npt.NDArray[np.float64]
    figures: dict[str, float]


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
    try:
        sampler = design.assemble(spec.design_plain(), spec.parameters_plain(), replicate_bundles)
    except DesignError as error:
        raise SpecError([Fault("", str(error))]) from error
    layout = sampler.layout
    evaluator = models.Evaluator(
        models.load(spec.model_plain(), Path()), spec.outputs_plain(), len(spec.inputs.parameters)
    )
    rows = _probe_rows(sampler.rows(0, min(PROBE_BUNDLES, replicate_bundles)))
    quantities = evaluator.probe(rows)
    memory_bytes = _memory_bytes(spec, ranks)
    chosen = models.choose_batch(evaluator, rows, memory_bytes // 2, LARGEST_BATCH)
    pivots = _pivots(evaluator.evaluate(rows, chosen.batch))

    lease = _lease_bundles(chosen.batch / chosen.forward_s * ranks, layout.n_rows, replicate_bundles, ranks)
    lanes = min(lease, max(LANES, _power_of_two_above(ranks)))
    bundle_bytes = layout.n_rows * evaluator.n_cells * np.dtype(evaluator.dtype).itemsize
    chunk = min(lease // lanes, _power_of_two_below(max(1, CHUNK_BYTES // bundle_bytes)))
    accumulator = stats.assemble(spec.statistics_plain(), layout, evaluator.n_cells, pivots)
    hashes = models.hashes(evaluator.model)
    plan = Plan(
        science=digest_of({**science(spec), "files": hashes}),
        layout=layout,
        quantities=quantities,
        dtype=evaluator.dtype,
        replicates=replicates,
        replicate_bundles=replicate_bundles,
        lease_bundles=lease,
        lanes=lanes,
        chunk_bundles=chunk,
        batch=evaluator.model.fixed_batch or _even_batch(chunk * layout.n_rows, chosen.batch),
        threads=threads,
        shards=spec.farm.reducer.shards,
        contribution="partial",
        seed=spec.design.seed,
        pivots_digest=checksum(pivots),
        hardware=models.hardware(evaluator.model.device),
        versions={"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        model_hashes=hashes,
        forward_s=chosen.forward_s,
    )
    lease_bytes = 8 * plan.n_cells * sum(k for k, _ in accumulator.partial_shapes())
    figures = {
        "forward_s": chosen.forward_s,
        "batch": float(chosen.batch),
        "row_bytes": float(chosen.row_bytes),
        "rank_bytes": float(chosen.batch * chosen.row_bytes + chunk * bundle_bytes + 4 * lease_bytes),
        "lease_bytes": float(lease_bytes),
        "reducer_bytes": float(accumulator.memory_bytes()),
    }
    return Probe(plan, pivots, figures)


def save(found: Probe, out: Path) -> None:
    """Write `plan.json` and `pivots.npy` into a directory."""
    place = StudyDir(out)
    np.save(place.pivots, found.pivots)
    write_json(place.plan, found.plan.to_json(), durable=True)


def _probe_rows(bundles: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the independent rows of some bundles: A, and B where there is one."""
    return bundles[:, :2].reshape(-1, bundles.shape[-1])


def _pivots(outputs: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    finite = np.isfinite(outputs)
    total = np.where(finite, outputs, 0.0).sum(axis=0, dtype=np.float64)
    pivots: npt.NDArray[np.float64] = total / np.maximum(finite.sum(axis=0), 1)
    return pivots


def _memory_bytes(spec: StudySpec, ranks: int) -> int:
    """Memory one rank may use: what the spec says, else its share of what is free now."""
    asked_gb = spec.farm.clients.memory_gb
    if asked_gb is not None:
        return int(asked_gb * 1e9 / ranks)
    return int(psutil.virtual_memory().available * 0.5 / max(ranks, os.cpu_count() or 1))


def _lease_bundles(rows_per_s: float, n_rows: int, replicate_bundles: int, ranks: int) -> int:
    """Bundles of about `LEASE_S` of work, at least one a rank, at most a replicate."""
    wanted = _power_of_two_below(max(1, int(rows_per_s * LEASE_S / n_rows)))
    return min(replicate_bundles, max(wanted, _power_of_two_above(ranks)))


def _even_batch(rows: int, batch: int) -> int:
    """Cut rows into equal batches no larger than `batch`, so that little is padded.

    Examples
    --------
    >>> _even_batch(1536, 1024), _even_batch(48, 4096)
    (768, 48)
    """
    parts = -(-rows // batch)
    return -(-rows // parts)


def _power_of_two_below(value: int) -> int:
    return 1 << (value.bit_length() - 1)


def _power_of_two_above(value: int) -> int:
    return 1 << (value - 1).bit_length()


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
    import torch  # noqa: PLC0415 - 1.5 s that a wrong argument should not cost

    torch.set_num_threads(options.threads)
    try:
        found = probe(load_spec(options.spec), options.ranks, options.threads)
    except SpecError as error:
        if isinstance(error, ModelError) and error.__cause__ is not None:
            traceback.print_exception(error.__cause__)  # the user's own traceback, for the log
        faults = [{"place": fault.place, "message": fault.message} for fault in error.faults]
        write_json(options.out / "faults.json", faults)
        return error.exit_code
    save(found, options.out)
    print(json.dumps(found.figures))  # noqa: T201 - what the parent reads
    return 0


if __name__ == "__main__":
    sys.exit(main())
