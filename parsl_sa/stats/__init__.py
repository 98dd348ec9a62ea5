"""Statistics folded in one pass: Numba kernels and accumulators over arrays.

The room knows arrays and plain options, never specs or sockets, and serves in a notebook by itself.
"""

from __future__ import annotations

from parsl_sa.stats.accumulator import Accumulator
from parsl_sa.stats.aggregates import Aggregates
from parsl_sa.stats.assemble import assemble, for_plan, prewarm
from parsl_sa.stats.contribution import PARTIAL, ROWS, Form, sum_fields
from parsl_sa.stats.finite import whole_bundles
from parsl_sa.stats.intervals import widening
from parsl_sa.stats.memory import flat, views
from parsl_sa.stats.protocol import Statistic
from parsl_sa.stats.sobol import NEAR_ROUNDING
from parsl_sa.stats.tree import LaneTree, Node, merge_nodes

__all__ = [
    "NEAR_ROUNDING",
    "PARTIAL",
    "ROWS",
    "Accumulator",
    "Aggregates",
    "Form",
    "LaneTree",
    "Node",
    "Statistic",
    "assemble",
    "flat",
    "for_plan",
    "merge_nodes",
    "prewarm",
    "sum_fields",
    "views",
    "whole_bundles",
    "widening",
]
