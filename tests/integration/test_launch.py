"""The command on the Ishigami study, whose answer is known, and what it looks like from outside meanwhile."""

from __future__ import annotations

import json
import math
import re
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zmq
import zmq.auth

from parsl_sa import Results, Study
from parsl_sa.studydir import StudyDir
from support import processes
from support.runs import Ended, assert_nothing_runs, assert_same_results, called, launched, members, names_of
from support.slow_study import write_plan, write_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.runs import Run
    from support.slow_study import SlowStudy

pytestmark = [pytest.mark.mpi, pytest.mark.slow, pytest.mark.timeout(400)]

ISHIGAMI = Path(__file__).parents[2] / "apps" / "ishigami"


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyDir, Ended]:
    """Launch the Ishigami study as its README says."""
    directory = tmp_path_factory.mktemp("ishigami") / "study"
    words = ("launch", str(ISHIGAMI / "spec.json"), "--dir", str(directory))
    with launched(directory, *words) as run:
        ended = run.finish()
        assert ended.code == 0, run.account()
        assert_nothing_runs(run.study)
    return run.study, ended


def test_indices_are_within_their_intervals_of_the_exact_ones(launch: tuple[StudyDir, Ended]) -> None:
    study, _ = launch
    shown = called("results", str(study.root), "--json")
    assert shown.code == 0, shown.err
    told = json.loads(shown.out)
    assert told["n_used"] == told["n_planned"] == 4096
    results = Results.open(study.root)
    exact = json.loads((ISHIGAMI / "truth.json").read_text())["y"]
    for index in ("S1", "ST"):
        for name, value in exact[index].items():
            at = results["y"].sel(parameter=name)
            # 6 intervals of 95 %; 1.5 half widths are 99.4 % of a t distribution with 15 degrees of freedom
            assert abs(at[index] - value) <= 1.5 * at[f"{index}_conf"], (index, name)
            assert at[f"{index}_conf"] < 0.05
    assert abs(results["y"]["mean"] - exact["mean"]) <= 1.5 * results["y"]["mean_conf"]


def test_what_a_launch_prints_ends_with_indices_truth_and_paths(launch: tuple[StudyDir, Ended]) -> None:
    study, ended = launch
    assert re.search(r"x2\s+0\.44\d* ± 0\.0", ended.out)
    assert ended.out.count(" yes") == 8
    assert str(study.results) in ended.out
    page = study.report / "index.html"
    assert ended.out.endswith(f"report: {page}\n")
    assert "<h1>ishigami</h1>" in page.read_text(encoding="utf-8")
    assert (study.report / "indices.png").read_bytes().startswith(b"\x89PNG")
    assert "done, 4,096 of 4,096 bundles" in ended.err


def test_no_output_of_the_model_is_kept_in_any_file(launch: tuple[StudyDir, Ended]) -> None:
    study, _ = launch
    files = [path for path in study.root.rglob("*") if path.is_file() and study.report not in path.parents]
    sizes = {path: path.stat().st_size for path in files}
    outputs_bytes = 4096 * 8 * 8
    assert max(sizes.values()) < outputs_bytes / 4, sizes
    assert sum(sizes.values()) < outputs_bytes / 2


def test_what_only_a_run_needs_is_gone_after_it(launch: tuple[StudyDir, Ended]) -> None:
    study, _ = launch
    assert not study.runs.exists()
    assert not list(study.root.rglob("*.pipe"))


def test_keys_are_for_their_owner_alone(launch: tuple[StudyDir, Ended]) -> None:
    study, _ = launch
    assert stat.S_IMODE(study.keys.stat().st_mode) == 0o700
    secrets = list(study.root.rglob("*.key_secret"))
    assert secrets
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
    assert {stat.S_IMODE(path.parent.stat().st_mode) for path in secrets} == {0o700}


def test_a_second_launch_of_a_finished_study_shows_it(launch: tuple[StudyDir, Ended]) -> None:
    study, _ = launch
    files = [study.events, study.journal, *study.results.rglob("*")]
    before = {path: path.stat().st_mtime for path in files}
    again = called("launch", str(ISHIGAMI / "spec.json"), "--dir", str(study.root))
    assert again.code == 0, again.err
    assert "finished" in again.err
    assert re.search(r"x2\s+0\.44", again.out)
    resumed = called("resume", str(study.root))
    assert (resumed.code, "finished" in resumed.err) == (0, True)
    assert {path: path.stat().st_mtime for path in files} == before  # nothing was started


def test_another_study_does_not_go_into_its_directory(
    launch: tuple[StudyDir, Ended], slow: SlowStudy
) -> None:
    study, _ = launch
    refused = called("launch", str(slow.spec), "--dir", str(study.root))
    assert refused.code == 2
    assert "another study" in refused.err


def test_status_and_csv_of_a_finished_study(launch: tuple[StudyDir, Ended]) -> None:
    study, _ = launch
    status = json.loads(called("status", str(study.root), "--json").out)
    assert (status["stage"], status["folded"], status["dropped"]) == ("done", 4096, 0)
    assert "done" in called("status", str(study.root)).out
    lines = called("results", str(study.root), "--csv").out.splitlines()
    assert {"output", "parameter", "S1", "ST_conf"} <= set(lines[0].split(","))
    assert sum(line.startswith("y,x3,") for line in lines) == 1


def test_python_launches_and_opens_the_same_study(launch: tuple[StudyDir, Ended], tmp_path: Path) -> None:
    study, _ = launch
    seen: list[dict[str, Any]] = []
    results = Study.load(ISHIGAMI / "spec.json").launch(
        tmp_path / "study", site="local", plan=study.plan, watch=seen.append
    )
    assert repr(results) == "<Results of ishigami: y; n = 4096 of 4096>"
    assert_same_results(tmp_path / "study", study.root)
    assert {"starting", "done"} <= {status["stage"] for status in seen}
    assert_nothing_runs(StudyDir(tmp_path / "study"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Keep a study running while the tests of this module look at it."""
    folder = tmp_path_factory.mktemp("watched")
    directory = folder / "study"
    spec = write_spec(folder / "spec", design={"n": 768 * 64, "replicates": 768})
    plan = write_plan(spec)
    words = ("launch", str(spec), "--dir", str(directory), "--plan", str(plan), "--plain")
    with launched(directory, *words) as run:
        run.until(lambda: run.study.read_status().get("folded"), what="anything folded")
        yield run


def test_a_run_is_parsl_pools_mpiexec_two_ranks_and_one_reducer(running: Run) -> None:
    cast = members(running.study)
    counts = {role: len(found) for role, found in cast.items()}
    assert counts["coordinator"] == 1
    assert counts["interchange"] == 2
    assert counts["pool"] == 2
    assert counts["mpiexec"] == 1
    assert counts["rank"] == 2
    assert counts["reducer"] == 1
    pools = {pid for process in cast["pool"] for pid in [process.pid, *processes.ancestors(process.pid)]}
    for program in (*cast["mpiexec"], *cast["reducer"]):
        assert pools & set(processes.ancestors(program.pid)), "it was not started from a worker of Parsl"


def test_a_socket_without_a_key_of_the_study_gets_nothing(running: Run) -> None:
    words = running.member("rank").cmdline()
    address = words[words.index("--coordinator") + 1]
    header = {"study": running.study.study_id(), "epoch": 1, "kind": "client-beat", "holding": []}
    stranger_key = zmq.curve_keypair()
    server_key, _ = zmq.auth.load_certificate(running.study.keys / "certificates" / "server.key")
    context = zmq.Context()
    try:
        for curve in (False, True):
            dealer = context.socket(zmq.DEALER)
            dealer.setsockopt(zmq.LINGER, 0)
            dealer.setsockopt(zmq.ROUTING_ID, b"client-1-1")
            if curve:
                dealer.curve_publickey, dealer.curve_secretkey = stranger_key
                dealer.curve_serverkey = server_key
            dealer.connect(address)
            dealer.send(json.dumps(header).encode())
            assert dealer.poll(1500) == 0
            dealer.close()
    finally:
        context.term()
    host, port = address.removeprefix("tcp://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=2) as plain:
        plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
        plain.settimeout(1.5)
        greeting = b""
        try:
            while chunk := plain.recv(4096):
                greeting += chunk
        except (TimeoutError, ConnectionError):
            pass
    assert len(greeting) <= 64  # what ZeroMQ says to anybody, before it knows whom it talks to
    before = running.study.read_status()["folded"]
    running.until(lambda: running.study.read_status()["folded"] > before, what="progress, undisturbed")


def test_a_running_study_is_not_run_twice(running: Run) -> None:
    refused = called("resume", str(running.study.root))
    assert refused.code == 2
    assert "is being run by another process" in refused.err
    spec = running.study.root.parent / "spec" / "spec.json"
    again = called("launch", str(spec), "--dir", str(running.study.root))
    assert again.code == 2
    assert "unfinished" in again.err
    assert running.process.poll() is None
    assert names_of(running.study).count("client-died") == 0


def test_status_and_results_of_a_running_study(running: Run) -> None:
    running.until(lambda: running.study.read_status().get("replicates_closed", 0) >= 1, what="a replicate")
    running.until(
        lambda: running.study.read_status()["durable"] >= running.study.read_plan().replicate_bundles,
        what="a durable replicate",
    )
    status = json.loads(called("status", str(running.study.root), "--json").out)
    assert status["stage"] == "running"
    assert 0 < status["folded"] < status["n_bundles"]
    shown = called("status", str(running.study.root))
    assert "running" in shown.out
    assert "no sign of life" not in shown.out
    results = called("results", str(running.study.root), "--json")
    assert results.code == 0, results.err
    assert "unfinished" in results.err
    told = json.loads(results.out)
    assert 0 < told["n_used"] < told["n_planned"]
    rows = called("results", str(running.study.root), "--csv").out.splitlines()
    assert len(rows) > 1
    assert not math.isnan(Results.open(running.study.root)["y"]["mean"].item())
