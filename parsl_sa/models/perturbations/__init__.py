"""Perturbations of base inputs: one file a kind, each a function of columns of the design."""

from __future__ import annotations

from parsl_sa.models.perturbations.protocol import Column, Perturbation, columns_of

__all__ = ["Column", "Perturbation", "columns_of"]
