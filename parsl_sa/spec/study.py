"""The whole spec of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from parsl_sa.errors import Fault, SpecError
from parsl_sa.spec.dependence_rules import JOINT, SWITCH, crossing_sets, is_conditional
from parsl_sa.spec.design import ONE_AT_A_TIME, DesignSpec, replicate_plan
from parsl_sa.spec.distributions import AnyParameter, ConstantSpec
from parsl_sa.spec.factors import factors_of
from parsl_sa.spec.farm import FarmSpec, StopSpec
from parsl_sa.spec.fields import Section, Slug
from parsl_sa.spec.inputs import InputsSpec
from parsl_sa.spec.model import ModelSpec
from parsl_sa.spec.outputs import Outputs
from parsl_sa.spec.statistics import (
    AnyStatistic,
    Statistics,
    common_level,
    default_statistics,
    resolved_statistic,
)
from parsl_sa.spec.table import TableError

if TYPE_CHECKING:
    from pathlib import Path

SPEC_VERSION = 1


class StudySpec(Section):
    """Everything a study needs to know: model, inputs, design, outputs, statistics and farm.

    Build it with `parse_spec` or `load_spec`, which also check what ties its parts together.
    """

    spec_version: Literal[1] = Field(description="Version of this format; 1.")
    name: Slug = Field(description="Name of the study; its folder is called so.")
    model: ModelSpec = Field(description="The trained network.")
    inputs: InputsSpec = Field(description="The inputs and their uncertainty.")
    design: DesignSpec = Field(description="The rule that yields the inputs, and its size.")
    outputs: Annotated[Outputs, Field(min_length=1)] = Field(
        description="The quantities of interest; at least one."
    )
    statistics: Statistics | None = Field(
        default=None,
        description="What is computed of every quantity: names, or objects with a name and options. Null "
        "or left out: moments and extrema, and sobol for a pick-freeze design, effects for a one-at-a-time "
        "one.",
    )
    farm: FarmSpec = Field(default=FarmSpec(), description="Where the study runs and how wide.")
    stop: StopSpec = Field(
        default=StopSpec(), description="When a study stops before its design is complete."
    )

    @property
    def uncertain(self) -> tuple[AnyParameter, ...]:
        """The parameters that vary, in the order of the spec."""
        return tuple(item for item in self.inputs.everything if not isinstance(item, ConstantSpec))

    @property
    def members(self) -> dict[str, tuple[AnyParameter, ...]]:
        """The uncertain parameters of every factor: of a group, or one parameter that is in none."""
        by_name = {item.name: item for item in self.uncertain}
        factors = factors_of(by_name, self.inputs.groups)
        return {factor: tuple(by_name[name] for name in names) for factor, names in factors.items()}

    @property
    def factors(self) -> tuple[str, ...]:
        """Names of the factors, each where its first parameter stands in the spec; their number is d."""
        return tuple(self.members)

    @property
    def factor_units(self) -> tuple[str, ...]:
        """Units of the factors; empty for a group of several parameters."""
        return tuple(each[0].unit if len(each) == 1 else "" for each in self.members.values())

    @property
    def joint(self) -> tuple[str, ...]:
        """Names of the parameters that have no distribution of their own."""
        return tuple(item.name for item in self.uncertain if item.distribution == JOINT)

    @property
    def conditional(self) -> bool:
        """Whether pick-freeze becomes the conditional design, because correlations cross factors."""
        dependence = self.inputs.dependence
        if dependence is None:
            return False
        kinds = {item.name: item.distribution for item in self.uncertain}
        crossing = crossing_sets(dependence.model_dump(), kinds, self.inputs.groups)
        return is_conditional(self.design.method, dependence.kind, crossing)

    @property
    def deterministic(self) -> bool:
        """Whether all bundles are alike: switches are on in every base point, and nothing else varies."""
        switches = all(item.distribution == SWITCH for item in self.uncertain)
        return self.design.method == ONE_AT_A_TIME and switches

    def resolved_statistics(self) -> tuple[AnyStatistic, ...]:
        """Return the statistics with every default filled in."""
        asked = self.statistics or default_statistics(self.design.method)
        rows = {"both_ways": self.design.both_ways, "conditional": self.conditional}
        level = common_level(asked)
        return tuple(resolved_statistic(item, level=level, **rows) for item in asked)

    def statistics_plain(self) -> list[dict[str, Any]]:
        """Return the statistics as plain dicts, defaults resolved; what `parsl_sa.stats` takes."""
        plain = [item.model_dump(mode="json") for item in self.resolved_statistics()]
        exact = {"exact": True} if self.deterministic else {}
        return [{**item, **(exact if item["name"] == "effects" else {})} for item in plain]

    def parameters_plain(self) -> list[dict[str, Any]]:
        """Return name, distribution and its fields of every parameter; what `parsl_sa.design` takes.

        Raises
        ------
        SpecError
            If a file of values cannot be read, or is not what it was.
        """
        try:
            return [item.plain() for item in self.inputs.everything]
        except TableError as error:
            raise SpecError(list(self.inputs.parameter_faults())) from error

    def inputs_plain(self) -> dict[str, Any]:
        """Return how rows of parameters become inputs of the model; what `parsl_sa.models` takes."""
        return {**self.inputs.plain(), "preprocess": self.model.preprocess.model_dump(mode="json")}

    def groups_plain(self) -> dict[str, list[str]]:
        """Return the names of the parameters of every group; what `parsl_sa.design` takes."""
        return {group: list(names) for group, names in self.inputs.groups.items()}

    def dependence_plain(self) -> dict[str, Any] | None:
        """Return the dependence, its table read; what `parsl_sa.design` takes.

        Raises
        ------
        SpecError
            If the table cannot be read, or is not what it was.
        """
        if self.inputs.dependence is None:
            return None
        faults = list(self.inputs.dependence.file_faults(self.joint))
        if faults:
            raise SpecError(faults)
        return self.inputs.dependence.plain(self.joint)

    def outputs_plain(self) -> list[dict[str, Any]]:
        """Return the quantities of interest as plain dicts; what `parsl_sa.models` takes."""
        return [item.plain() for item in self.outputs]

    def design_plain(self) -> dict[str, Any]:
        """Return method, sequence, both_ways and seed; what `parsl_sa.design` takes."""
        return self.design.model_dump(mode="json", include={"method", "sequence", "both_ways", "seed"})

    def model_plain(self) -> dict[str, Any]:
        """Return the model as a plain dict; what `parsl_sa.models` takes."""
        return self.model.model_dump(mode="json", exclude={"classes", "scores", "preprocess"})

    def evaluator_plain(self) -> dict[str, Any]:
        """Return model, inputs, outputs and classes; the arguments of `parsl_sa.models.evaluator`."""
        return {
            "model": self.model_plain(),
            "inputs": self.inputs_plain(),
            "outputs": self.outputs_plain(),
            "classes": self.model.class_names(),
            "scores": self.model.scores,
        }

    def plain(self) -> dict[str, Any]:
        """Return the whole spec as plain JSON values, defaults included."""
        return self.model_dump(mode="json")


def resolved(spec: StudySpec, base_dir: Path) -> StudySpec:
    """Fill in every default, round n to whole replicates, make paths absolute and look at the grids' files.

    Parameters
    ----------
    spec : StudySpec
        As the user wrote it.
    base_dir : Path
        Folder that relative paths start from: that of the spec's file.

    Returns
    -------
    StudySpec
        Asks for the same results as `spec`, and is resolved to itself.

    Raises
    ------
    SpecError
        With every fault of the files that hold inputs, coordinates and weights.
    """
    replicates, replicate_bundles = replicate_plan(spec.design)
    design = {"n": replicates * replicate_bundles, "replicates": replicates}
    outputs = tuple(output.at(base_dir) for output in spec.outputs)
    model, inputs = spec.model.at(base_dir), spec.inputs.at(base_dir)
    faults: list[Fault] = [*model.file_faults(), *inputs.file_faults()]
    if inputs.dependence is not None:
        faults += inputs.dependence.file_faults(spec.joint)
    faults += [fault for i, output in enumerate(outputs) for fault in output.file_faults(f"outputs[{i}]")]
    if faults:
        raise SpecError(faults)
    return spec.model_copy(
        update={
            "model": model.with_class_names(),
            "inputs": inputs,
            "design": spec.design.model_copy(update=design),
            "outputs": outputs,
            "statistics": spec.resolved_statistics(),
        }
    )


def science(spec: StudySpec) -> dict[str, Any]:
    """Return the part of a spec that results depend on, for a digest.

    Parameters
    ----------
    spec : StudySpec
        As written or resolved; both give the same where the outputs name no files.

    Returns
    -------
    dict
        Model without its folder and device, inputs, design in whole replicates, outputs with digests of
        their coordinates and weights, statistics.
        Farm, stop rule and descriptions are left out: a study may move and be explained better.
    """
    replicates, replicate_bundles = replicate_plan(spec.design)
    return {
        "model": spec.model.science(),
        "inputs": [item.science() for item in spec.inputs.parameters],
        **spec.inputs.science(),
        **({"groups": spec.groups_plain()} if spec.inputs.groups else {}),
        **({"dependence": spec.inputs.dependence.science()} if spec.inputs.dependence else {}),
        "design": {
            **spec.design_plain(),
            "replicates": replicates,
            "replicate_bundles": replicate_bundles,
        },
        "outputs": [output.science() for output in spec.outputs],
        "statistics": spec.statistics_plain(),
    }


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a spec, every field with its title and description."""
    schema = StudySpec.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "parsl-sa study",
    }
