"""The inputs of the model: parameters, and the base inputs or tensors that they change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from parsl_sa.spec.base import BaseSpec
from parsl_sa.spec.dependence import Dependence
from parsl_sa.spec.distributions import AnyParameter
from parsl_sa.spec.factors import Groups
from parsl_sa.spec.fields import AsTuple, Section
from parsl_sa.spec.grid import digest_grid
from parsl_sa.spec.perturbations import Perturbations
from parsl_sa.spec.template import Template

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from parsl_sa.errors import Fault

Parameters = Annotated[tuple[Annotated[AnyParameter, Field(discriminator="distribution")], ...], AsTuple]


class InputsSpec(Section):
    """The inputs of the model."""

    parameters: Parameters = Field(
        default=(),
        description="One entry for each column of the model's input, in the model's order; at least one "
        "of them uncertain. With a template or perturbations they are used by name, in any order.",
    )
    groups: Groups = Field(
        default_factory=dict,
        description='Parameters that vary together, such as {"flow": ["Re", "mach"]}: a group has one pair '
        "of indices, S1 its closed index and ST its total one. Parameters in no group stand by themselves.",
    )
    dependence: Dependence | None = Field(
        default=None,
        description="How parameters depend on each other; null or left out where all are independent.",
    )
    base: BaseSpec | None = Field(
        default=None,
        description="Base inputs that perturbations change: an image, a row of data, or many of them.",
    )
    perturbations: Perturbations = Field(
        default=(), description="How the base inputs are changed, one after the other."
    )
    template: Template | None = Field(
        default=None,
        description="The tensors that the network takes, by name, where they are not just the parameters "
        "side "
        'by side: ["alpha", 0.0, "Re"] for one tensor, {"flow": ["alpha", "Re"], "image": {"base": true}} '
        "for several, which are passed by name.",
    )

    @property
    def everything(self) -> tuple[AnyParameter, ...]:
        """The stated parameters, and behind them those that perturbations bring along."""
        more = [each for one in self.perturbations for each in one.parameters()]
        return (*self.parameters, *_Brought.model_validate({"parameters": more}).parameters)

    @property
    def plain_columns(self) -> bool:
        """Whether the network takes one row of parameters side by side."""
        return self.base is None and self.template is None

    def at(self, base_dir: Path) -> InputsSpec:
        """Return it with absolute paths, and what its files hold pinned down.

        Parameters
        ----------
        base_dir : Path
            Folder that relative paths start from: that of the spec's file.
        """
        return self.model_copy(
            update={
                "parameters": tuple(item.at(base_dir) for item in self.parameters),
                "dependence": self.dependence and self.dependence.at(base_dir),
                "base": self.base and self.base.at(base_dir),
                "perturbations": tuple(one.at(base_dir) for one in self.perturbations),
                "template": self.template
                and {name: tensor.at(base_dir) for name, tensor in self.template.items()},
            }
        )

    def file_faults(self) -> Iterator[Fault]:
        """Yield what is wrong with the files of parameters, base inputs, perturbations and template."""
        yield from self.parameter_faults()
        if self.base is not None:
            yield from self.base.file_faults()
        for index, one in enumerate(self.perturbations):
            yield from one.file_faults(f"inputs.perturbations[{index}]")
        for name, tensor in (self.template or {}).items():
            yield from tensor.file_faults(f"inputs.template.{name}" if name else "inputs.template")

    def parameter_faults(self) -> Iterator[Fault]:
        """Yield what is wrong with the files of parameters."""
        for index, item in enumerate(self.parameters):
            yield from item.file_faults(f"inputs.parameters[{index}]")

    def plain(self) -> dict[str, Any]:
        """Return how rows of parameters become inputs, as plain values; what `parsl_sa.models` takes."""
        return {
            "columns": [item.name for item in self.everything],
            "base": self.base and self.base.model_dump(mode="json"),
            "perturbations": [one.plain() for one in self.perturbations],
            "template": self.template
            and {name: tensor.model_dump(mode="json") for name, tensor in self.template.items()},
        }

    def science(self) -> dict[str, Any]:
        """Return what results depend on beside parameters, groups and dependence; files by their contents."""
        found: dict[str, Any] = {}
        if self.base is not None:
            found["base"] = self.base.science()
        if self.perturbations:
            found["perturbations"] = [one.plain() for one in self.perturbations]
        if self.template is not None:
            found["template"] = {
                name: tensor.model_dump(mode="json") for name, tensor in self.template.items()
            }
        for plain in (*found.get("perturbations", ()), *found.get("template", {}).values()):
            for key in ("segments", "file"):
                if plain.get(key):
                    plain[key] = digest_grid(plain[key])
        return found


class _Brought(Section):
    """Parameters that perturbations bring along, validated as if they had been written."""

    parameters: Parameters
