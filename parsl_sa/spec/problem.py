"""SALib's `problem` dictionaries, as the parameters of a spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from parsl_sa.errors import Fault, SpecError

Fields = dict[str, float]

# SALib's name of a distribution -> ours, and our fields by the number of its bounds.
_DISTRIBUTIONS: dict[str, tuple[str, dict[int, Callable[[Sequence[float]], Fields]]]] = {
    "unif": ("uniform", {2: lambda b: {"low": b[0], "high": b[1]}}),
    "logunif": ("loguniform", {2: lambda b: {"low": b[0], "high": b[1]}}),
    "norm": ("normal", {2: lambda b: {"mean": b[0], "sd": b[1]}}),
    "lognorm": ("lognormal", {2: lambda b: {"mean_log": b[0], "sd_log": b[1]}}),
    "truncnorm": (
        "truncated-normal",
        {4: lambda b: {"low": b[0], "high": b[1], "mean": b[2], "sd": b[3]}},
    ),
    "triang": (
        "triangular",
        {
            3: lambda b: {"low": b[0], "mode": b[0] + b[2] * (b[1] - b[0]), "high": b[1]},
            2: lambda b: {"low": 0.0, "mode": b[1] * b[0], "high": b[0]},  # an older form of SALib's
        },
    ),
}


def parameters_of(problem: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Turn a SALib problem into the parameters of a spec.

    Parameters
    ----------
    problem : mapping
        With ``names`` and ``bounds`` (lists or arrays), and optionally ``num_vars``, ``dists`` and
        ``groups``, for which see `groups_of`.

    Returns
    -------
    list of dict
        In the problem's order.

    Raises
    ------
    SpecError
        With every fault found, each with its place in the problem.

    Examples
    --------
    >>> parameters_of({"num_vars": 1, "names": ["x"], "bounds": [[0, 2, 0.5]], "dists": ["triang"]})
    [{'name': 'x', 'distribution': 'triangular', 'low': 0, 'mode': 1.0, 'high': 2}]
    """
    lists = {key: _listed(problem.get(key)) for key in ("names", "bounds", "dists", "groups")}
    missing = [key for key in ("names", "bounds") if not lists[key]]
    if missing:
        text = 'is missing; a problem is {"names": ["x1", ...], "bounds": [[low, high], ...]}'
        raise SpecError([Fault(f"problem.{key}", text) for key in missing])
    count = problem.get("num_vars", len(lists["names"]))
    faults = [
        Fault(f"problem.{key}", f"has {len(values)} entries, expected {count}, one a parameter")
        for key, values in lists.items()
        if len(values) != count and (values or key in {"names", "bounds"})
    ]
    if faults:
        raise SpecError(faults)
    kinds = lists["dists"] or ["unif"] * count
    found = [
        _parameter(index, *each)
        for index, each in enumerate(zip(lists["names"], lists["bounds"], kinds, strict=True))
    ]
    faults = [one for one in found if isinstance(one, Fault)]
    if faults:
        raise SpecError(faults)
    return [one for one in found if not isinstance(one, Fault)]


def groups_of(problem: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the groups of a SALib problem, which names the group of each parameter.

    A group that is called like the only parameter in it is none.

    Examples
    --------
    >>> groups_of({"names": ["a", "b", "c"], "groups": ["ends", "b", "ends"]})
    {'ends': ['a', 'c']}
    """
    groups: dict[str, list[str]] = {}
    for name, group in zip(_listed(problem.get("names")), _listed(problem.get("groups")), strict=False):
        groups.setdefault(str(group), []).append(str(name))
    return {group: members for group, members in groups.items() if members != [group]}


def output_names(problem: Mapping[str, Any]) -> list[str]:
    """Return the names that a SALib problem gives its outputs; empty where it gives none."""
    return [str(name) for name in _listed(problem.get("outputs"))]


def _listed(values: Any) -> list[Any]:
    """Return a list of a list, a tuple, an array (which has no truth value), or nothing."""
    if values is None:
        return []
    plain = values.tolist() if hasattr(values, "tolist") else values
    return list(plain) if isinstance(plain, Sequence) and not isinstance(plain, str) else [plain]


def _parameter(index: int, name: Any, bound: Any, kind: Any) -> dict[str, Any] | Fault:
    if kind not in _DISTRIBUTIONS:
        known = ", ".join(_DISTRIBUTIONS)
        cure = "or take it as unif on [0, 1] and transform it in the function"
        return Fault(f"problem.dists[{index}]", f"unknown distribution '{kind}'; known: {known}; {cure}")
    ours, forms = _DISTRIBUTIONS[kind]
    # NumPy's own numbers become Python's, which is what a spec may hold.
    numbers = [value.item() if hasattr(value, "item") else value for value in _listed(bound)]
    if len(numbers) not in forms:
        wanted = " or ".join(map(str, forms))
        return Fault(f"problem.bounds[{index}]", f"{kind} takes {wanted} numbers, not {len(numbers)}")
    if not all(isinstance(number, int | float) for number in numbers):
        return Fault(f"problem.bounds[{index}]", f"must be numbers; they are {numbers}")
    return {"name": str(name), "distribution": ours, **forms[len(numbers)](numbers)}
