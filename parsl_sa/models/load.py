"""Load the model that a spec names, by the loader that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from parsl_sa.errors import ModelError, SpecError
from parsl_sa.registry import UnknownPluginError, resolve
from parsl_sa.spec.model import AUTO, loader_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from parsl_sa.models.protocol import Model


def load(model: Mapping[str, Any], base_dir: Path) -> Model:
    """Load a model.

    Parameters
    ----------
    model : mapping
        The spec's ``model``, all but ``path`` optional: ``loader`` (else told from the file), ``options``
        (keywords of the user's function), ``dtype`` (``"auto"``, ``"float32"``, ``"float64"``), ``device``
        (``"auto"``, ``"cpu"``, ``"cuda:0"``), ``arrays`` (``"auto"``, ``"torch"``, ``"numpy"``), ``mode``
        (``"eval"``, ``"dropout"``), and what some loaders take: see `parsl_sa.spec.ModelSpec`.
    base_dir : Path
        Folder that a relative ``path`` starts from: the spec's own.

    Returns
    -------
    Model
        In its mode, on its device, in its dtype.

    Raises
    ------
    ModelError
        If the loader is unknown, the file or function is missing, the user's code raises, or the device
        or dtype cannot be had. The message names the field of the spec and the cure.
    """
    name = str(model.get("loader") or AUTO)
    if name == AUTO:
        name = _told(model, base_dir)
    try:
        loader = resolve("loader", name)
    except UnknownPluginError as unknown:
        raise ModelError("model.loader", str(unknown)) from None
    return cast("Model", loader(model, base_dir))


def _told(model: Mapping[str, Any], base_dir: Path) -> str:
    try:
        return loader_of(str(model.get("path", "")), model.get("architecture"), base_dir)
    except SpecError as fault:
        raise ModelError(fault.faults[0].place, fault.faults[0].message) from None
