"""The quantities of interest: what is kept of the model's output."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from parsl_sa.spec.fields import AsTuple, Count, Label, Section, Slug, complain

# Axes that the results have beside the quantity's own.
_RESERVED_DIMS = ("case", "parameter")


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


Outputs = Annotated[tuple[OutputSpec, ...], AsTuple]
