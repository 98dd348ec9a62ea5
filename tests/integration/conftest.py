"""The slow study, run once a session without any disturbance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.requirements import require_module, require_program
from support.slow_study import SlowStudy, undisturbed_of_session

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session", autouse=True)
def _needs_mpi() -> None:
    require_module("mpi4py")
    require_program("mpiexec")


@pytest.fixture(scope="session")
def slow(tmp_path_factory: pytest.TempPathFactory) -> SlowStudy:
    """Return the slow study with its undisturbed run."""
    return undisturbed_of_session(tmp_path_factory)


@pytest.fixture
def where(tmp_path: Path) -> Path:
    """Return the place of a new study directory."""
    return tmp_path / "study"
