"""The quantities of interest: what is kept of the model's output."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from parsl_sa.errors import Fault
from parsl_sa.spec.cuts import CutError, parse_cut
from parsl_sa.spec.fields import AsTuple, Count, Label, PlugIn, Section, Slug, complain
from parsl_sa.spec.grid import (
    Coordinate,
    CoordinateSpec,
    GridError,
    Weights,
    digest_grid,
    read_coordinate,
    read_weights,
    shape_of,
)
from parsl_sa.spec.output_rules import kept_dims, quantity_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsl_sa.spec.parts import Finding, Part

# Axes that the results have beside the quantity's own.
_RESERVED_DIMS = ("case", "look", "parameter", "parameter_unit")


def _free_dim(name: str) -> str:
    if name in _RESERVED_DIMS:
        raise complain(f"'{name}' is an axis of the results already; call this axis otherwise")
    return name


def _target(given: Any) -> Any:
    if given is None or (isinstance(given, str) and given.strip()):
        return given
    whole = int(given) if isinstance(given, float) and given.is_integer() else given
    if isinstance(whole, int) and not isinstance(whole, bool) and whole >= 0:
        return whole
    raise complain('must be the index of a class from 0, the name of one, "label" or "predicted"')


def _axes(given: Any) -> Any:
    if isinstance(given, list | tuple) and all(type(axis) is int or isinstance(axis, str) for axis in given):
        return tuple(given)
    raise complain('must be a list of axes, by name or by number, such as ["y", "x"] or [0, -1]')


def _cut(text: str) -> str:
    try:
        parse_cut(text)
    except CutError as error:
        raise complain(str(error)) from error
    return text


def _function(text: str) -> str:
    file, _, name = text.rpartition(":")
    if text and (not file or not name.isidentifier()):
        raise complain(f"must be a Python file and a function in it, such as 'post.py:drag'; it is '{text}'")
    return text


_WHOLE: dict[str, Any] = {"type": "integer"}
Target = Annotated[
    Any,
    BeforeValidator(_target),
    WithJsonSchema({"anyOf": [{**_WHOLE, "minimum": 0}, {"type": "string"}, {"type": "null"}]}),
]
Axes = Annotated[
    Any,
    BeforeValidator(_axes),
    WithJsonSchema({"type": "array", "items": {"anyOf": [_WHOLE, {"type": "string"}]}}),
]
_READING = ("layer", "slice", "function", "quantity", "target", "loss", "reduce", "axes")


class OutputSpec(Section):
    """A quantity of interest."""

    name: Slug = Field(description="Name of the quantity; unique; its group in the results is called so.")
    select: str = Field(
        default="",
        description="Where it stands in the model's output: keys and indices joined by dots, such as "
        '"boundary_layer.theta"; empty takes the whole output.',
    )
    layer: str = Field(
        default="",
        description='A layer whose activation is meant instead, as PyTorch names it: "features.3". Of a '
        "layer that runs several times in a forward the last run counts, of several tensors the first.",
    )
    slice: Annotated[str, AfterValidator(_cut)] = Field(
        default="",
        description='Cut behind the batch axis, as NumPy writes it: "0:3, :" or "-1"; empty for all.',
    )
    function: Annotated[str, AfterValidator(_function)] = Field(
        default="",
        description='A function of that tensor, "post.py:drag" relative to the spec; it takes and returns a '
        "tensor or array, as the model gives it, with the batch first. Empty for none.",
    )
    quantity: Annotated[str, PlugIn("quantity")] = Field(
        default="value",
        description="What is kept: the value itself or, of the scores of a classifier, the logit, "
        "probability, log-odds or margin (its logit less the largest other) of a class, the predicted "
        "class, the loss against a label, or the entropy of the predicted distribution in nats.",
    )
    target: Target = Field(
        default=None,
        description='The class asked about: an index from 0, a name of `model.classes`, "label" or '
        '"predicted" (of the unperturbed base input). Null keeps all classes along an axis `class`; a loss '
        "takes the label, and a predicted class with a target is 1 where it is that one, else 0.",
    )
    loss: Literal["cross-entropy", "squared-error", "absolute-error"] | None = Field(
        default=None, description="Which loss: cross-entropy for classes (the default), errors for numbers."
    )
    dims: dict[Annotated[Label, AfterValidator(_free_dim)], Count] = Field(
        default_factory=dict,
        description="Name and length of each axis behind the batch axis, in order, such as "
        '{"side": 2, "x": 32}, before it is reduced; empty for a scalar.',
    )
    reduce: Literal["mean", "sum", "max", "min", "norm", "std"] | None = Field(
        default=None,
        description="What axes are reduced to: norm is Euclidean; null keeps them.",
    )
    axes: Axes = Field(
        default=(),
        description="Axes that are reduced, by name or by number from 0 behind the batch, such as "
        '["y", "x"]; empty for all.',
    )
    unit: str = Field(default="", description="Physical unit; shown, never computed with.")
    coords: dict[str, Coordinate] = Field(
        default_factory=dict,
        description='Coordinates along axes of `dims`, such as {"side": ["upper", "lower"], "x": "x.npy"}: '
        "numbers or texts, one a cell of the axis, or a .npy or .csv file relative to the spec; "
        '{"values": ..., "unit": "m"} adds a unit.',
    )
    weights: Weights = Field(
        default=None,
        description="Weight of each cell in aggregated indices, such as the volumes of a mesh: a .npy file "
        "relative to the spec or a list, of the shape of `dims` or flat; null weighs all cells alike.",
    )

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """Yield what is wrong between fields that are sound one by one."""
        yield from quantity_rules(part)
        dims, coords, weights = part.get("dims"), part.get("coords"), part.get("weights")
        if dims is None or part.broken & {"reduce", "axes"}:
            return
        dims = kept_dims(dims, part.get("reduce"), part.get("axes") or ())
        for dim, given in (coords or {}).items():
            if dim not in dims:
                known = f"dims has {', '.join(dims)}" if dims else "declare the axes of the field in dims"
                yield part.finding(f"no axis '{dim}'; {known}", "coords", dim)
                continue
            values = given.get("values") if isinstance(given, dict) else given
            if isinstance(values, list | tuple) and len(values) != dims[dim]:
                yield part.finding(
                    f"has {len(values)} coordinates for {dims[dim]} cells; give one a cell", "coords", dim
                )
        if weights is not None and not dims:
            yield part.finding("weigh the cells of a field: declare its axes in dims", "weights")
        elif isinstance(weights, list | tuple):
            shape, expected = shape_of(weights), tuple(dims.values())
            if shape not in {expected, (prod(expected),)}:
                yield part.finding(f"has the shape {shape}; the axes give {expected}", "weights")

    def at(self, base_dir: Path) -> OutputSpec:
        """Return it with the paths of its files made absolute.

        Parameters
        ----------
        base_dir : Path
            Folder that a relative path starts from: that of the spec's file.
        """
        coords = {
            dim: given.model_copy(update={"values": _absolute(given.values, base_dir)})
            for dim, given in self.coords.items()
        }
        file, colon, name = self.function.rpartition(":")
        files = {
            "weights": _absolute(self.weights, base_dir),
            "function": f"{_absolute(file, base_dir)}:{name}" if colon else "",
        }
        return self.model_copy(update={"coords": coords, **files})

    @property
    def kept_dims(self) -> dict[str, int]:
        """The axes that are left after `reduce`."""
        return kept_dims(self.dims, self.reduce, self.axes)

    def file_faults(self, place: str) -> Iterator[Fault]:
        """Yield what is wrong with the files of coordinates and weights.

        Parameters
        ----------
        place : str
            Where the output stands in the spec.
        """
        for dim, given in self.coords.items():
            try:
                read_coordinate(given.values, self.kept_dims[dim])
            except GridError as error:
                yield Fault(f"{place}.coords.{dim}", str(error))
        try:
            if self.weights is not None:
                read_weights(self.weights, tuple(self.kept_dims.values()))
        except GridError as error:
            yield Fault(f"{place}.weights", str(error))

    def plain(self) -> dict[str, Any]:
        """Return what is read and how; what is not asked for is left out, as in plans of older versions."""
        plain = self.model_dump(mode="json", include={"name", "select", "dims", "unit"})
        asked = self.model_dump(mode="json", include=set(_READING), exclude_defaults=True)
        return plain | asked

    def science(self) -> dict[str, Any]:
        """Return what results depend on; of coordinates and weights a digest of their contents."""
        plain = self.plain()
        if self.function:  # its file is hashed with those of the model: where it lies does not matter
            plain["function"] = self.function.rpartition("/")[2]
        if self.coords:
            plain["coords"] = {
                dim: {"values": digest_grid(given.values), "unit": given.unit}
                for dim, given in self.coords.items()
            }
        if self.weights is not None:
            plain["weights"] = digest_grid(self.weights)
        return plain


def _absolute(given: Any, base_dir: Path) -> Any:
    return str((base_dir / Path(given).expanduser()).resolve()) if isinstance(given, str) else given


Outputs = Annotated[tuple[OutputSpec, ...], AsTuple]

__all__ = ["CoordinateSpec", "OutputSpec", "Outputs"]
