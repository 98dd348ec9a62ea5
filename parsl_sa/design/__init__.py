"""Samplers: bundle index -> rows."""

from __future__ import annotations

from parsl_sa.design.assemble import assemble
from parsl_sa.design.protocol import Distribution, Sampler, Sequence

__all__ = ["Distribution", "Sampler", "Sequence", "assemble"]
