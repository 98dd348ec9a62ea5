"""How many threads an inline study gets: what the user says, else what a trial shows to pay."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from parsl_sa.launch import trial
from support.inline_study import study_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("bundle_s", "asked", "tried", "chosen"),
    [
        ({1: 1e-3, 4: 1e-4}, None, [1], 1),  # over in less than a second: more is not tried
        ({1: 0.1, 4: 0.09}, None, [1, 4], 1),
        ({1: 0.1, 4: 0.03}, None, [1, 4], 4),
        ({1: 0.1, 4: 0.3}, None, [1, 4], 1),
        ({3: 0.1, 4: 0.03}, 3, [3], 3),
    ],
)
def test_threads_are_those_that_pay(
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bundle_s: dict[int, float],
    asked: int | None,
    tried: list[int],
    chosen: int,
) -> None:
    seen: list[int] = []

    def probe(spec: Any, ranks: int, threads: int) -> Any:
        assert ranks == 1
        seen.append(threads)
        plan = SimpleNamespace(n_bundles=384, threads=threads)
        return SimpleNamespace(plan=plan, figures={"bundle_s": bundle_s[threads]}, warnings=[], notes=[])

    monkeypatch.setattr("parsl_sa.client.probe.probe", probe)
    monkeypatch.setattr("parsl_sa.client.probe.save", lambda found, out: None)
    study = study_of(farm={"clients": {"threads": asked}})
    site: Any = SimpleNamespace(provider="none", cores=lambda: 4, name="inline")
    found = trial.try_model(study.spec, site, tmp_path)
    assert seen == tried
    assert found.plan.threads == chosen


def test_a_small_study_runs_with_one_thread() -> None:
    assert study_of().check()["threads"] == 1
