"""SALib's `problem` dictionaries: as the parameters of a spec, and from a spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import Fault, SpecError

if TYPE_CHECKING:
    from parsl_sa.spec.distributions import AnyParameter
    from parsl_sa.spec.study import StudySpec

Fields = dict[str, Any]


def _weibull(shape: float, scale: float, loc: float = 0.0) -> Fields:
    return {"family": "weibull_min", "shapes": {"c": shape}, "loc": loc, "scale": scale}


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
    "weibull": ("scipy", {count: lambda b: _weibull(*b) for count in (2, 3)}),
}


def _truncated(item: Any) -> list[float] | str:
    if item.low is None or item.high is None:
        return "its truncnorm has two bounds; give the other one, some ten sd away"
    return [item.low, item.high, item.mean, item.sd]


def _peak(item: Any) -> list[float] | str:
    if item.high < 0 or item.mode == item.high:
        return "its triang takes no negative high and no mode at high"
    return [item.low, item.high, (item.mode - item.low) / (item.high - item.low)]


def _weibull_bounds(item: Any) -> list[float] | str:
    if item.family != "weibull_min":
        return f"weibull_min is the only family of SciPy's that it has besides its own; {_CURE}"
    return [item.shapes["c"], item.scale, item.loc]


# Our name of a distribution -> SALib's, and its bounds from our fields; a text says what is in the way.
_EXPORTS: dict[str, tuple[str, Callable[[Any], list[float] | str]]] = {
    "uniform": ("unif", lambda p: [p.low, p.high]),
    "loguniform": ("logunif", lambda p: [p.low, p.high]),
    "normal": ("norm", lambda p: [p.mean, p.sd]),
    "lognormal": ("lognorm", lambda p: [p.mean_log, p.sd_log]),
    "truncated-normal": ("truncnorm", _truncated),
    "triangular": ("triang", _peak),
    "scipy": ("weibull", _weibull_bounds),
}
_CURES = {
    "constant": "fix it inside the function instead",
    "joint": "SALib draws parameters one by one",
    "integer": "take unif and round in the function",
}
_CURE = "take unif on [0, 1] and transform it in the function"


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


def problem_of(spec: StudySpec) -> dict[str, Any]:
    """Turn the inputs of a spec into a SALib problem: the reverse of `parameters_of` and `groups_of`.

    Parameters
    ----------
    spec : StudySpec
        A sound spec.

    Returns
    -------
    dict
        With ``num_vars``, ``names``, ``bounds``, ``dists`` and ``outputs``, and with ``groups`` if there are
        any.

    Raises
    ------
    SpecError
        With every parameter that SALib has no words for; so has a dependence.
    """
    faults: list[Fault] = []
    if spec.inputs.dependence is not None:
        faults.append(Fault("inputs.dependence", "SALib has independent parameters alone"))
    bounds: list[list[float]] = []
    parameters = spec.inputs.everything
    for index, item in enumerate(parameters):
        found = _bounds(item)
        if isinstance(found, str):
            place = f"inputs.parameters[{index}]"
            text = f"'{item.name}' is {item.distribution}, which no SALib problem can hold: {found}"
            faults.append(Fault(place, text))
        else:
            bounds.append(found)
    if faults:
        raise SpecError(faults)
    names = [item.name for item in parameters]
    group_of = {name: group for group, members in spec.inputs.groups.items() for name in members}
    return {
        "num_vars": len(names),
        "names": names,
        "bounds": bounds,
        "dists": [_EXPORTS[item.distribution][0] for item in parameters],
        **({"groups": [group_of.get(name, name) for name in names]} if group_of else {}),
        "outputs": [output.name for output in spec.outputs],
    }


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


def _bounds(item: AnyParameter) -> list[float] | str:
    """Return SALib's bounds of a parameter, or a text that says why there are none."""
    kind = item.distribution
    return _EXPORTS[kind][1](item) if kind in _EXPORTS else _CURES.get(kind, _CURE)
