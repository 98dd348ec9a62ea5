"""Import a user's Python file as a module of its own, its folder importable while that lasts."""

from __future__ import annotations

import difflib
import itertools
import sys
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import ModelError, ParslSaError
from parsl_sa.models.faults import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

_count = itertools.count()


def split_path(text: str, base_dir: Path, place: str = "model.path") -> tuple[Path, str]:
    """Split ``file.py:function`` and find the file.

    Raises
    ------
    ModelError
        At `place`, if it is not of that form, or there is no such file.
    """
    file, _, name = text.rpartition(":")
    if not file or not name:
        raise ModelError(place, f"'{text}' must read file.py:function, such as model.py:load")
    path = (base_dir / Path(file).expanduser()).resolve()
    if not path.is_file():
        there = sorted(entry.name for entry in path.parent.glob("*.py")) if path.parent.is_dir() else []
        beside = f"; that folder has {', '.join(there[:10])}" if there else ""
        raise ModelError(place, f"no file {path} (paths are relative to the spec){beside}")
    return path, name


def find_function(
    module: object,
    name: str,
    path: Path,
    place: str = "model.path",
    fits: Callable[[object], bool] = callable,
) -> Any:
    """Return the function of a module, or say which there are.

    Parameters
    ----------
    module : module
        As `import_file` returned it.
    name : str
        Of the function.
    path : Path
        The file, for messages.
    place : str
        Where it stands in the spec.
    fits : callable
        Tells whether what was found will do.

    Raises
    ------
    ModelError
        At `place`.
    """
    target = getattr(module, name, None)
    if target is not None:
        if not fits(target):
            raise ModelError(
                place,
                f"'{name}' of {path.name} is of the type {type(target).__name__}; name a function or a class",
            )
        return target
    own = getattr(module, "__name__", "")
    there = [key for key, value in vars(module).items() if getattr(value, "__module__", None) == own]
    close = difflib.get_close_matches(name, there, 1)
    guess = f"; did you mean '{close[0]}'?" if close else ""
    has = f"it has {', '.join(sorted(there)[:10])}" if there else "it defines none"
    raise ModelError(place, f"no function '{name}' in {path.name}: {has}{guess}")


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
        At `place`, with the user's own exception, file and line.
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
