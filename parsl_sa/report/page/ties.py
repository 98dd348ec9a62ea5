"""What ties an input to others, in words: its group, and how it depends on other inputs."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def ties(name: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield what ties one input to others.

    Parameters
    ----------
    name : str
        Of the input.
    inputs : mapping
        The inputs of a frozen spec.

    Examples
    --------
    >>> pair = {"kind": "gaussian-copula", "parameters": ["a", "b"], "correlation": [[1, 0.6], [0.6, 1]]}
    >>> list(ties("a", {"groups": {"both": ["a", "b"]}, "dependence": pair}))
    ['correlated with b 0.6', 'in the group both']
    """
    yield from _dependence(name, inputs.get("dependence") or {"kind": ""}, inputs.get("parameters", ()))
    for group, members in (inputs.get("groups") or {}).items():
        if name in members:
            yield f"in the group {group}"


def _dependence(name: str, tied: Mapping[str, Any], parameters: Sequence[Any]) -> Iterator[str]:
    kind, listed = tied["kind"], tied.get("parameters", ())
    joint = {one["name"] for one in parameters if one["distribution"] == "joint"}
    if kind == "rows" and name in joint:
        yield f"from the rows of {PurePath(tied['path']).name}"
    elif kind == "simplex" and name in listed:
        concentration = tied["concentration"]
        own = concentration[listed.index(name)] if isinstance(concentration, list) else concentration
        yield f"share of {tied['total']:.6g}, concentration {own:.6g}"
    elif kind == "gaussian-copula" and name in listed:
        yield from _correlations(listed.index(name), tied)
    elif kind == "linear-constraints":
        for each in tied["constraints"]:
            if name in each["coefficients"]:
                yield _constraint(each)


def _correlations(place: int, tied: Mapping[str, Any]) -> Iterator[str]:
    ranks = tied.get("correlation") is None
    row = (tied["rank_correlation"] if ranks else tied["correlation"])[place]
    others = [
        f"{other} {r:.6g}"
        for index, (other, r) in enumerate(zip(tied["parameters"], row, strict=True))
        if r and index != place
    ]
    if others:
        yield f"{'rank-' if ranks else ''}correlated with {', '.join(others)}"


def _constraint(each: Mapping[str, Any]) -> str:
    """Write an inequality.

    Examples
    --------
    >>> _constraint({"coefficients": {"inner": 1.0, "outer": -2.0}, "at_least": None, "at_most": 0.5})
    'inner - 2 outer <= 0.5'
    """
    total = ""
    for name, factor in each["coefficients"].items():
        sign = (" - " if factor < 0 else " + ") if total else ("-" if factor < 0 else "")
        total += f"{sign}{'' if abs(factor) == 1 else f'{abs(factor):.6g} '}{name}"
    low, high = each.get("at_least"), each.get("at_most")
    below = "" if low is None else f"{low:.6g} <= "
    return f"{below}{total}{'' if high is None else f' <= {high:.6g}'}"
