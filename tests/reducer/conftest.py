"""A study directory with its plan, made once for the tests of the reducer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.slow_study import prepare

if TYPE_CHECKING:
    from parsl_sa.studydir import StudyDir


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyDir:
    """Return a study whose plan has leases of 16 bundles in 8 lanes."""
    return prepare(tmp_path_factory.mktemp("prepared"))
