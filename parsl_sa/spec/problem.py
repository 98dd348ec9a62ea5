"""SALib's `problem` dictionaries, as the parameters of a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parsl_sa.errors import Fault, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# SALib's name of a distribution -> (ours, the number of its bounds, our fields from them).
_DISTRIBUTIONS: dict[str, tuple[str, int, Callable[[Sequence[float]], dict[str, float]]]] = {
    "unif": ("uniform", 2, lambda b: {"low": b[0], "high": b[1]}),
    "logunif": ("loguniform", 2, lambda b: {"low": b[0], "high": b[1]}),
    "norm": ("normal", 2, lambda b: {"mean": b[0], "sd": b[1]}),
    "lognorm": ("lognormal", 2, lambda b: {"mean_log": b[0], "sd_log": b[1]}),
    "truncnorm": (
        "truncated-normal",
        4,
        lambda b: {"low": b[0], "high": b[1], "mean": b[2], "sd": b[3]},
    ),
    "triang": (
        "triangular",
        3,
        lambda b: {"low": b[0], "mode": b[0] + b[2] * (b[1] - b[0]), "high": b[1]},
    ),
}


def parameters_of(problem: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Turn a SALib problem into the parameters of a spec.

    Parameters
    ----------
    problem : mapping
        With ``names`` and ``bounds``, and optionally ``num_vars`` and ``dists``. ``groups`` may name every
        parameter for itself; parameters that vary together are not supported yet.

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
    names, bounds = list(problem.get("names") or ()), list(problem.get("bounds") or ())
    kinds = list(problem.get("dists") or ["unif"] * len(names))
    count = problem.get("num_vars", len(names))
    faults = [
        Fault(f"problem.{key}", f"has {len(values)} entries, expected {count}, one a parameter")
        for key, values in (("names", names), ("bounds", bounds), ("dists", kinds))
        if len(values) != count
    ]
    groups = problem.get("groups")
    if groups and len(set(groups)) != len(groups):
        faults.append(Fault("problem.groups", "parameters that vary together are not supported; remove it"))
    if faults:
        raise SpecError(faults)
    parameters = []
    for index, (name, bound, kind) in enumerate(zip(names, bounds, kinds, strict=True)):
        if kind not in _DISTRIBUTIONS:
            known = ", ".join(_DISTRIBUTIONS)
            faults.append(Fault(f"problem.dists[{index}]", f"unknown distribution '{kind}'; known: {known}"))
            continue
        ours, wanted, fields = _DISTRIBUTIONS[kind]
        if len(bound) != wanted:
            faults.append(
                Fault(f"problem.bounds[{index}]", f"{kind} takes {wanted} numbers, not {len(bound)}")
            )
            continue
        parameters.append({"name": name, "distribution": ours, **fields(bound)})
    if faults:
        raise SpecError(faults)
    return parameters
