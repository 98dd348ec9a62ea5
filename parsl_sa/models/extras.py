"""Packages that only some loaders need: imported when they are used, with a hint where they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from parsl_sa.errors import ModelError


def require(package: str, loader: str, extra: str) -> Any:
    """Import an optional package.

    Parameters
    ----------
    package : str
        What to import; dots allowed.
    loader : str
        The loader that needs it.
    extra : str
        The extra of parsl-sa that installs it.

    Returns
    -------
    module

    Raises
    ------
    ModelError
        At ``model.loader``, with the command that installs it, if it is missing or broken.

    Examples
    --------
    >>> require("math", "onnx", "onnx").sqrt(4.0)
    2.0
    """
    try:
        return import_module(package)
    except ImportError as missing:
        absent = missing.name is not None and package.startswith(missing.name)
        reason = "which is not installed" if absent else f"which does not import here ({missing})"
        raise ModelError(
            "model.loader",
            f"the loader '{loader}' needs {package.partition('.')[0]}, {reason}: pip install "
            f"'parsl-sa[{extra}]'",
        ) from missing
