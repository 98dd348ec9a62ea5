"""From a function and a problem to the plain values of a spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from parsl_sa.errors import Fault, SpecError
from parsl_sa.launch.trial import INLINE
from parsl_sa.spec.problem import groups_of, output_names, parameters_of

_FILLED_IN = ("loader", "path")
_OF_A_SPEC = {"parameters", "base", "perturbations", "template"}


def spec_of(
    function: Callable[..., Any], problem: Any, *, n: int, outputs: Any, name: str, spec: Mapping[str, Any]
) -> dict[str, Any]:
    """Lay what a caller says over what a study of a function is by default.

    Parameters
    ----------
    function, problem, n, outputs, name, spec
        As for `Study.from_function`.

    Returns
    -------
    dict
        A spec, still to be checked; its ``model.path`` is the name of the function in this process.

    Raises
    ------
    SpecError
        With the faults that a spec could not show.
    """
    spec = _plain(spec)
    faults = [*_of_function(function), *_of_parts(spec)]
    if not isinstance(problem, Mapping | Sequence) or isinstance(problem, str):
        text = "must be a SALib problem, or the parameters or the inputs as in a spec"
        faults.append(Fault("problem", f"{text}; it is of the type {type(problem).__name__}"))
    if isinstance(outputs, str):
        faults.append(Fault("outputs", f"must be a list of names, such as ['{outputs}']"))
    if faults:
        raise SpecError(faults)
    from parsl_sa.models.loaders.live import register  # noqa: PLC0415 - torch

    inputs = {**_inputs(problem), **spec.get("inputs", {})}
    names = output_names(problem) if isinstance(problem, Mapping) else []
    named = outputs if outputs is not None else names or ["y"]
    return {
        "spec_version": 1,
        "name": name,
        **spec,
        "model": {"loader": "live", "path": register(function), **spec.get("model", {})},
        "inputs": inputs,
        "design": _design(_plain(n), spec.get("design", {}), dependent="dependence" in inputs),
        "outputs": _entries(_plain(named)),
        "farm": {"site": INLINE, **spec.get("farm", {})},
    }


def _of_function(function: Any) -> list[Fault]:
    if not callable(function):
        text = f"must be a function or a torch.nn.Module; it is of the type {type(function).__name__}"
        return [Fault("function", text)]
    if isinstance(function, type):
        return [
            Fault("function", f"is the class {function.__name__} itself; call it: {function.__name__}(...)")
        ]
    return []


def _of_parts(spec: Mapping[str, Any]) -> list[Fault]:
    faults = [
        Fault(key, "must be a dict, laid over what a study of a function is by default")
        for key in ("inputs", "model", "design", "farm")
        if not isinstance(spec.get(key, {}), Mapping)
    ]
    if not faults:
        faults += [
            Fault(f"model.{key}", "is filled in with the function; remove it, or write a spec file")
            for key in _FILLED_IN
            if key in spec.get("model", {})
        ]
    return faults


def _inputs(problem: Mapping[str, Any] | Sequence[Any]) -> dict[str, Any]:
    """Return the inputs of a spec: from a list of parameters, such inputs themselves, or a SALib problem."""
    if not isinstance(problem, Mapping):
        return {"parameters": _plain(problem)}
    if _OF_A_SPEC & set(problem):
        inputs: dict[str, Any] = _plain(problem)
        return inputs
    groups = groups_of(problem)
    return {"parameters": parameters_of(problem), **({"groups": groups} if groups else {})}


def _design(n: Any, design: Mapping[str, Any], *, dependent: bool) -> dict[str, Any]:
    method = design.get("method", "pick-freeze")
    return {"method": method, "n": n, "both_ways": method == "pick-freeze" and not dependent, **design}


def _entries(outputs: Sequence[Any]) -> list[Any]:
    several = len(outputs) > 1
    return [
        {"name": entry, "select": str(index) if several else ""} if isinstance(entry, str) else entry
        for index, entry in enumerate(outputs)
    ]


def _plain(value: Any) -> Any:
    """Return a value with NumPy's arrays and numbers as Python's, which is what a spec may hold."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.tolist() if hasattr(value, "tolist") else value
