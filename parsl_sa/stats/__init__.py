"""Statistics folded in one pass: Numba kernels and accumulators over arrays.

The room knows arrays and plain options, never specs or sockets, and serves in a notebook by itself.
"""

from __future__ import annotations

from parsl_sa.stats.accumulator import Accumulator
from parsl_sa.stats.assemble import assemble, prewarm
from parsl_sa.stats.protocol import Statistic
from parsl_sa.stats.tree import LaneTree, Node, merge_nodes

__all__ = ["Accumulator", "LaneTree", "Node", "Statistic", "assemble", "merge_nodes", "prewarm"]
