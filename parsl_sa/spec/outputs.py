"""The quantities of interest: what is kept of the model's output."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from parsl_sa.errors import Fault
from parsl_sa.spec.fields import AsTuple, Count, Label, Section, Slug, complain
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsl_sa.spec.parts import Finding, Part

# Axes that the results have beside the quantity's own.
_RESERVED_DIMS = ("case", "look", "parameter", "parameter_unit")


def _free_dim(name: str) -> str:
    if name in _RESERVED_DIMS:
        raise complain(f"'{name}' is an axis of the results already; call this axis otherwise")
    return name


class OutputSpec(Section):
    """A quantity of interest."""

    name: Slug = Field(description="Name of the quantity; unique; its group in the results is called so.")
    select: str = Field(
        default="",
        description="Where it stands in the model's output: keys and indices joined by dots, such as "
        '"boundary_layer.theta"; empty takes the whole output.',
    )
    dims: dict[Annotated[Label, AfterValidator(_free_dim)], Count] = Field(
        default_factory=dict,
        description="Name and length of each axis behind the batch axis, in order, such as "
        '{"side": 2, "x": 32}; empty for a scalar.',
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
        dims, coords, weights = part.get("dims"), part.get("coords"), part.get("weights")
        if dims is None:
            return
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
        return self.model_copy(update={"coords": coords, "weights": _absolute(self.weights, base_dir)})

    def file_faults(self, place: str) -> Iterator[Fault]:
        """Yield what is wrong with the files of coordinates and weights.

        Parameters
        ----------
        place : str
            Where the output stands in the spec.
        """
        for dim, given in self.coords.items():
            try:
                read_coordinate(given.values, self.dims[dim])
            except GridError as error:
                yield Fault(f"{place}.coords.{dim}", str(error))
        try:
            if self.weights is not None:
                read_weights(self.weights, tuple(self.dims.values()))
        except GridError as error:
            yield Fault(f"{place}.weights", str(error))

    def science(self) -> dict[str, Any]:
        """Return what results depend on; of coordinates and weights a digest of their contents."""
        plain = self.model_dump(mode="json", include={"name", "select", "dims", "unit"})
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
