from __future__ import annotations

from typing import TYPE_CHECKING

from parsl_sa import Results
from parsl_sa.jsonfile import write_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from parsl_sa.studydir import StudyDir
    from support.runs import Ended

    Say = Callable[..., Ended]


def test_the_command_writes_the_page_and_names_it(say: Say, finished: StudyDir) -> None:
    ended = say("report", str(finished.root))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"report: {finished.report / 'index.html'}\n"
    page = (finished.report / "index.html").read_text(encoding="utf-8")
    assert "<h1>wing</h1>" in page
    assert "alpha explains" in page
    assert 'class="unfinished"' not in page


def test_an_unfinished_study_has_a_report_that_says_so(say: Say, stopped: StudyDir, tmp_path: Path) -> None:
    ended = say("report", str(stopped.root), "--to", str(tmp_path / "else"))
    assert ended.code == 0, ended.err
    assert ended.err.startswith("unfinished: n = 64 of 128")
    assert ended.out == f"report: {tmp_path / 'else' / 'index.html'}\n"
    assert (tmp_path / "else" / "indices.csv").is_file()
    page = (tmp_path / "else" / "index.html").read_text(encoding="utf-8")
    assert 'class="unfinished"' in page
    assert "64 of 128 bundles (50 %)" in page


def test_results_write_it_with_what_is_known_of_the_run(finished: StudyDir, tmp_path: Path) -> None:
    known = finished.read_status()
    write_json(finished.status, known | {"other_bits": 3})
    try:
        page = Results.open(finished.root).report(tmp_path / "report")
    finally:
        write_json(finished.status, known)
    assert page == tmp_path / "report" / "index.html"
    assert "3 leases computed a second time" in page.read_text(encoding="utf-8")


def test_a_folder_without_a_study_is_refused(say: Say, tmp_path: Path) -> None:
    assert say("report", str(tmp_path)).code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_study_without_anything_durable_is_refused(say: Say, begun: StudyDir) -> None:
    ended = say("report", str(begun.root))
    assert ended.code == 4
    assert "no checkpoint yet" in ended.err
    assert not begun.report.exists()
