"""The loader `python`: a function of the user's file that returns the model, or is the model."""

from __future__ import annotations

import difflib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models.callables import signature_of
from parsl_sa.models.feeding import feed
from parsl_sa.models.hardware import choose_device
from parsl_sa.models.source import find_function, import_file, importable, split_path, user_code

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from parsl_sa.models.protocol import Model

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def load(model: Mapping[str, Any], base_dir: Path) -> Model:
    """Load ``file.py:function``.

    A function that can be called with ``options`` as its keywords is called, and returns a
    `torch.nn.Module` or a callable. One that has exactly one required argument, where there are no
    options, is itself the model. A class is called like a function; a module object is the model.

    Parameters
    ----------
    model : mapping
        The spec's ``model``.
    base_dir : Path
        Folder that a relative path starts from.

    Returns
    -------
    Model
        Fed with tensors or with arrays, whichever it takes.

    Raises
    ------
    ModelError
        At ``model.path``, ``model.options.KEY``, ``model.dtype``, ``model.arrays`` or ``model.device``.

    Notes
    -----
    ``files`` are the named file, the modules of its folder that it imported while it was loaded, and
    what the returned model lists in an attribute ``files`` (weights that it read).
    """
    path, name = split_path(str(model.get("path", "")), base_dir)
    options = dict(model.get("options") or {})
    files: list[Path] = []
    with importable(path.parent, files):
        target = find_function(import_file(path), name, path)
        function = _build(target, name, options, path)
    device = choose_device(model.get("device") or "cpu")
    named = [Path(file) for file in getattr(function, "files", ())]
    kept = tuple(dict.fromkeys([path, *files, *named]))
    return feed(function, model.get("dtype") or "auto", model.get("arrays") or "auto", device, kept)


def _build(target: Any, name: str, options: dict[str, Any], path: Path) -> Callable[..., Any]:
    """Call the user's function for the model, or take it for the model."""
    if isinstance(target, nn.Module):
        if options:
            raise ModelError("model.options", f"'{name}' is a ready module and takes none; remove them")
        return target
    signature = signature_of(target)
    required = [] if signature is None else _required(signature)
    if not options and (signature is None or (len(required) == 1 and required[0].kind in _POSITIONAL)):
        return _taken(target)
    _check_options(signature, required, name, options)
    with user_code("model.path", f"{name}({_shown(options)})", path.parent):
        made = target(**options)
    if not callable(made):
        raise ModelError(
            "model.path",
            f"{name}({_shown(options)}) returned {type(made).__name__}; it must return a torch.nn.Module "
            "or a callable, or take exactly one required argument, the inputs, to be the model itself",
        )
    return _taken(made)


def _taken(made: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse a class where an instance is needed: `return Net` instead of `return Net()`."""
    if isinstance(made, type):
        raise ModelError("model.path", f"got the class {made.__name__} itself; call it: {made.__name__}(...)")
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
