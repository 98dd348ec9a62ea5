"""Load the model that a spec names, by the loader that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from parsl_sa.errors import ModelError
from parsl_sa.registry import UnknownPluginError, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from parsl_sa.models.protocol import Model


def load(model: Mapping[str, Any], base_dir: Path) -> Model:
    """Load a model.

    Parameters
    ----------
    model : mapping
        The spec's ``model``: ``loader``, ``path``, and optionally ``options`` (keywords of the user's
        function), ``dtype`` (``"auto"``, ``"float32"``, ``"float64"``), ``device`` (``"cpu"``,
        ``"cuda:0"``, ``"auto"``) and ``arrays`` (``"auto"``, ``"torch"``, ``"numpy"``).
    base_dir : Path
        Folder that a relative ``path`` starts from: the spec's own.

    Returns
    -------
    Model
        In eval mode, on its device, in its dtype.

    Raises
    ------
    ModelError
        If the loader is unknown, the file or function is missing, the user's code raises, or the device
        or dtype cannot be had. The message names the field of the spec and the cure.
    """
    try:
        loader = resolve("loader", model.get("loader", "python"))
    except UnknownPluginError as unknown:
        raise ModelError("model.loader", str(unknown)) from None
    return cast("Model", loader(model, base_dir))
