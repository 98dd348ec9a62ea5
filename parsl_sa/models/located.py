"""Find the file that a spec names, and see before it is read that it is for the loader."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import ModelError
from parsl_sa.spec.model_files import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parsl_sa.spec.model_files import FileKind


def locate(
    model: Mapping[str, Any], base_dir: Path, loader: str, *, form: str = "", options: bool = False
) -> Path:
    """Return the file or folder of a model.

    Parameters
    ----------
    model : mapping
        The spec's ``model``.
    base_dir : Path
        Folder that a relative path starts from.
    loader : str
        Which loader asks.
    form : str
        What it reads, and how such a file is made, where each of them can be recognised.
    options : bool
        Whether it takes ``model.options``.

    Returns
    -------
    Path
        Absolute.

    Raises
    ------
    ModelError
        At ``model.path``, if there is no such file, or if it is recognised and not for this loader; at
        ``model.options``, if there are some and the loader takes none.
    """
    path = (base_dir / Path(str(model.get("path", ""))).expanduser()).resolve()
    if not path.exists():
        raise ModelError("model.path", f"no file {path} (paths are relative to the spec)")
    kind = kind_of(path)
    if kind is not None and kind.loader != loader:
        raise ModelError("model.path", f"{path.name} is {kind.words}; {_instead(kind)}")
    if kind is None and form:
        raise ModelError("model.path", f"{path.name} is not {form}")
    if model.get("options") and not options:
        raise ModelError("model.options", f"the loader '{loader}' takes none; remove them")
    return path


def _instead(kind: FileKind) -> str:
    if not kind.loader:
        return kind.cure
    needs = ' and name what makes the module in model.architecture, such as "net.py:Net"'
    return f"set model.loader to '{kind.loader}'{needs if kind.loader == 'state-dict' else ''}"


def require_trust(model: Mapping[str, Any], what: str) -> str:
    """Refuse to run code of a file unless the spec says that it may.

    Returns
    -------
    str
        What the user is told of it, for `Model.remarks`.

    Raises
    ------
    ModelError
        At ``model.trust``.
    """
    if not model.get("trust"):
        raise ModelError(
            "model.trust",
            f"{what}; set it to true if you trust who made the file, or have weights alone instead",
        )
    return f"model.trust: {what}; the spec says that it is trusted"
