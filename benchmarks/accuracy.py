"""How exact the indices are: every estimator on functions of known indices, beside other packages.

`python benchmarks/accuracy.py [--quick] [--json] [--only FUNCTION ...]`

Errors are root mean squares over repeats and inputs, at equal numbers of forwards: N base points of d + 2
rows, or what 2 d + 2 rows leave of the same forwards, in whole replicates. Three ways to sample:
`replicates`, the default, 16 or a few more scrambled Sobol' sequences; `sequence`, one of them
("intervals": false), with a power of two of base points; and `random`. Other packages (SALib, OpenTURNS,
iterative-stats; null where missing) analyse the very rows of `sequence` and `random`: d + 2 of N base
points, for S2 2 d + 2 of N / 2.

`verdicts` compares the recommended estimator of each index with the best of theirs, which is chosen
after the fact, function by function. `ratio` is our error over theirs, "even" if within two standard errors
of 1. Against `replicates` stands their one sequence, which is more exact and has no honest interval: what
the interval costs is in that ratio.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import peers
from repeats import Design, exact, pick_freeze, probed, replicated, studies

from parsl_sa import analytic

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from parsl_sa.analytic import Function

    Floats = npt.NDArray[np.float64]

RECOMMENDED = {"S1": "azzini-rosati", "ST": "saltelli-jansen", "S2": "azzini-rosati"}
"""What docs/choosing.md recommends an index by, at equal forwards: S1 and S2 both ways, ST one way."""

ONE_WAY = ("saltelli-jansen", "jansen-paired", "jansen", "martinez", "saltelli-2010", "janon-monod")
BOTH_WAYS = "azzini-rosati"
MODES = ("replicates", "sequence", "random")
FUNCTIONS: dict[str, Function] = {
    "Ishigami": analytic.ishigami(),
    "G8": analytic.sobol_g(),
    "G*": analytic.g_star(),
    "linear": analytic.linear_gaussian(),
    "Oakley-O'Hagan": analytic.oakley_ohagan(),
    "Borehole": analytic.borehole(),
    "Friedman": analytic.friedman(),
    "product": analytic.product(),
    "field (i), waves": analytic.rotating_pair(8),
    "field (ii), Ishigami": analytic.ishigami_field(),
    "field (iii), t g(x)": analytic.scaled(analytic.g_star(), (0.0, 0.5, 1.0, 2.0)),
}


@dataclass(frozen=True)
class Effort:
    """How much is run."""

    n: int = 1024
    repeats: int = 300
    theirs: int = 50  # repeats that other packages analyse
    slow: bool = True  # whether iterative-stats is among them


def designs(mode: str, n: int, d: int) -> tuple[Design, Design]:
    """Return the designs of d + 2 and of 2 d + 2 rows with the forwards of n bundles of d + 2 rows."""
    if mode == "sequence":
        return Design("sobol", 1, n), Design("sobol", 1, n // 2, both_ways=True)
    points = "sobol" if mode == "replicates" else "random"
    forwards = n * (d + 2)
    one, both = replicated(forwards, d + 2), replicated(forwards, 2 * d + 2)
    return Design(points, *one), Design(points, *both, both_ways=True)


def row(errors: Floats) -> dict[str, float]:
    """Return the root mean square of errors (k, repeats), and its standard error over repeats."""
    squares = (errors**2).mean(axis=0)
    rmse = float(np.sqrt(squares.mean()))
    se = float(squares.std(ddof=1) / np.sqrt(len(squares)) / (2.0 * rmse)) if rmse else 0.0
    return {"rmse": rmse, "se": se, "repeats": len(squares)}


class Rows:
    """The outputs of the first repeats of a design, for other packages."""

    def __init__(self, repeats: int, cells: int) -> None:
        self._repeats, self._cells = repeats, cells
        self._parts: list[Floats] = []
        self._wanted = 0

    def expect(self, design: Design) -> None:
        """Say how many replicates make a study."""
        self._wanted = design.replicates

    def __call__(self, y: Floats) -> None:
        """Keep the replicates of the first block of repeats."""
        if len(self._parts) < self._wanted:
            by_repeat = y.reshape(*y.shape[:2], -1, self._cells)
            self._parts.append(by_repeat[:, :, : self._repeats].copy())

    def all(self) -> Floats:
        """Return them, (n, n_rows, repeats, cells)."""
        return np.concatenate(self._parts)


def of_peers(
    y: Floats, function: Function, wanted: tuple[str, ...], *, slow: bool
) -> Iterator[tuple[str, str, Floats]]:
    """Yield (estimator, index, values (k, repeats)) of other packages."""
    varies = np.atleast_1d(function.variance) > 0.0
    y = np.ascontiguousarray(y[..., varies])
    # an index of a whole field is the mean of its cells' weighted by their variances
    variance = y[:, :2].var(axis=(0, 1))
    share = variance / variance.sum(axis=1, keepdims=True)
    for name, indices in peers.everyone(slow=slow).items():
        for index, values in indices(y, function.d).items():
            if index in wanted:
                yield name, index, (values * share).sum(axis=-1)


def measure_mode(label: str, mode: str, effort: Effort) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table of one function and one way of sampling."""
    function = FUNCTIONS[label]
    truth, cells = exact(function), function.mean.size
    suffix = "_aggregated" if cells > 1 else ""
    for design in designs(mode, effort.n, function.d):
        second = {"second_order": True} if "S2" in truth else {}
        ours = {BOTH_WAYS: second} if design.both_ways else {name: {"estimator": name} for name in ONE_WAY}
        rows = Rows(effort.theirs, cells)
        rows.expect(design)
        found = studies(
            pick_freeze(function),
            probed(function),
            design,
            ours,
            d=function.d,
            repeats=effort.repeats,
            seed=1,
            field_cells=cells,
            watch=None if mode == "replicates" else rows,
        )
        forwards = design.n * design.layout(function.d).n_rows
        about = {"function": label, "mode": mode, "n": design.n, "forwards": forwards}
        of_pairs = design.both_ways
        for name, result in found.items():
            for index in [i for i in truth if (i != "S2" or of_pairs)]:
                errors = result[index + suffix] - truth[index][:, np.newaxis]
                yield about | {"index": index, "estimator": name, "whose": "ours"} | row(errors)
        wanted = ("S2",) if of_pairs else ("S1", "ST")
        if mode != "replicates" and (not of_pairs or "S2" in truth):
            for name, index, values in of_peers(rows.all(), function, wanted, slow=effort.slow):
                errors = values - truth[index][:, np.newaxis]
                yield about | {"index": index, "estimator": name, "whose": "theirs"} | row(errors)


def judge(table: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Compare the recommended estimator of every function, index and mode with the best of theirs."""
    for label in dict.fromkeys(line["function"] for line in table):
        for index, estimator in RECOMMENDED.items():
            own = [line for line in table if (line["function"], line["index"]) == (label, index)]
            for mode in MODES:
                ours = [r for r in own if r["mode"] == mode and r["estimator"] == estimator]
                against = "sequence" if mode == "replicates" else mode
                theirs = [r for r in own if r["mode"] == against and r["whose"] == "theirs"]
                if ours and theirs:
                    yield verdict(ours[0], min(theirs, key=lambda line: line["rmse"]))


def verdict(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Compare two lines of the table."""
    ratio = ours["rmse"] / theirs["rmse"]
    se = ratio * float(np.hypot(ours["se"] / ours["rmse"], theirs["se"] / theirs["rmse"]))
    said = "even" if abs(ratio - 1.0) <= 2.0 * se else "better" if ratio < 1.0 else "worse"
    return {
        **{key: ours[key] for key in ("function", "index", "mode")},
        **{f"ours_{key}": ours[key] for key in ("estimator", "rmse", "se", "forwards")},
        **{f"theirs_{key}": theirs[key] for key in ("estimator", "rmse", "se", "forwards")},
        "ratio": ratio,
        "ratio_se": se,
        "verdict": said,
    }


def measure(effort: Effort, labels: list[str]) -> dict[str, Any]:
    """Measure every function in every mode."""
    began_at = time.perf_counter()
    table = []
    for label in labels:
        table += [line for mode in MODES for line in measure_mode(label, mode, effort)]
        print(f"{label}: {time.perf_counter() - began_at:.0f} s", file=sys.stderr)
    verdicts = list(judge(table))
    return {
        "verdicts": verdicts,
        "not_worse": {
            mode: sum(v["verdict"] != "worse" for v in verdicts if v["mode"] == mode) for mode in MODES
        },
        "compared": {mode: sum(v["mode"] == mode for v in verdicts) for mode in MODES},
        "table": table,
        "peers": peers.versions(),
        "N": effort.n,
        "seconds": time.perf_counter() - began_at,
    }


def show(told: dict[str, Any]) -> None:
    """Print the verdicts, and the errors of all our estimators."""
    print(f"N = {told['N']}; errors x 1e4, +- standard error; ratio = ours / best of theirs")
    print(f"{'function':22}{'index':6}{'mode':12}{'ours':>15}   {'theirs':>15}  {'ratio':>6}  ")
    for v in told["verdicts"]:
        ours, theirs = (
            f"{1e4 * v[w + '_rmse']:8.2f} +-{1e4 * v[w + '_se']:5.2f}" for w in ("ours", "theirs")
        )
        print(
            f"{v['function']:22}{v['index']:6}{v['mode']:12}{ours}   {theirs}  {v['ratio']:6.2f}"
            f"  {v['verdict']:7}{v['theirs_estimator']}"
        )
    for mode in MODES:
        print(f"{mode}: as good or better in {told['not_worse'][mode]} of {told['compared'][mode]}")
    names = (*ONE_WAY, BOTH_WAYS)
    print("\n" + " " * 40 + "".join(f"{name:>16}" for name in names))
    lines = [line for line in told["table"] if line["whose"] == "ours"]
    for key in dict.fromkeys((line["function"], line["index"], line["mode"]) for line in lines):
        by = {
            line["estimator"]: f"{1e4 * line['rmse']:.1f}"
            for line in lines
            if (line["function"], line["index"], line["mode"]) == key
        }
        print(f"{key[0]:22}{key[1]:6}{key[2]:12}" + "".join(f"{by.get(name, ''):>16}" for name in names))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="N = 256, few repeats, without iterative-stats")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", nargs="+", choices=FUNCTIONS, default=list(FUNCTIONS), metavar="FUNCTION")
    options = parser.parse_args()
    effort = Effort(n=256, repeats=100, theirs=20, slow=False) if options.quick else Effort()
    told = measure(effort, options.only)
    (partial(print, json.dumps(told)) if options.json else partial(show, told))()


if __name__ == "__main__":
    main()
