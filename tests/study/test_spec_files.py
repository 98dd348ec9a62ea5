"""What a script can do with a spec file, a study directory and its results."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

import parsl_sa
from parsl_sa import Results, Study
from parsl_sa.errors import SpecError, StudyError
from parsl_sa.jsonfile import write_json
from parsl_sa.launch.planning import read_spec
from parsl_sa.study import existing, finished, new_directory
from support.small_study import MODEL, SPEC, edited, run_here, write_study

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from parsl_sa.studydir import StudyDir


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyDir:
    """Return a finished study; its spec is beside its directory."""
    base = tmp_path_factory.mktemp("study")
    return run_here(write_study(base), base / "run")


def place_of(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(SpecError) as caught:
        call()
    (fault,) = caught.value.faults
    return fault.place, fault.message


class TestResults:
    def test_a_dataset_an_output(self, study: StudyDir) -> None:
        results = Results.open(study.root)
        assert results.names == ["CL", "cp"]
        assert results["CL"]["ST"].dims == ("parameter",)
        assert results["cp"]["ST"].dims == ("parameter", "x")
        assert results["CL"]["ST"].to_series().index.tolist() == ["alpha", "mach"]
        assert repr(results) == "<Results of wing: CL, cp; n = 128 of 128>"

    def test_where_it_came_from(self, study: StudyDir) -> None:
        attrs = Results.open(str(study.root)).attrs
        assert json.loads(attrs["spec"])["name"] == "wing"
        assert (attrs["seed"], attrs["n_planned"], attrs["n_used"], attrs["dropped"]) == (0, 128, 128, [])
        assert set(attrs["model_hashes"]) == {"model.py", "(weights)"}
        assert attrs["versions"]["parsl-sa"]
        assert attrs["finished"] is True

    def test_a_table(self, study: StudyDir) -> None:
        frame = Results.open(study.root).to_dataframe()
        lift = frame[frame["output"] == "CL"].set_index("parameter")
        assert lift.loc["alpha", "ST"] == pytest.approx(float(Results.open(study.root)["CL"]["ST"][0]))
        assert np.isfinite(lift.loc["", "mean"])

    def test_a_store_that_is_gone_is_made_again_from_the_checkpoint(self, study: StudyDir) -> None:
        before = Results.open(study.root)["CL"].load()
        aside = study.results.rename(study.root / "aside")
        try:
            again = Results.open(study.root)
        finally:
            aside.rename(study.results)
        for name in before.data_vars:
            np.testing.assert_array_equal(again["CL"][name], before[name])

    def test_xarray_reads_them_without_us_and_without_a_warning(self, study: StudyDir) -> None:
        program = (
            "import sys, xarray\n"
            "ds = xarray.open_zarr(sys.argv[1], group='cp')\n"
            "print(sorted(ds.sizes.items()), ds.attrs['n_used'], 'parsl_sa' in sys.modules)\n"
            "print(float(ds['ST'].sel(parameter='alpha').max()))\n"
        )
        words = [sys.executable, "-W", "error", "-c", program, str(study.results)]
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=100)
        assert done.stderr == ""
        shape, value = done.stdout.splitlines()
        assert shape == "[('look', 8), ('parameter', 2), ('x', 3)] 128 False"
        assert float(value) == float(Results.open(study.root)["cp"]["ST"].sel(parameter="alpha").max())

    def test_a_directory_without_a_study(self, tmp_path: Path) -> None:
        assert place_of(lambda: Results.open(tmp_path)) == (
            str(tmp_path),
            (
                "is not a study directory (no spec.json and journal.jsonl); "
                "give the one that parsl-sa launch named"
            ),
        )
        with pytest.raises(SpecError):
            existing(tmp_path / "nowhere")


class TestLaunch:
    def test_a_finished_study_is_not_run_again(
        self, study: StudyDir, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("parsl_sa.study.study.run", lambda *_: pytest.fail("it was run"))
        results = Study.load(study.root.parent / "spec.json").launch(study.root)
        assert results.attrs["n_used"] == 128

    def test_another_study_is_refused(self, study: StudyDir, tmp_path: Path) -> None:
        other = Study.load(write_study(tmp_path, edited(("design.n", 256))))
        place, message = place_of(lambda: other.launch(study.root))
        assert place == str(study.root)
        assert message.startswith("holds another study")

    @pytest.mark.parametrize(
        ("edit", "same"),
        [
            (("farm.clients.ranks", 2), True),
            (("stop", {"budget": {"seconds": 5}}), True),
            (("inputs.parameters.0.high", 2.0), False),
            (("outputs.0.select", "CD"), False),
            (("model.dtype", "float64"), False),
        ],
    )
    def test_a_study_is_what_its_results_depend_on(
        self, study: StudyDir, tmp_path: Path, edit: tuple[str, object], same: bool
    ) -> None:
        spec = write_study(tmp_path, edited(edit))
        if same:
            assert finished(read_spec(spec), study.root) == study
        else:
            assert "another study" in place_of(lambda: finished(read_spec(spec), study.root))[1]

    def test_another_model_makes_another_study(self, study: StudyDir, tmp_path: Path) -> None:
        spec = write_study(tmp_path, SPEC, MODEL.replace("0.1", "0.2"))
        assert "model.py changed" in place_of(lambda: finished(read_spec(spec), study.root))[1]

    def test_a_free_place_is_none(self, study: StudyDir, tmp_path: Path) -> None:
        assert finished(read_spec(study.root.parent / "spec.json"), tmp_path / "new") is None
        assert not (tmp_path / "new").exists()

    @pytest.mark.parametrize(("code", "kind"), [(2, SpecError), (4, StudyError)])
    def test_a_run_that_failed_raises_its_reason(
        self,
        study: StudyDir,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        code: int,
        kind: type[Exception],
    ) -> None:
        where = run_here(study.root.parent / "spec.json", tmp_path / "run", leases=0)
        write_json(where.status, {"stage": "failed", "reason": "no address that nodes can reach"})
        monkeypatch.setattr("parsl_sa.study.study.finished", lambda *_: None)
        monkeypatch.setattr("parsl_sa.launch.planning.prepare_spec", lambda *_, **__: where)
        monkeypatch.setattr("parsl_sa.study.study.run", lambda *_: code)
        with pytest.raises(kind, match="no address that nodes can reach"):
            Study.load(where.spec).launch(where.root)

    def test_a_faulty_spec_is_refused_when_it_is_loaded(self, tmp_path: Path) -> None:
        spec = write_study(tmp_path, edited(("design.n", -1), ("farm.site", "mars")))
        with pytest.raises(SpecError) as caught:
            Study.load(spec)
        assert [fault.place for fault in caught.value.faults] == ["design.n", "farm.site"]


class TestNewDirectory:
    def test_numbers_go_on_after_the_largest(self, tmp_path: Path) -> None:
        assert new_directory("wing", tmp_path) == tmp_path / "wing-001"
        for name in ("wing-001", "wing-007", "wing-x", "wing-2-099", "wing-12"):
            (tmp_path / name).mkdir()
        assert new_directory("wing", tmp_path) == tmp_path / "wing-008"
        assert new_directory("wing-2", tmp_path) == tmp_path / "wing-2-100"

    def test_names_are_no_patterns(self, tmp_path: Path) -> None:
        (tmp_path / "wxng-005").mkdir()
        assert new_directory("w.ng", tmp_path) == tmp_path / "w.ng-001"


def test_the_package_offers_study_and_results_and_is_light() -> None:
    assert set(parsl_sa.__all__) >= {"Study", "Results"}
    program = (
        "import sys, parsl_sa; print([name for name in ('torch', 'parsl', 'numba') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[]\n"
