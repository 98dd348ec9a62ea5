"""How often intervals hold the truth: nominal 95 % intervals over many repeats of studies of known indices.

`python benchmarks/coverage.py [--quick] [--json] [--only CASE ...]`

Studies of 16 replicates of scrambled Sobol' points, n = 256, 1024 and 4096 base points, 2000 repeats each.
`table` has one line for every interval: the share of repeats in which it held the exact index. Parameters
without any effect are left out: their estimates are 0 with an interval of width 0. `simultaneous` lines widen
the intervals by `widening` and ask that all of them hold.

`judged` compares with the binomial band about 0.95 at a family-wise error of one in a thousand over all
gated lines; simultaneous intervals are made to be on the safe side, and only fail below it. The heavy tail is
published and not gated. `worst` and `best` are the gated lines of the lowest and highest coverage.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from judging import LEVEL, judge
from repeats import Design, exact, pick_freeze, probed, studies, unit_points
from scipy.special import ndtri

from parsl_sa import analytic
from parsl_sa.stats.intervals import widening

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from repeats import Rows

    from parsl_sa.analytic import Function

    Floats = npt.NDArray[np.float64]

REPLICATES = 16
ONE_WAY = ("saltelli-jansen", "jansen-paired", "jansen", "martinez", "saltelli-2010", "janon-monod")
CORRELATION, SLOPES = 0.6, (1.0, 2.0)


@dataclass(frozen=True)
class Case:
    """A function, how its rows are made, and which intervals are looked at."""

    function: Function
    one_way: tuple[str, ...] = ("saltelli-jansen",)
    both_ways: bool = True
    method: str = "pick-freeze"
    simultaneous: bool = False
    aggregated: bool = False
    gated: bool = True

    def rows(self) -> Rows:
        """Return what makes the outputs of a replicate."""
        return pick_freeze(self.function) if self.method == "pick-freeze" else conditional

    def designs(self, n: int) -> Iterator[tuple[Design, dict[str, dict[str, Any]]]]:
        """Yield designs of n base points and the options of the statistics they feed."""
        plain = Design("sobol", REPLICATES, n // REPLICATES, self.method)
        yield plain, {name: {"estimator": name} for name in self.one_way}
        if self.both_ways:
            second = self.function.closed is not None and self.function.mean.ndim == 0
            yield replace(plain, both_ways=True), {"azzini-rosati": {"second_order": second}}


def lognormal(sds: tuple[float, ...] = (1.0, 0.7, 0.5)) -> Function:
    """Return a product of lognormal inputs, the exponentials of normal ones of the given sds."""
    s2 = np.square(sds)
    means = np.exp(s2 / 2)
    known = analytic.product(means.tolist(), (means * np.sqrt(np.expm1(s2))).tolist())
    latent = analytic.linear_gaussian((1.0,) * len(sds), sds)
    return replace(
        known, name="lognormal", parameters=latent.parameters, evaluate=lambda x: np.exp(x.sum(axis=1))
    )


def conditional(design: Design, repeats: int, rng: np.random.Generator) -> Floats:
    """Return the outputs of A, B, F_1, F_2, T_1, T_2 of the dependent case, (size, 6, repeats)."""
    r = CORRELATION
    z1, z2, w1, w2 = np.moveaxis(ndtri(unit_points(design, 4, repeats, rng)), -1, 0)
    own = np.sqrt(1.0 - r * r)
    a1, a2, b1, b2 = z1, r * z1 + own * z2, w1, r * w1 + own * w2
    # F_i shares x_i with B and has the innovation of A; T_i shares the other with A and has that of B
    rows = (
        (a1, a2),
        (b1, b2),
        (b1, r * b1 + a2 - r * a1),
        (r * b2 + a1 - r * a2, b2),
        (r * a2 + b1 - r * b2, a2),
        (a1, r * a1 + b2 - r * b1),
    )
    return np.stack([SLOPES[0] * first + SLOPES[1] * second for first, second in rows], axis=1)


CASES = {
    "Ishigami": Case(analytic.ishigami(), one_way=ONE_WAY),
    "G8": Case(analytic.sobol_g(), simultaneous=True),
    "linear": Case(analytic.linear_gaussian()),
    "Friedman": Case(analytic.friedman(0)),
    "field, aggregated": Case(analytic.ishigami_field(), aggregated=True),
    "field of 24 cells": Case(
        analytic.ishigami_field(np.linspace(0.0, 0.2, 24).tolist()),
        ("saltelli-jansen",),
        both_ways=False,
        simultaneous=True,
    ),
    "dependent": Case(analytic.dependent_linear(), ("jansen-paired",), both_ways=False, method="conditional"),
    "heavy tail": Case(lognormal(), gated=False),
}
_NAMES_OF_DEPENDENT = {"S1": "S1_full", "ST": "ST_independent"}


def measure_case(label: str, n: int, repeats: int) -> Iterator[dict[str, Any]]:
    """Yield the lines of one case at one n."""
    case = CASES[label]
    function = case.function
    for design, statistics in case.designs(n):
        found = studies(
            case.rows(),
            probed(function),
            design,
            statistics,
            d=function.d,
            repeats=repeats,
            seed=n,
            field_cells=function.mean.size,
        )
        for estimator, result in found.items():
            about = {"case": label, "n": n, "estimator": estimator, "repeats": repeats, "gated": case.gated}
            flagged = float(result["dominant_replicate"].mean())
            for line in lines_of(case, result):
                yield about | line | {"dominant_replicate": flagged}


def lines_of(case: Case, result: dict[str, npt.NDArray[Any]]) -> Iterator[dict[str, Any]]:
    """Yield how often every interval of a result held, and all of them together."""
    function = case.function
    indices = (
        exact(function)
        if function.mean.ndim == 0 or case.aggregated
        else {"S1": function.S1, "ST": function.ST}
    )
    acts = np.atleast_1d(function.ST.reshape(function.d, -1).max(axis=1) > 0.0)
    for index, truth in indices.items():
        name = _NAMES_OF_DEPENDENT[index] if case.method == "conditional" else index
        suffix = "_aggregated" if case.aggregated else ""
        if name not in result:
            continue
        labels, active = labelled(index, acts)
        error, half = (
            result[key].reshape(len(labels), -1, truth[0].size)
            for key in (name + suffix, f"{name}_conf{suffix}")
        )
        error = np.abs(error - truth.reshape(len(labels), 1, -1))
        held = error <= half
        if function.mean.ndim == 0 or case.aggregated:
            for i in np.flatnonzero(active):
                yield {"kind": "pointwise", "index": name, "of": labels[i], "covered": int(held[i].sum())}
        if not case.simultaneous or index == "S2":
            continue
        if function.mean.ndim == 0:
            wide = half * widening(LEVEL, int(active.sum()), REPLICATES)
            together = (error <= wide)[active].all(axis=(0, 2))
            yield {"kind": "simultaneous", "index": name, "of": "all", "covered": int(together.sum())}
        else:
            for i in np.flatnonzero(active):
                cells = truth[i] > 0.0 if index == "ST" else np.ones(truth[i].size, bool)
                wide = half[i] * widening(LEVEL, int(cells.sum()), REPLICATES)
                together = (error[i] <= wide)[:, cells].all(axis=1)
                yield {"kind": "simultaneous", "index": name, "of": labels[i], "covered": int(together.sum())}


def labelled(index: str, acts: npt.NDArray[np.bool_]) -> tuple[list[str], npt.NDArray[np.bool_]]:
    """Return the names of parameters or pairs, and which have an effect."""
    d = len(acts)
    if index != "S2":
        return [f"x{i + 1}" for i in range(d)], acts
    first, second = np.triu_indices(d, 1)
    return [f"x{i + 1} x{j + 1}" for i, j in zip(first, second, strict=True)], acts[first] & acts[second]


def measure(sizes: tuple[int, ...], repeats: int, labels: list[str]) -> dict[str, Any]:
    """Measure every case."""
    began_at = time.perf_counter()
    table = [line for label in labels for n in sizes for line in measure_case(label, n, repeats)]
    judged = judge(table)
    ordered = sorted((line for line in table if line["gated"]), key=lambda line: line["coverage"])
    return {
        "judged": judged,
        "worst": ordered[0] if ordered else None,
        "best": ordered[-1] if ordered else None,
        "table": table,
        "repeats": repeats,
        "seconds": time.perf_counter() - began_at,
    }


def show(told: dict[str, Any], sizes: tuple[int, ...]) -> None:
    """Print the lowest and highest coverage over the parameters of every case, as a table of Markdown."""
    print("| case | estimator | index | intervals | " + " | ".join(f"n = {n}" for n in sizes) + " |")
    print("|---" * (4 + len(sizes)) + "|")
    keys = ("case", "estimator", "index", "kind")
    for key in dict.fromkeys(tuple(line[k] for k in keys) for line in told["table"]):
        own = [line for line in told["table"] if tuple(line[k] for k in keys) == key]
        by_n = [[line["coverage"] for line in own if line["n"] == n] for n in sizes]
        cells = [f"{min(c):.3f}" if len(c) == 1 else f"{min(c):.3f} to {max(c):.3f}" for c in by_n]
        together = ", together" if key[3] == "simultaneous" else ""
        print(f"| {key[0]} | {key[1]} | {key[2]} | {len(by_n[0])}{together} | " + " | ".join(cells) + " |")
    judged = told["judged"]
    low, high = judged["band"]
    print(f"\n{judged['lines']} gated lines of {told['repeats']} repeats; band {low:.4f} to {high:.4f}")
    for line in judged["outside"]:
        print(f"{line['outside']}: {line['case']}, n = {line['n']}, {line['estimator']}, {line['index']} of "
              f"{line['of']} ({line['kind']}): {line['coverage']:.4f}")  # fmt: skip
    print(f"{told['seconds']:.0f} s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="400 repeats of n = 256 and 1024")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    options = parser.parse_args()
    sizes = (256, 1024) if options.quick else (256, 1024, 4096)
    told = measure(sizes, 400 if options.quick else 2000, options.only)
    if options.json:
        print(json.dumps(told))
    else:
        show(told, sizes)


if __name__ == "__main__":
    main()
