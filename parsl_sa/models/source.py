"""Import a user's Python file as a module of its own, its folder importable while that lasts."""

from __future__ import annotations

import itertools
import sys
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from parsl_sa.errors import ModelError, ParslSaError
from parsl_sa.models.faults import describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_count = itertools.count()


def import_file(path: Path, place: str = "model.path") -> ModuleType:
    """Import one file under a name that no other study shares.

    Parameters
    ----------
    path : Path
        An existing Python file.
    place : str
        Where the spec names it.

    Returns
    -------
    module
        Kept in `sys.modules` under its unique name, as dataclasses and pickles of the file need it.

    Raises
    ------
    ModelError
        At that place, with the user's own exception, file and line.
    """
    name = f"parsl_sa_model_{next(_count)}_{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModelError(place, f"{path} is not a Python file; name one that ends in .py")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        with user_code(place, f"importing {path.name}", path.parent):
            spec.loader.exec_module(module)
    except ModelError:
        del sys.modules[name]
        raise
    return module


@contextmanager
def user_code(place: str, doing: str, folder: Path) -> Iterator[None]:
    """Turn whatever a user's code raises into a `ModelError` that names its file and line."""
    try:
        yield
    except ParslSaError:
        raise
    except (Exception, SystemExit) as fault:
        raise ModelError(place, f"{doing} raised {describe(fault, [folder])}{_cure(fault)}") from fault


def _cure(fault: BaseException) -> str:
    """Say what most often helps, where the exception alone does not."""
    if isinstance(fault, SystemExit):
        return "; keep what the file does as a script under if __name__ == '__main__'"
    if isinstance(fault, ModuleNotFoundError):
        return f"; install it for {sys.executable}, or put the module beside the file"
    if isinstance(fault, FileNotFoundError):
        return "; build paths from Path(__file__).parent, since programs of a study start elsewhere"
    return ""


@contextmanager
def importable(folder: Path, files: list[Path]) -> Iterator[None]:
    """Make a folder's modules importable, then forget them.

    A study's ``layers.py`` must not be taken for that of another study in the same process, so modules
    of the folder leave `sys.modules` at the end; whoever imported them keeps them. Their files are
    appended to `files`.
    """
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            source = getattr(sys.modules[name], "__file__", None)
            if source and Path(source).is_relative_to(folder) and not name.startswith("parsl_sa_model_"):
                files.append(Path(source))
                del sys.modules[name]
        files.sort()
