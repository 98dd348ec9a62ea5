"""The loader `sklearn`: a fitted estimator of scikit-learn in a file of joblib or pickle."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import ModelError
from parsl_sa.models.estimators import is_estimator
from parsl_sa.models.extras import require
from parsl_sa.models.feeding import feed
from parsl_sa.models.located import locate, require_trust
from parsl_sa.models.source import importable, user_code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from parsl_sa.models.protocol import Model


def load(model: Mapping[str, Any], base_dir: Path) -> Model:
    """Load a fitted estimator.

    Parameters
    ----------
    model : mapping
        The spec's ``model``, with ``trust``; ``method`` chooses what is studied; ``options`` must be empty.
    base_dir : Path
        Folder that a relative path starts from.

    Returns
    -------
    Model
        Fed with arrays of float64; remarks say which method is studied, and what scikit-learn warned of.

    Raises
    ------
    ModelError
        At ``model.loader``, if scikit-learn is missing; at ``model.trust``, if it is not given; at
        ``model.path``, if the file holds no estimator; at ``model.method``.
    """
    path = locate(model, base_dir, "sklearn")
    remark = require_trust(model, f"{path.name} is a pickle, which runs code of its own when it is read")
    require("sklearn", "sklearn", "sklearn")
    joblib = require("joblib", "sklearn", "sklearn")
    files: list[Path] = []
    with importable(path.parent, files), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with user_code("model.path", f"joblib.load of {path.name}", path.parent):
            estimator = joblib.load(path)
    if not is_estimator(estimator):
        kind = type(estimator).__name__
        raise ModelError("model.path", f"{path.name} holds a {kind}, which has no method 'predict'")
    warned = dict.fromkeys(f"model.path: {' '.join(str(one.message).split())}" for one in told)
    return feed(estimator, model, (path, *files), remarks=(remark, *warned))
