"""What a spec names as ``file.py:function``: find it, call it with the options, and say what does not fit."""

from __future__ import annotations

import difflib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models.callables import signature_of
from parsl_sa.models.estimators import is_estimator
from parsl_sa.models.source import find_function, import_file, importable, split_path, user_code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Made:
    """What a function of the user's file made.

    Parameters
    ----------
    value : object
        A module, an estimator or a callable.
    files : tuple of Path
        The file named, and the modules of its folder that were imported meanwhile.
    """

    value: Any
    files: tuple[Path, ...]


def make(text: str, options: Mapping[str, Any], base_dir: Path, place: str = "model.path") -> Made:
    """Import a file and make the model, or a part of it, with the function that it names.

    Parameters
    ----------
    text : str
        ``file.py:function``.
    options : mapping
        Keywords of the function.
    base_dir : Path
        Folder that a relative path starts from.
    place : str
        Where the spec says so.

    Returns
    -------
    Made
        Of a function that can be called with the options, what it returned; of one with exactly one required
        argument, where there are no options, the function itself.

    Raises
    ------
    ModelError
        At that place or at ``model.options.KEY``.
    """
    path, name = split_path(text, base_dir, place)
    files: list[Path] = []
    with importable(path.parent, files):
        target = find_function(import_file(path, place), name, path, place, _is_model_or_maker)
        value = _build(target, name, dict(options), path, place)
    return Made(value, (path, *files))


def _is_model_or_maker(target: object) -> bool:
    return callable(target) or is_estimator(target)


def _build(target: Any, name: str, options: dict[str, Any], path: Path, place: str) -> Any:
    """Call the user's function for the model, or take it for the model."""
    if isinstance(target, nn.Module) or is_estimator(target):
        if options:
            raise ModelError("model.options", f"'{name}' is a ready model and takes none; remove them")
        return target
    signature = signature_of(target)
    required = [] if signature is None else _required(signature)
    if not options and (signature is None or (len(required) == 1 and required[0].kind in _POSITIONAL)):
        return _taken(target, place)
    _check_options(signature, required, name, options)
    with user_code(place, f"{name}({_shown(options)})", path.parent):
        made = target(**options)
    if not callable(made) and not is_estimator(made):
        raise ModelError(
            place,
            f"{name}({_shown(options)}) returned {type(made).__name__}; it must return a torch.nn.Module, "
            "an estimator or a callable, or take exactly one required argument, the inputs, to be the model "
            "itself",
        )
    return _taken(made, place)


def _taken(made: Any, place: str) -> Any:
    """Refuse a class where an instance is needed: `return Net` instead of `return Net()`."""
    if isinstance(made, type):
        raise ModelError(place, f"got the class {made.__name__} itself; call it: {made.__name__}(...)")
    return made


def _required(signature: inspect.Signature) -> list[inspect.Parameter]:
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    everything = signature.parameters.values()
    return [one for one in everything if one.default is inspect.Parameter.empty and one.kind not in variadic]


def _check_options(
    signature: inspect.Signature | None,
    required: list[inspect.Parameter],
    name: str,
    options: dict[str, Any],
) -> None:
    """Name the first option that the function does not take, or that it needs and does not get."""
    if signature is None:
        raise ModelError(f"model.options.{next(iter(options))}", f"{name} takes no options; remove it")
    parameters = signature.parameters.values()
    known = [one.name for one in parameters if one.kind in _POSITIONAL[1:] or one.kind is one.KEYWORD_ONLY]
    open_ended = any(one.kind is one.VAR_KEYWORD for one in parameters)
    for key in options:
        if key not in known and not open_ended:
            close = difflib.get_close_matches(key, known, 1)
            guess = f"; did you mean '{close[0]}'?" if close else ""
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise ModelError(f"model.options.{key}", f"{name}() has no such argument: {takes}{guess}")
    missing = [one.name for one in required if one.name not in options]
    if missing:
        raise ModelError(
            f"model.options.{missing[0]}",
            f"{name}() requires {', '.join(missing)}: give it in model.options or give it a default "
            "(a function that is itself the model has exactly one required argument, and no options)",
        )


def _shown(options: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in options.items())
