"""Quantities of interest: what a study keeps of a forward."""

from __future__ import annotations

from parsl_sa.models.quantities.context import NOTHING, Context
from parsl_sa.models.quantities.labels import accuracy, label_codes, predicted_class
from parsl_sa.models.quantities.reader import Reader, result_dtype, scores_of

__all__ = [
    "NOTHING",
    "Context",
    "Reader",
    "accuracy",
    "label_codes",
    "predicted_class",
    "result_dtype",
    "scores_of",
]
