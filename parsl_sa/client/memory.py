"""What the processes of a client take: the parts that were found to matter, added up."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from parsl_sa.client.exchange import EXCHANGE_BYTES
from parsl_sa.stats import PARTIAL

if TYPE_CHECKING:
    from parsl_sa.spec import StudySpec
    from parsl_sa.stats import Form

_MARGIN = 1.1
HELD = 3
"""Contributions that a client has in hand: one each being computed, offered and sent."""


@dataclass(frozen=True)
class Memory:
    """Bytes of one rank, by what they are for.

    Parameters
    ----------
    resident_bytes : int
        Interpreter, libraries and model.
    forward_bytes : int
        One batch while it is evaluated.
    chunk_bytes : int
        Outputs of a chunk.
    lane_bytes : int
        Sums of a lane.
    """

    resident_bytes: int
    forward_bytes: int
    chunk_bytes: int
    lane_bytes: int

    def figures(self, form: Form, ranks: int) -> dict[str, float]:
        """Return ``rank_bytes`` of any rank, and ``lead_bytes`` of what the first one has beside.

        Parameters
        ----------
        form : Form
            Of a contribution.
        ranks : int
            Ranks of the client.
        """
        lanes = -(-form.lanes // ranks)
        if form.kind == PARTIAL:
            # A binary counter holds about log2 sums of the lanes done, beside the one being filled.
            work = self.chunk_bytes + self.lane_bytes * (1 + lanes.bit_length())
            work += 3 * min(EXCHANGE_BYTES, ranks * self.lane_bytes) if ranks > 1 else 0
        else:
            work = 0 if ranks == 1 else form.size_bytes // ranks
        rank_bytes = _MARGIN * (self.resident_bytes + self.forward_bytes + work)
        return {"rank_bytes": float(rank_bytes), "lead_bytes": float(HELD * form.size_bytes)}


def available_bytes(spec: StudySpec, ranks: int) -> int:
    """Memory one rank may use: what the spec says, else its share of what is free now."""
    asked_gb = spec.farm.clients.memory_gb
    if asked_gb is not None:
        return int(asked_gb * 1e9 / ranks)
    return int(psutil.virtual_memory().available * 0.5 / max(ranks, os.cpu_count() or 1))
