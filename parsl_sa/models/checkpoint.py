"""Find the weights of a module in a checkpoint, and load them or say what does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch

from parsl_sa.errors import ModelError

if TYPE_CHECKING:
    from torch import nn

    Weights = Mapping[str, torch.Tensor]

_LISTED = 5
_DEPTH = 3
# Counters that torch of before 0.4.1 did not save, and that eval mode does not read.
_COUNTER = "num_batches_tracked"


def weights_of(held: Mapping[str, Any], key: str, wanted: Weights) -> tuple[Weights, list[str]]:
    """Find the weights in what a file holds.

    Parameters
    ----------
    held : mapping
        Weights by name, or a checkpoint with such dicts inside.
    key : str
        The spec's ``model.key``: an entry of the checkpoint, a prefix of names, or one after the other with a
        dot between; empty where there is one way only.
    wanted : mapping of str to tensor
        The module's own ``state_dict``.

    Returns
    -------
    weights : mapping of str to tensor
        Under the module's names where they could be found under a prefix.
    remarks : list of str
        What was chosen.

    Raises
    ------
    ModelError
        At ``model.key``, if several would do or none does.

    Examples
    --------
    >>> layer = torch.nn.Linear(1, 1)
    >>> held = {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in layer.state_dict().items()}}
    >>> weights, remarks = weights_of(held, "", layer.state_dict())
    >>> list(weights)
    ['weight', 'bias']
    """
    tables = dict(_tables(held))
    if not tables:
        there = ", ".join(list(map(str, held))[:_LISTED]) or "nothing"
        raise ModelError("model.path", f"the file holds no dict of tensors; it has {there}")
    inside = {
        f"{entry}.{prefix}".strip("."): _under(table, prefix)
        for entry, table in tables.items()
        for prefix in ({_prefix_in(key, entry)} if key else _prefixes(table, wanted))
        if prefix is not None
    }
    found = {name: table for name, table in inside.items() if table} or tables
    if key:
        if key not in inside or not inside[key]:
            raise ModelError("model.key", f"the file has no weights under '{key}'; it has {_listed(tables)}")
        return inside[key], []
    if len(found) > 1:
        raise ModelError(
            "model.key",
            f"is missing: the file has several sets of weights, {_listed(found)}; name one of them",
        )
    (name,) = found
    remark = f"model.key: the weights are those under '{name}' of the file"
    return found[name], [remark] if name else []


def fit(module: nn.Module, weights: Weights, file: str) -> None:
    """Load weights into a module.

    Parameters
    ----------
    module : Module
        What the architecture made.
    weights : mapping of str to tensor
        By the module's names.
    file : str
        Name of the file, for messages.

    Raises
    ------
    ModelError
        At ``model.architecture``, with the first few names that are missing, not expected or of another
        shape.
    """
    wanted = module.state_dict()
    missing = [name for name in wanted if name not in weights and not name.endswith(_COUNTER)]
    unexpected = [name for name in weights if name not in wanted]
    reshaped = [
        f"{name} {tuple(weights[name].shape)} for {tuple(wanted[name].shape)}"
        for name in wanted
        if name in weights and weights[name].shape != wanted[name].shape
    ]
    faults = {"it lacks": missing, "it has besides": unexpected, "of another shape are": reshaped}
    if any(faults.values()):
        said = "; ".join(f"{words} {_listed(names)}" for words, names in faults.items() if names)
        raise ModelError(
            "model.architecture",
            f"the weights of {file} are not those of this {type(module).__name__}: {said}. Give the "
            "architecture "
            "the options that it was trained with (model.options), or name the weights' entry or prefix in "
            "model.key",
        )
    # A counter that is not in the file stays 0; all else was seen to be there.
    module.load_state_dict(dict(weights), strict=False)


def _tables(held: Mapping[str, Any], at: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, Weights]]:
    """Yield the dicts of tensors in a checkpoint, each with its path."""
    if held and all(isinstance(value, torch.Tensor) for value in held.values()):
        yield at, {str(name): tensor for name, tensor in held.items()}
        return
    for name, value in held.items():
        if depth and isinstance(value, Mapping):
            yield from _tables(value, f"{at}.{name}" if at else str(name), depth - 1)


def _prefixes(table: Weights, wanted: Weights) -> list[str]:
    """Return the prefixes, "" among them, under which a dict has every weight of the module."""
    names = [name for name in wanted if not name.endswith(_COUNTER)]
    if not names:
        return [""]
    ends = [name.removesuffix(names[0]) for name in table if name.endswith(names[0])]
    whole = [
        end for end in ends if (not end or end.endswith(".")) and all(end + name in table for name in names)
    ]
    return [end.removesuffix(".") for end in whole]


def _prefix_in(key: str, entry: str) -> str | None:
    """Return what of a key is left behind the path of an entry; None where it names another entry."""
    if not entry:
        return key
    return key[len(entry) :].strip(".") if f"{key}.".startswith(f"{entry}.") else None


def _under(table: Weights, prefix: str) -> Weights:
    if not prefix:
        return table
    return {
        name.removeprefix(f"{prefix}."): tensor
        for name, tensor in table.items()
        if name.startswith(f"{prefix}.")
    }


def _listed(names: Any) -> str:
    shown = [f"'{name}'" if name else "the file itself" for name in list(names)[:_LISTED]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
