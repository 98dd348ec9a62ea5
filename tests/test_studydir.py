"""The study directory: made once, read whatever was torn, held by one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from parsl_sa.arrays import checksum
from parsl_sa.errors import SpecError, StudyError
from parsl_sa.jsonfile import append_record, write_json
from parsl_sa.studydir import StudyDir, read_plan
from support.plans import tiny_plan


@pytest.fixture
def study(tmp_path: Path) -> StudyDir:
    """A directory just made."""
    made = StudyDir(tmp_path / "above" / "study")
    made.create()
    return made


def refusal(directory: StudyDir) -> str:
    with pytest.raises(SpecError) as caught:
        directory.create()
    (fault,) = caught.value.faults
    assert fault.place == str(directory.root)
    return fault.message


class TestCreate:
    def test_a_new_one_has_an_identifier_and_is_no_study_before_its_spec(self, study: StudyDir) -> None:
        assert sorted(path.name for path in study.root.iterdir()) == ["journal.jsonl", "logs"]
        (record,) = study.read_journal()
        assert (record["record"], record["id"]) == ("study", study.study_id())
        assert len(study.study_id()) == 32
        assert not study.exists()
        study.spec.write_text("{}")
        assert study.exists()

    def test_an_empty_directory_will_do(self, tmp_path: Path) -> None:
        StudyDir(tmp_path).create()
        assert StudyDir(tmp_path).study_id()

    def test_identifiers_differ(self, tmp_path: Path) -> None:
        made = [StudyDir(tmp_path / name) for name in "ab"]
        for one in made:
            one.create()
        assert made[0].study_id() != made[1].study_id()

    def test_an_occupied_one_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").touch()
        assert (
            refusal(StudyDir(tmp_path)) == "is not empty and holds no study; choose another directory (--dir)"
        )
        assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]

    def test_one_with_a_study_names_resume(self, study: StudyDir) -> None:
        study.spec.write_text("{}")
        assert f"parsl-sa resume {study.root}" in refusal(study)

    @pytest.mark.parametrize("below", ["", "deep/er"])
    def test_a_file_is_no_place(self, tmp_path: Path, below: str) -> None:
        (tmp_path / "file").touch()
        assert "is a file, not a directory" in refusal(StudyDir(tmp_path / "file" / below))

    def test_what_cannot_be_written(self, tmp_path: Path) -> None:
        assert refusal(StudyDir(Path("/proc/study"))).startswith("cannot be made: ")

    def test_asking_whether_it_is_free_makes_nothing(self, tmp_path: Path) -> None:
        StudyDir(tmp_path / "deep" / "study").require_free()
        assert list(tmp_path.iterdir()) == []


class TestJournal:
    def test_records_come_back_in_order(self, study: StudyDir) -> None:
        for number in range(3):
            append_record(study.journal, {"record": "fold", "number": number})
        assert [record.get("number") for record in study.read_journal()] == [None, 0, 1, 2]

    @pytest.mark.parametrize(
        "torn", [b"{", b'{"record":"fold","nu', b'{"record":"fold","number":9}', b"\xff"]
    )
    def test_a_torn_last_line_is_cut_off_for_good(self, study: StudyDir, torn: bytes) -> None:
        """Even a line that reads well: without its newline it may be half of a longer number."""
        append_record(study.journal, {"record": "fold", "number": 1})
        whole = study.journal.read_bytes()
        study.journal.write_bytes(whole + torn)
        assert [record.get("number") for record in study.read_journal()] == [None, 1]
        assert study.journal.read_bytes() == whole + torn, "to a reader it may be a line being written"
        assert [record.get("number") for record in study.read_journal(repair=True)] == [None, 1]
        assert study.journal.read_bytes() == whole
        append_record(study.journal, {"record": "fold", "number": 2})
        assert [record.get("number") for record in study.read_journal()] == [None, 1, 2]

    def test_damage_before_the_end_is_no_crash(self, study: StudyDir) -> None:
        study.journal.write_bytes(b"{torn}\n" + study.journal.read_bytes())
        with pytest.raises(StudyError, match="damaged"):
            study.read_journal()

    def test_no_journal_no_study(self, tmp_path: Path) -> None:
        with pytest.raises(StudyError, match="no study here"):
            StudyDir(tmp_path).read_journal()


class TestLock:
    def test_one_holder_at_a_time(self, study: StudyDir) -> None:
        with study.lock() as first:
            assert first
            with study.lock() as second:
                assert not second
            with study.lock("another") as other:
                assert other
        with study.lock() as again:
            assert again

    def test_another_process_is_kept_out_and_death_frees(self, study: StudyDir) -> None:
        program = (
            "import sys\n"
            "from pathlib import Path\n"
            "from parsl_sa.studydir import StudyDir\n"
            "with StudyDir(Path(sys.argv[1])).lock() as free:\n"
            "    print(free, flush=True)\n"
            "    sys.stdin.read()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program, str(study.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "True\n"
            with study.lock() as free:
                assert not free
            holder.kill()
            holder.wait()
        with study.lock() as free:
            assert free


class TestFiles:
    def test_status_and_jobs_are_empty_where_there_are_none(self, study: StudyDir) -> None:
        assert study.read_status() == study.read_jobs() == {}
        write_json(study.status, {"stage": "running"})
        assert study.read_status() == {"stage": "running"}
        study.jobs.write_text("{torn")
        assert study.read_jobs() == {}

    def test_a_plan_comes_back(self, study: StudyDir) -> None:
        write_json(study.plan, tiny_plan().to_json())
        assert study.read_plan() == tiny_plan()

    def test_a_plan_that_is_missing_or_damaged(self, study: StudyDir) -> None:
        with pytest.raises(StudyError, match="did not get as far as its probe"):
            study.read_plan()
        for damaged in ("{", "[]", "{}", json.dumps({**tiny_plan().to_json(), "lease": 1})):
            study.plan.write_text(damaged)
            with pytest.raises(StudyError, match="damaged plan"):
                read_plan(study.plan)

    def test_pivots_are_those_of_the_plan(self, study: StudyDir) -> None:
        pivots = np.array([1.5, -2.0])
        np.save(study.pivots, pivots)
        write_json(study.plan, {**tiny_plan().to_json(), "pivots_digest": checksum(pivots)})
        np.testing.assert_array_equal(study.read_pivots(), pivots)
        np.save(study.pivots, pivots + 1)
        with pytest.raises(StudyError, match="is not the file that the plan was frozen with"):
            study.read_pivots()

    def test_every_path_lies_inside(self, study: StudyDir) -> None:
        paths = [
            value
            for name in dir(StudyDir)
            if isinstance(getattr(StudyDir, name), property) and name != "truth"
            if isinstance(value := getattr(study, name), Path)
        ]
        paths += [study.checkpoints(0), study.checkpoints(1), study.run(1), study.run(2)]
        assert len(paths) > 10
        assert all(path.is_relative_to(study.root) for path in paths)
        assert len(set(paths)) == len(paths)

    def test_truth_stands_beside_the_model(self, study: StudyDir, tmp_path: Path) -> None:
        study.spec.write_text(json.dumps({"model": {"path": f"{tmp_path / 'app' / 'model.py'}:load"}}))
        assert study.truth == tmp_path / "app" / "truth.json"
