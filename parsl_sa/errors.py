"""Every error that parsl-sa raises on purpose, with the exit code it ends a command with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and where.

    Parameters
    ----------
    place : str
        Path into the spec (``inputs.parameters[2].high``) or the name of a file.
    message : str
        What is wrong and what to do about it, in the user's words.
    """

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class ParslSaError(Exception):
    """Base of all errors raised on purpose; ``exit_code`` is what the command line returns."""

    exit_code = 4


class SpecError(ParslSaError):
    """The spec, its files or the command's arguments are wrong; nothing was started.

    Parameters
    ----------
    faults : sequence of Fault
        Everything found, in the order of the spec.
    """

    exit_code = 2

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the faults: Python would call the class with the message."""
        return type(self), (self.faults,)


class ModelError(SpecError):
    """The model cannot be loaded or does not do what the spec says of it.

    Parameters
    ----------
    place : str
        Path into the spec.
    message : str
        What is wrong and what to do about it.
    """

    def __init__(self, place: str, message: str) -> None:
        super().__init__([Fault(place, message)])

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by place and message; see `SpecError`."""
        return type(self), (self.faults[0].place, self.faults[0].message)


class BundleShapeError(ParslSaError, ValueError):
    """Rows do not have the shape that their layout states."""


class DesignError(ParslSaError, ValueError):
    """Parameters or a design that no sampler can be made of, or bundles that it does not have."""

    exit_code = 2


class LayoutError(ParslSaError, ValueError):
    """A statistic was asked of a design that cannot carry it."""


class MergeError(ParslSaError, ValueError):
    """Two accumulators of different layout, options or size were merged."""


class FrameError(ParslSaError, ValueError):
    """Bytes from a socket or a file are not what their header states."""


class UnknownOutputError(ParslSaError, KeyError):
    """Results were asked for a quantity that they do not have; the message lists those they have."""

    def __str__(self) -> str:
        return str(self.args[0])


class ChannelClosedError(ParslSaError):
    """A channel was used after it was closed."""


class StudyError(ParslSaError):
    """A run failed, or a study directory cannot be used."""
