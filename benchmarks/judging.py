"""What coverage is judged by: a binomial band over all lines together."""

from __future__ import annotations

from typing import Any

from scipy.stats import binom

LEVEL, FAMILY_WISE = 0.95, 1e-3


def judge(table: list[dict[str, Any]]) -> dict[str, Any]:
    """Say which gated lines fall outside the band of all of them together."""
    gated = [line for line in table if line["gated"]]
    alpha = FAMILY_WISE / (2 * max(len(gated), 1))
    for line in table:
        line["coverage"] = line["covered"] / line["repeats"]
        low, high = (
            float(q(alpha, line["repeats"], LEVEL)) / line["repeats"] for q in (binom.ppf, binom.isf)
        )
        over = line["coverage"] > high and line["kind"] == "pointwise"
        line["outside"] = "under" if line["coverage"] < low else "over" if over else ""
    outside = [line for line in gated if line["outside"]]
    return {
        "lines": len(gated),
        "family_wise_error": FAMILY_WISE,
        "band": [low, high] if table else None,
        "outside": outside,
        "passed": not outside,
    }
