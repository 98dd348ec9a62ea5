"""Rules for the whole suite: nothing survives a test, and CI may not skip what it installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

from support import leaks
from support.requirements import skip_is_failure

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

pytest_plugins = ["pytester"]

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def pytest_sessionstart() -> None:
    """Mark the environment before any test starts a process."""
    leaks.mark_session()


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a process, a user thread, a listening socket or a loaded Parsl behind.

    It is set up after session and module fixtures and torn down after the test's own, so it judges
    what the test and its function fixtures did.
    """
    before = leaks.Snapshot.take()
    yield
    if leaks.leaked(before) and (found := leaks.leaked_after_grace(before, leaks.GRACE_S)):
        leaks.end_leftovers(before)
        pytest.fail("left behind by this test:\n  " + "\n  ".join(found), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Apply the rule of `promised` to the skip of a test."""
    return promised((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Apply the rule of `promised` to the skip of a whole module."""
    return promised((yield))


def promised(report: Report) -> Report:
    """Turn a skip into a failure where the part that it misses was promised to be installed."""
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if skip_is_failure(reason):
            report.outcome = "failed"
            report.longrepr = f"{report.nodeid} was skipped where nothing may be missing: {reason}"
    return report
