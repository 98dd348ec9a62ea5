"""How base inputs are changed: each kind a function of named parameters, in the unit of the input."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from parsl_sa.errors import Fault
from parsl_sa.spec.fields import AsTuple, Count, Label, Section, complain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from parsl_sa.spec.parts import Finding, Part

BASELINES = ("zero", "mean", "blur", "noise")


def _argument(given: Any) -> Any:
    if isinstance(given, str) or (isinstance(given, int | float) and not isinstance(given, bool)):
        return given
    raise complain("must be a number, or the name of a parameter")


def _number(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise complain("must hold numbers alone")
    return given


def _baseline(given: Any) -> Any:
    if isinstance(given, list | tuple) and given:
        return tuple(float(_number(one)) for one in given)
    if isinstance(given, str) and given not in BASELINES:
        raise complain(f"must be a number or one of {', '.join(BASELINES)}; it is '{given}'")
    return _argument(given)


_NUMBER_OR_NAME = {"anyOf": [{"type": "number"}, {"type": "string"}]}

Argument = Annotated[Any, BeforeValidator(_argument), WithJsonSchema(_NUMBER_OR_NAME)]
Baseline = Annotated[
    Any,
    BeforeValidator(_baseline),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number"},
                {"enum": list(BASELINES)},
                {"type": "array", "items": {"type": "number"}, "minItems": 1},
            ]
        }
    ),
]


class PerturbationSpec(Section):
    """What every perturbation can do."""

    @classmethod
    def arguments(cls) -> tuple[str, ...]:
        """Names of the fields that hold a number or the name of a parameter."""
        return ()

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:  # noqa: ARG003 - kinds with rules read it
        """Yield what is wrong between fields that are sound one by one."""
        yield from ()

    def parameters(self) -> list[dict[str, Any]]:
        """Return the parameters that it brings along, as a spec would have them."""
        return []

    def at(self, base_dir: Path) -> PerturbationSpec:  # noqa: ARG002 - only files have paths
        """Return it with the path of its file made absolute."""
        return self

    def file_faults(self, place: str) -> Iterator[Fault]:  # noqa: ARG002 - see above
        """Yield what is wrong with its file."""
        yield from ()

    def plain(self) -> dict[str, Any]:
        """Return kind and fields as plain values; what `parsl_sa.models` takes."""
        return self.model_dump(mode="json")


class MaskSpec(PerturbationSpec):
    """Cells of the input are blended into a baseline: 1 keeps a cell, 0 replaces it."""

    kind: Literal["mask"] = Field(description="Kind of perturbation.")
    name: Label = Field(
        default="mask", description='Stem of its parameters: "mask[0,1]" is row 0, column 1 of the grid.'
    )
    grid: Annotated[tuple[Count, ...], AsTuple] | None = Field(
        default=None,
        description="Cells along each axis of the input but its channels, such as [7, 7] for an image or "
        "[12] "
        "for a series or a row of a table.",
    )
    segments: str | None = Field(
        default=None,
        description="Instead of a grid: a .npy file relative to the spec that numbers the cell of every "
        "pixel, "
        "from 0 without gaps, such as superpixels.",
    )
    n_segments: Count | None = Field(
        default=None, description="Number of segments; filled in from the file when a study begins."
    )
    baseline: Baseline = Field(
        default="blur",
        description='What a masked cell becomes: "zero", "mean" (of each channel of this input), "blur" (the '
        'input blurred with a standard deviation of `blur`), "noise" (normal, with mean and standard '
        "deviation of each channel of this input), a number in the unit of the input, or for rows of "
        "features a list of numbers, one each, such as the means of the data.",
    )
    blur: float | None = Field(
        default=None,
        gt=0,
        description="Standard deviation of the blur, in pixels; null takes a quarter of the larger side of a "
        "cell, 1 at least.",
    )
    seed: Argument = Field(
        default=0,
        description='Seed of the baseline "noise": a number, or the name of an "integer" parameter that '
        "draws it anew.",
    )
    distribution: Literal["uniform", "choice", "switch"] = Field(
        default="uniform",
        description='What a cell\'s parameter does: "uniform" blends anywhere between kept and replaced '
        '(Fel et al. 2021), "choice" keeps or replaces it with equal chance, "switch" too, and is taken away '
        "alone in a one-at-a-time design (occlusion).",
    )

    @classmethod
    def arguments(cls) -> tuple[str, ...]:
        """See `PerturbationSpec.arguments`."""
        return ("seed",)

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `PerturbationSpec.rules`."""
        grid, segments = part.get("grid"), part.get("segments")
        if {"grid", "segments"} & part.broken:
            return
        if (grid is None) == (segments is None):
            yield part.finding('needs either "grid", such as [7, 7], or "segments", a .npy file')
        if segments is not None and Path(segments).suffix != ".npy":
            yield part.finding(f"must be a .npy file of whole numbers; it is '{segments}'", "segments")
        if part.get("blur") is not None and part.get("baseline") != "blur":
            yield part.finding('is for the baseline "blur"', "blur")

    def cells(self) -> list[str]:
        """Return the names of its parameters, in C order of the grid."""
        if self.grid is not None:
            places = product(*(range(length) for length in self.grid))
            return [f"{self.name}[{','.join(map(str, place))}]" for place in places]
        return [f"{self.name}[{index}]" for index in range(self.n_segments or count_segments(self.segments))]

    def parameters(self) -> list[dict[str, Any]]:
        """See `PerturbationSpec.parameters`."""
        kinds: dict[str, dict[str, Any]] = {
            "uniform": {"distribution": "uniform", "low": 0.0, "high": 1.0},
            "choice": {"distribution": "choice", "values": [0.0, 1.0]},
            "switch": {"distribution": "switch"},
        }
        return [{"name": name, **kinds[self.distribution]} for name in self.cells()]

    def at(self, base_dir: Path) -> MaskSpec:
        """See `PerturbationSpec.at`."""
        if self.segments is None:
            return self
        path = (base_dir / Path(self.segments).expanduser()).resolve()
        n_segments = count_segments(str(path)) if path.is_file() else self.n_segments
        return self.model_copy(update={"segments": str(path), "n_segments": n_segments})

    def file_faults(self, place: str) -> Iterator[Fault]:
        """See `PerturbationSpec.file_faults`."""
        if self.segments is None:
            return
        if not Path(self.segments).is_file():
            yield Fault(f"{place}.segments", f"{self.segments}: no such file; paths are relative to the spec")
        elif not count_segments(self.segments):
            text = "must be a .npy array of whole numbers that number the cells from 0 without gaps"
            yield Fault(f"{place}.segments", f"{self.segments} {text}")


class NoiseSpec(PerturbationSpec):
    """Normal noise is added, drawn from a seed: the same seed gives the same noise."""

    kind: Literal["noise"] = Field(description="Kind of perturbation.")
    sd: Argument = Field(description="Standard deviation, in the unit of the input: a number or a parameter.")
    seed: Argument = Field(
        description='Seed: the name of an "integer" parameter, whose index then says what the noise alone '
        "does; or a number, for noise that is always the same."
    )

    @classmethod
    def arguments(cls) -> tuple[str, ...]:
        """See `PerturbationSpec.arguments`."""
        return ("sd", "seed")


class BrightnessSpec(PerturbationSpec):
    """Everything is made brighter by the same amount."""

    kind: Literal["brightness"] = Field(description="Kind of perturbation.")
    offset: Argument = Field(
        description="What is added, in the unit of the input: a number or a parameter; 0 changes nothing."
    )

    @classmethod
    def arguments(cls) -> tuple[str, ...]:
        """See `PerturbationSpec.arguments`."""
        return ("offset",)


class ContrastSpec(PerturbationSpec):
    """Differences from the mean of the input are stretched."""

    kind: Literal["contrast"] = Field(description="Kind of perturbation.")
    factor: Argument = Field(
        description="Factor of the differences: a number or a parameter; 1 changes nothing, 0 leaves the "
        "mean."
    )

    @classmethod
    def arguments(cls) -> tuple[str, ...]:
        """See `PerturbationSpec.arguments`."""
        return ("factor",)


class ShiftSpec(PerturbationSpec):
    """The input is moved along its axes; what comes in at an edge repeats the edge."""

    kind: Literal["shift"] = Field(description="Kind of perturbation.")
    x: Argument = Field(
        default=0.0,
        description="Pixels or steps to the right: a number or a parameter; parts of a pixel are "
        "interpolated.",
    )
    y: Argument = Field(default=0.0, description="Pixels downwards: a number or a parameter.")

    @classmethod
    def arguments(cls) -> tuple[str, ...]:
        """See `PerturbationSpec.arguments`."""
        return ("x", "y")


AnyPerturbation = MaskSpec | NoiseSpec | BrightnessSpec | ContrastSpec | ShiftSpec
Perturbations = Annotated[tuple[Annotated[AnyPerturbation, Field(discriminator="kind")], ...], AsTuple]

PERTURBATION_KINDS: dict[str, type[PerturbationSpec]] = {
    get_args(kind.model_fields["kind"].annotation)[0]: kind for kind in get_args(AnyPerturbation)
}


def brought_along(plain: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the parameters of a perturbation that is sound, from its plain values.

    Examples
    --------
    >>> [each["name"] for each in brought_along({"kind": "mask", "grid": [1, 2]})]
    ['mask[0,0]', 'mask[0,1]']
    """
    return PERTURBATION_KINDS[plain["kind"]].model_validate(plain).parameters()


def count_segments(path: str | None) -> int:
    """Return the number of segments in a file; 0 where it does not number cells from 0 without gaps.

    Parameters
    ----------
    path : str or None
        A .npy file of whole numbers.
    """
    import numpy as np  # noqa: PLC0415 - specs are read by commands that never compute

    try:
        array = np.load(str(path), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return 0
    if array.dtype.kind not in "iu" or array.size == 0:
        return 0
    found = np.unique(array)
    return len(found) if found[0] == 0 and int(found[-1]) == len(found) - 1 else 0
