"""The distributions of uncertain parameters, by the names that a spec gives them."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from parsl_sa.spec.continuous import (
    BetaSpec,
    LogNormalSpec,
    LogUniformSpec,
    NormalSpec,
    TriangularSpec,
    TruncatedNormalSpec,
    UniformSpec,
)
from parsl_sa.spec.discrete import (
    CategoricalSpec,
    ChoiceSpec,
    DiscreteSpec,
    IntegerSpec,
    OrdinalSpec,
    SwitchSpec,
)
from parsl_sa.spec.empirical import EmpiricalSpec
from parsl_sa.spec.fields import Number
from parsl_sa.spec.parameter import ParameterSpec
from parsl_sa.spec.scipy_family import ScipySpec


class ConstantSpec(ParameterSpec):
    """A fixed value: a model input, but not an uncertain one."""

    distribution: Literal["constant"] = Field(description="Kind of distribution.")
    value: Number = Field(description="The value in every row.")


class JointSpec(ParameterSpec):
    """No distribution of its own: `inputs.dependence` draws it with others, from a table or a simplex."""

    distribution: Literal["joint"] = Field(description="Kind of distribution.")


AnyParameter = (
    UniformSpec
    | LogUniformSpec
    | NormalSpec
    | TruncatedNormalSpec
    | LogNormalSpec
    | TriangularSpec
    | BetaSpec
    | ScipySpec
    | EmpiricalSpec
    | IntegerSpec
    | ChoiceSpec
    | DiscreteSpec
    | CategoricalSpec
    | OrdinalSpec
    | ConstantSpec
    | JointSpec
    | SwitchSpec
)

PARAMETER_KINDS: dict[str, type[ParameterSpec]] = {
    get_args(kind.model_fields["distribution"].annotation)[0]: kind for kind in get_args(AnyParameter)
}
