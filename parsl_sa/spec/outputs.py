"""The quantities of interest: what is kept of the model's output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from parsl_sa.spec.fields import AsTuple, Count, Label, Section, Slug

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsl_sa.spec.parts import Finding, Part

# Axes that the results have beside the quantity's own.
_RESERVED_DIMS = ("case", "parameter")


class OutputSpec(Section):
    """A quantity of interest."""

    name: Slug = Field(description="Name of the quantity; unique; its group in the results is called so.")
    select: str = Field(
        default="",
        description="Where it stands in the model's output: keys and indices joined by dots, such as "
        '"boundary_layer.theta"; empty takes the whole output.',
    )
    dims: dict[Label, Count] = Field(
        default_factory=dict,
        description="Name and length of each axis behind the batch axis, in order, such as "
        '{"side": 2, "x": 32}; empty for a scalar.',
    )
    unit: str = Field(default="", description="Physical unit; shown, never computed with.")

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """Yield what is wrong between fields that are sound one by one."""
        for name in _RESERVED_DIMS:
            if name in (part.get("dims") or {}):
                yield part.finding(
                    f"'{name}' is an axis of the results already; call this axis otherwise", "dims", name
                )


Outputs = Annotated[tuple[OutputSpec, ...], AsTuple]
