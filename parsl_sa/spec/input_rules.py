"""The rules that tie base inputs, perturbations, template and parameters together."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from parsl_sa.spec.base import BaseSpec
from parsl_sa.spec.distributions import PARAMETER_KINDS
from parsl_sa.spec.parts import Finding, Part
from parsl_sa.spec.perturbations import BASELINES, PERTURBATION_KINDS, MaskSpec, brought_along
from parsl_sa.spec.preprocess import PreprocessSpec
from parsl_sa.spec.template import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from parsl_sa.spec.parts import Broken, Steps

_INPUTS = ("inputs",)
_DEFAULTS = {key: PreprocessSpec.model_fields[key].default for key in ("size", "channels", "layout")}


def brought_parts(inputs: Part, broken: Broken) -> Iterator[Part]:
    """Yield the parameters that sound perturbations bring along, each at the place of its perturbation.

    Parameters
    ----------
    inputs : Part
        What validated of the inputs.
    broken : Broken
        What the field level found.
    """
    for index, steps, plain in _perturbations(inputs):
        if broken.under(steps) or broken.at(steps) or plain.get("kind") not in PERTURBATION_KINDS:
            continue
        try:
            found = brought_along(plain)
        except (ValidationError, ValueError):
            continue
        if not found and plain.get("segments"):
            # How many there are says the file, whose path is not resolved yet; that there is one is enough.
            found = [
                {
                    "name": f"{plain.get('name', 'mask')}[0]",
                    "distribution": "uniform",
                    "low": 0.0,
                    "high": 1.0,
                }
            ]
        for each in found:
            yield Part.of(
                PARAMETER_KINDS[each["distribution"]], each, (*_INPUTS, "perturbations", index), broken
            )


def input_rules(inputs: Part, parameters: Sequence[Part], model: Part, broken: Broken) -> Iterator[Finding]:
    """Yield what is wrong between the parts of the inputs.

    Parameters
    ----------
    inputs, model : Part
        What validated of them.
    parameters : sequence of Part
        What validated of each stated parameter.
    broken : Broken
        What the field level found.
    """
    stated = {"parameters", "perturbations", "base"} & inputs.broken
    if not stated and not parameters and not inputs.get("perturbations") and inputs.get("base") is None:
        yield inputs.finding(
            "needs at least 1 entry: name what varies, or perturb a base input", "parameters"
        )
    base = inputs.get("base")
    if base is not None:
        yield from BaseSpec.rules(Part.of(BaseSpec, base, (*_INPUTS, "base"), broken))
    yield from _company(inputs)
    users = [*_perturbation_rules(inputs, broken), *_template_rules(inputs, broken)]
    used = [user for user in users if not isinstance(user, Finding)]
    faults = [user for user in users if isinstance(user, Finding)]
    faults += [fault for steps, name in used for fault in _known(steps, name, parameters)]
    yield from faults
    if (base is not None or inputs.get("template") is not None) and not inputs.broken and not faults:
        yield from _unused(parameters, {name for _, name in used})
    yield from _preprocess_rules(inputs, model, broken)


def _company(inputs: Part) -> Iterator[Finding]:
    """Yield what is there without what it needs."""
    if inputs.broken & {"base", "perturbations", "template"}:
        return
    base, perturbations, template = (inputs.get(key) for key in ("base", "perturbations", "template"))
    takers = [name for name, tensor in _tensors(template) if _is_base(tensor)]
    if perturbations and base is None:
        yield inputs.finding(
            'change a base input: give inputs.base, such as {"path": "image.png"}', "perturbations"
        )
    if base is not None and not perturbations and not inputs.get("parameters"):
        yield inputs.finding(
            'give perturbations of the base input, such as {"kind": "mask", "grid": [7, 7]}', "perturbations"
        )
    if template is not None and base is not None and len(takers) != 1:
        yield inputs.finding('give the base input to one tensor: {"base": true}', "template")
    for name in takers if base is None else ():
        yield inputs.finding("there is no base input: give inputs.base", "template", name, "base")


def _perturbations(inputs: Part) -> Iterator[tuple[int, Steps, Mapping[str, Any]]]:
    for index, plain in enumerate(inputs.values.get("perturbations") or ()):
        if isinstance(plain, Mapping):
            yield index, (*_INPUTS, "perturbations", index), plain


def _perturbation_rules(inputs: Part, broken: Broken) -> Iterator[Finding | tuple[Steps, str]]:
    """Yield what is wrong with each perturbation, and the parameters that it uses."""
    axes = _axes(inputs)
    for _, steps, plain in _perturbations(inputs):
        kind = PERTURBATION_KINDS.get(str(plain.get("kind")))
        if kind is None:
            continue
        part = Part.of(kind, plain, steps, broken)
        yield from kind.rules(part)
        for key in kind.arguments():
            if isinstance(part.get(key), str):
                yield (*steps, key), part.get(key)
        if axes is not None:
            yield from _mask_fits(part, axes) if kind is MaskSpec else _shift_fits(part, axes)
        if plain.get("kind") == "noise" and isinstance(part.get("sd"), int | float) and part.get("sd") < 0:
            yield part.finding("must not be negative", "sd")


def _mask_fits(part: Part, axes: str) -> Iterator[Finding]:
    """Yield where a mask does not suit the axes of the base input."""
    grid, baseline = part.get("grid"), part.get("baseline")
    if grid is not None and len(grid) != len(axes):
        yield part.finding(
            f"needs one number for each of the axes {', '.join(axes)} of the base input; it has {len(grid)}",
            "grid",
        )
    if axes != "F" and isinstance(baseline, list | tuple):
        yield part.finding("is a list for rows of features alone", "baseline")
    if axes == "F" and baseline in BASELINES[1:]:
        yield part.finding(
            "mixes features, whose order and units have nothing in common: use a list of numbers, one a "
            f'feature, or "zero", instead of "{baseline}"',
            "baseline",
        )


def _shift_fits(part: Part, axes: str) -> Iterator[Finding]:
    """Yield along which axes a perturbation moves inputs that do not have them."""
    for key, axis in (("x", "W"), ("y", "H")):
        if axis not in axes and part.get(key) not in {None, 0}:
            yield part.finding(f"the base input has no axis {axis} to move along", key)


def _axes(inputs: Part) -> str | None:
    """Return the axes of the base input without its channels; None where they cannot be told."""
    base = inputs.get("base")
    if base is None:
        return None
    try:
        return BaseSpec.model_validate(base).axes.replace("C", "")
    except ValidationError:
        return None


def _template_rules(inputs: Part, broken: Broken) -> Iterator[Finding | tuple[Steps, str]]:
    for name, tensor in _tensors(inputs.get("template")):
        steps: Steps = (*_INPUTS, "template", name) if name else (*_INPUTS, "template")
        if broken.under(steps) or broken.at(steps):
            continue
        plain = tensor if isinstance(tensor, Mapping) else {"values": tensor}
        yield from TensorSpec.rules(Part.of(TensorSpec, plain, steps, broken))
        try:
            for used in TensorSpec.model_validate(plain).names():
                yield steps, used
        except ValidationError:
            continue


def _tensors(template: Any) -> list[tuple[str, Any]]:
    if template is None:
        return []
    return list(template.items()) if isinstance(template, Mapping) else [("", template)]


def _is_base(tensor: Any) -> bool:
    return isinstance(tensor, Mapping) and tensor.get("base") is True


def _known(steps: Steps, name: str, parameters: Sequence[Part]) -> Iterator[Finding]:
    names = [str(part.get("name")) for part in parameters]
    if name in names or any("name" in part.broken for part in parameters):
        return
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    known = f"known: {', '.join(names)}" if names else "declare it in inputs.parameters"
    yield Finding(steps, f"no parameter is called '{name}'; {hint}{known}")


def _unused(parameters: Sequence[Part], used: set[str]) -> Iterator[Finding]:
    for part in parameters:
        name = part.get("name")
        if isinstance(name, str) and name not in used:
            yield part.finding(
                f"'{name}' is used by no perturbation and stands nowhere in the template: use it, or remove "
                f"it"
            )


def _preprocess_rules(inputs: Part, model: Part, broken: Broken) -> Iterator[Finding]:
    plain, steps = model.get("preprocess"), ("model", "preprocess")
    if not isinstance(plain, Mapping):
        return
    part = Part.of(PreprocessSpec, plain, steps, broken)
    yield from PreprocessSpec.rules(part)
    axes = _axes(inputs)
    if inputs.get("template") is not None and inputs.get("base") is None:
        written = PreprocessSpec.model_fields
        for key in (key for key in plain if key in written and plain[key] != written[key].default):
            yield part.finding(
                "is for a base input or for plain parameters, and a template puts these into tensors itself: "
                "state there what the network reads",
                key,
            )
        return
    if "base" in inputs.broken or (axes is not None and {"H", "W"} <= set(axes)):
        return
    for key, default in _DEFAULTS.items():
        if plain.get(key) not in (None, "keep") and plain[key] != default:
            yield part.finding("is for images: give a base input with the axes H and W", key)
