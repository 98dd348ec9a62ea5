"""What every uncertain parameter states, whatever its distribution, and the rules they share."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from parsl_sa.spec.fields import LARGEST_EXACT, AsTuple, Label, Number, Section

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from parsl_sa.errors import Fault
    from parsl_sa.spec.parts import Finding, Part

_SHOWN_ONLY = {"unit", "description", "trained"}


class ParameterSpec(Section):
    """What every parameter states beside the fields of its distribution."""

    name: Label = Field(description="Name of the parameter; unique, shown in every table and plot.")
    unit: str = Field(default="", description='Physical unit, for example "deg"; shown, never computed with.')
    description: str = Field(default="", description="One line on what the parameter is, for reports.")
    trained: Annotated[tuple[Number | None, ...], AsTuple] | None = Field(
        default=None,
        description="Range that the network was trained on, [low, high], null for an open end; `check` and "
        "`launch` tell how many of the values lie outside. Nothing is cut off.",
    )

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:  # noqa: ARG003 - families with rules read it
        """Yield what is wrong between fields that are sound one by one.

        Parameters
        ----------
        part : Part
            The parameter's sound fields.
        """
        yield from ()

    def plain(self) -> dict[str, Any]:
        """Return name, distribution and its fields, a file read; what `parsl_sa.design` takes.

        Raises
        ------
        TableError
            If its file cannot be read, or is not what it was.
        """
        return self.model_dump(mode="json", exclude=_SHOWN_ONLY)

    def science(self) -> dict[str, Any]:
        """Return what results depend on, and the unit that they are shown in; of a file a digest."""
        return self.model_dump(mode="json", exclude=_SHOWN_ONLY - {"unit"})

    def file_faults(self, place: str) -> Iterator[Fault]:  # noqa: ARG002 - see `at`
        """Yield what is wrong with its file.

        Parameters
        ----------
        place : str
            Where the parameter stands in the spec.
        """
        yield from ()

    def at(self, base_dir: Path) -> ParameterSpec:  # noqa: ARG002 - only files have paths
        """Return it with the path of its file made absolute, and what the file holds pinned down."""
        return self


def trained_rules(part: Part) -> Iterator[Finding]:
    """Yield what is wrong with the range that a network was trained on.

    Parameters
    ----------
    part : Part
        The parameter's sound fields.
    """
    trained = part.get("trained")
    if trained is None:
        return
    if len(trained) != 2:
        yield part.finding(f"must be [low, high]; it has {len(trained)} entries", "trained")
    elif trained[0] is None and trained[1] is None:
        yield part.finding("has no end; leave it out where the range is not known", "trained")
    elif None not in trained and trained[0] >= trained[1]:
        low, high = map(shown_number, trained)
        yield part.finding(f"must be [low, high] with low below high; it is [{low}, {high}]", "trained")


def exceeds(part: Part, lower: str, upper: str, *, strictly: bool = True) -> Iterator[Finding]:
    """Yield why one field does not exceed another, or lies too far above it."""
    low, high = part.get(lower), part.get(upper)
    if low is None or high is None:
        return
    if high < low or (strictly and high == low):
        words = "must exceed" if strictly else "must not be below"
        cure = '; a parameter that does not vary has "distribution": "constant"' if high == low else ""
        yield part.finding(f"{words} {lower} ({shown_number(low)}); it is {shown_number(high)}{cure}", upper)
    elif not isfinite(high - low):
        span = f"{shown_number(low)} to {shown_number(high)}"
        yield part.finding(f"high - low overflows double precision ({span})", upper)


def shown_number(value: float) -> str:
    """Show a number in a message, whole ones that a double cannot hold with all their digits."""
    return repr(value) if isinstance(value, int) and abs(value) > LARGEST_EXACT else repr(float(value))
