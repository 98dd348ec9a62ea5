"""What a plain callable does not say: the torch modules behind it, and whether it takes tensors or arrays."""

from __future__ import annotations

import inspect
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_TENSOR_ONLY = frozenset(dir(torch.Tensor)) - frozenset(dir(np.ndarray))
_ARRAY_ONLY = frozenset(dir(np.ndarray)) - frozenset(dir(torch.Tensor))


def modules_of(function: Callable[..., Any]) -> list[nn.Module]:
    """Find the torch modules behind a plain callable.

    Looked at are the object it is bound to with its attributes, its closure, and the globals it uses; in
    lists, tuples and dicts too, so that ensembles are found.
    """
    plain, owner = _body(function)
    held: list[Any] = [owner, *getattr(owner, "__dict__", {}).values()]
    if plain is not None:
        held += [cell for cell in map(_content, plain.__closure__ or ()) if cell is not None]
        held += [plain.__globals__.get(name) for name in _names(plain.__code__)]
    return list(dict.fromkeys(one for one in _opened(held) if isinstance(one, nn.Module)))


def arrays_of(function: Callable[..., Any]) -> str:
    """Guess whether a plain callable takes tensors or arrays.

    Returns
    -------
    str
        ``"torch"`` or ``"numpy"``.

    Notes
    -----
    The first clue that speaks decides: the annotation of the first argument; a call of ``from_numpy``; torch
    modules behind it; whether it and the functions of its file that it calls use torch or NumPy; methods
    that only one of the two has; whether its file imports torch. Where none does the callable is likely to
    take both. A wrong guess shows at the first forward, and the message names ``model.arrays``.

    Examples
    --------
    >>> arrays_of(lambda x: torch.sin(x)), arrays_of(lambda x: np.sin(x)), arrays_of(lambda x: x.clamp(0))
    ('torch', 'numpy', 'torch')
    """
    annotated = _annotated(function)
    if annotated:
        return annotated
    plain, _ = _body(function)
    names = _all_names(plain, set()) if plain is not None else frozenset()
    if "from_numpy" in names:
        return "numpy"
    if modules_of(function):
        return "torch"
    space = plain.__globals__ if plain is not None else {}
    used = {_library(space[name]) if name in space else name.partition(".")[0] for name in names}
    used.add(_library(function))
    for kind in ("torch", "numpy"):
        if kind in used:
            return kind
    if bool(names & _TENSOR_ONLY) != bool(names & _ARRAY_ONLY):
        return "torch" if names & _TENSOR_ONLY else "numpy"
    return "torch" if any(_library(value) == "torch" for value in space.values()) else "numpy"


def signature_of(target: Callable[..., Any]) -> inspect.Signature | None:
    """Return the signature, None for a compiled function that has none."""
    try:
        return inspect.signature(target)
    except (TypeError, ValueError):
        return None


def _annotated(function: Callable[..., Any]) -> str:
    signature = signature_of(function)
    for parameter in list(signature.parameters.values())[:1] if signature else ():
        hint = parameter.annotation
        text = hint if isinstance(hint, str) else f"{getattr(hint, '__module__', '')}.{hint}"
        if "Tensor" in text:
            return "torch"
        if "ndarray" in text or "NDArray" in text:
            return "numpy"
    return ""


def _body(function: Any) -> tuple[FunctionType | None, object]:
    """Return the Python function that a callable ends in, if any, and the object it is bound to."""
    while isinstance(function, partial):
        function = function.func
    owner = getattr(function, "__self__", None)
    plain = inspect.unwrap(getattr(function, "__func__", function))
    if not isinstance(plain, FunctionType):
        owner = owner or function
        plain = getattr(type(function), "__call__", None)  # noqa: B004 - its code is asked for
    if isinstance(owner, type | ModuleType):  # of a compiled function: all its siblings
        owner = None
    return (plain if isinstance(plain, FunctionType) else None), owner


def _names(code: CodeType) -> frozenset[str]:
    """Return the globals and attributes that a code mentions, with those of the functions inside it."""
    inner = [_names(one) for one in code.co_consts if isinstance(one, CodeType)]
    return frozenset(code.co_names).union(*inner)


def _all_names(plain: FunctionType, seen: set[FunctionType]) -> frozenset[str]:
    """Return the names of a function and of the functions of its own file that it calls."""
    seen.add(plain)
    names = _names(plain.__code__)
    called = [plain.__globals__.get(name) for name in names]
    called += [_content(cell) for cell in plain.__closure__ or ()]
    for one in called:
        if isinstance(one, FunctionType) and one.__globals__ is plain.__globals__ and one not in seen:
            names |= _all_names(one, seen)
    return names


def _library(value: object) -> str:
    """Return the package that a global comes from."""
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0]
    name = getattr(value, "__module__", None) or type(value).__module__
    return str(name).partition(".")[0]


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # still empty
        return None


def _opened(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, dict):
            yield from value.values()
        elif isinstance(value, list | tuple):
            yield from value
        else:
            yield value
