"""What the user wrote: pydantic models of a spec, free of heavy imports."""

from __future__ import annotations

from parsl_sa.spec.advice import warnings
from parsl_sa.spec.design import (
    FEWEST_FOR_INTERVALS,
    SMALLEST_REPLICATE,
    SOBOL_DIMENSIONS,
    DesignSpec,
    replicate_plan,
)
from parsl_sa.spec.farm import BudgetSpec, ClientsSpec, FarmSpec, ReducerSpec, StopSpec
from parsl_sa.spec.files import load_spec, parse_spec
from parsl_sa.spec.grid import GridError, read_coordinate, read_weights
from parsl_sa.spec.inputs import InputsSpec
from parsl_sa.spec.model import ModelSpec
from parsl_sa.spec.outputs import OutputSpec
from parsl_sa.spec.parameter import ParameterSpec
from parsl_sa.spec.study import SPEC_VERSION, StudySpec, json_schema, resolved, science

__all__ = [
    "FEWEST_FOR_INTERVALS",
    "SMALLEST_REPLICATE",
    "SOBOL_DIMENSIONS",
    "SPEC_VERSION",
    "BudgetSpec",
    "ClientsSpec",
    "DesignSpec",
    "FarmSpec",
    "GridError",
    "InputsSpec",
    "ModelSpec",
    "OutputSpec",
    "ParameterSpec",
    "ReducerSpec",
    "StopSpec",
    "StudySpec",
    "json_schema",
    "load_spec",
    "parse_spec",
    "read_coordinate",
    "read_weights",
    "replicate_plan",
    "resolved",
    "science",
    "warnings",
]
