"""The cluster that the tests of this folder share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.requirements import require_program
from support.slurm_cluster import PROGRAMS, SlurmCluster

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def slurm_cluster() -> Iterator[SlurmCluster]:
    """A Slurm of four nodes, started once; a test that harms it starts its own."""
    require_program(*PROGRAMS)
    with SlurmCluster() as cluster:
        yield cluster
