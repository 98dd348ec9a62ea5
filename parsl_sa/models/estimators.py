"""Estimators of scikit-learn, and what follows their form: which method is studied, and how it is fed."""

from __future__ import annotations

import difflib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models.protocol import InputTensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

# Of a classifier the first of these; a predicted class is a step, and its label seldom a number.
_OF_CLASSIFIERS = ("predict_proba", "decision_function", "predict")
_METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
    "score_samples",
)
_MOST_NAMES = 8


def is_estimator(made: object) -> bool:
    """Tell an estimator, or what has its form, from a module and from a plain callable."""
    return not isinstance(made, nn.Module | type) and not callable(made) and hasattr(made, "predict")


class EstimatorCall:
    """A method of a fitted estimator as a function of one array.

    Parameters
    ----------
    estimator : object
        Fitted, with `predict`; told to use one job, because a sum over threads has no fixed order.
    method : str
        The spec's ``model.method``; empty for the default.

    Raises
    ------
    ModelError
        At ``model.method``, if it has no such method.

    Notes
    -----
    An estimator that was fitted on a table with column names (``feature_names_in_``) is given such a table,
    as pipelines that choose columns by name need; the parameters of the spec are its columns in that order.
    """

    def __init__(self, estimator: Any, method: str = "") -> None:
        self.estimator = _one_job(estimator)
        self.method = method or self._default()
        there = [name for name in _METHODS if hasattr(estimator, name)]
        if not hasattr(estimator, self.method):
            close = difflib.get_close_matches(self.method, there, 1)
            guess = f"; did you mean '{close[0]}'?" if close else ""
            raise ModelError(
                "model.method", f"{self.kind} has no '{self.method}'; it has {', '.join(there)}{guess}"
            )
        self.columns = (
            tuple(map(str, getattr(estimator, "feature_names_in_", ()))) if find_spec("pandas") else ()
        )

    @property
    def kind(self) -> str:
        """Name of its class."""
        return type(self.estimator).__name__

    @property
    def inputs(self) -> tuple[InputTensor, ...]:
        """One input of the width that it was fitted on; empty where it does not say."""
        width = getattr(self.estimator, "n_features_in_", None)
        return () if width is None else (InputTensor("", (None, int(width)), "float64"),)

    @property
    def remark(self) -> str:
        """What of it is studied, what the columns of the output are, and which columns it takes.

        A loader does not see the spec's parameters, so their order is left for the user to compare.
        """
        classes = [str(name) for name in getattr(self.estimator, "classes_", ())]
        of = (
            f"; its columns are the classes {_first(classes)}" if classes and self.method != "predict" else ""
        )
        takes = (
            f"; the parameters are taken for {_first(self.columns)}, in this order" if self.columns else ""
        )
        return f"model.method: {self.method} of {self.kind} is studied{of}{takes}"

    def __call__(self, rows: npt.NDArray[Any]) -> Any:
        """Evaluate one batch."""
        method = getattr(self.estimator, self.method)
        if not self.columns:
            return method(rows)
        import pandas as pd  # noqa: PLC0415 - only where the estimator was fitted on its tables

        return method(pd.DataFrame(rows, columns=list(self.columns)))

    def _default(self) -> str:
        if not hasattr(self.estimator, "classes_"):
            return "predict"
        return next(name for name in _OF_CLASSIFIERS if hasattr(self.estimator, name))


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")


def _one_job(estimator: Any) -> Any:
    if hasattr(estimator, "get_params") and hasattr(estimator, "set_params"):
        jobs = [key for key in estimator.get_params() if key == "n_jobs" or key.endswith("__n_jobs")]
        estimator.set_params(**dict.fromkeys(jobs, 1))
    return estimator
