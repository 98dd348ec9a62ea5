"""Errors say where and what, and end a command with the status that its users are promised."""

from __future__ import annotations

import inspect
import pickle

import pytest

from parsl_sa import errors
from parsl_sa.errors import Fault, ModelError, ParslSaError, SpecError, StudyError

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value)
    and issubclass(value, Exception)
    and not issubclass(value, Warning)
    and value.__module__ == errors.__name__
]


def test_a_fault_names_its_place() -> None:
    assert str(Fault("inputs.parameters[2].high", "must exceed low")) == (
        "inputs.parameters[2].high: must exceed low"
    )
    assert str(Fault("", "no design")) == "no design"


def test_an_error_of_a_spec_holds_every_fault() -> None:
    error = SpecError([Fault("name", "is missing"), Fault("design.n", "must be at least 1")])
    assert str(error) == "name: is missing\ndesign.n: must be at least 1"
    assert [fault.place for fault in error.faults] == ["name", "design.n"]


def test_an_error_of_a_model_is_one_of_the_spec() -> None:
    error = ModelError("model.path", "no file")
    assert isinstance(error, SpecError)
    assert error.faults == (Fault("model.path", "no file"),)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_ours_and_ends_with_2_or_4(kind: type[ParslSaError]) -> None:
    assert issubclass(kind, ParslSaError)
    assert kind.exit_code in {2, 4}
    assert kind.__doc__


def test_exit_codes() -> None:
    assert (SpecError.exit_code, ModelError.exit_code, StudyError.exit_code) == (2, 2, 4)


@pytest.mark.parametrize(
    "error", [SpecError([Fault("a", "b")]), ModelError("model", "raises"), StudyError("died")]
)
def test_errors_come_back_from_other_processes(error: ParslSaError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
