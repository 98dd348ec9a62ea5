"""What every shipped site preset promises; a new file in configs/clusters is tested by being there."""

from __future__ import annotations

import ast
import datetime as dt
import json
import re
from pathlib import Path

import pytest

from parsl_sa.execution.mpi import launch_prefix
from parsl_sa.execution.options import with_options
from parsl_sa.execution.parsl_config import CLIENTS, REDUCER, parsl_config
from parsl_sa.execution.presets import presets, read_site
from parsl_sa.execution.site import Site, walltime_s

CLUSTERS = Path(__file__).parents[2] / "configs" / "clusters"
FILES = sorted(CLUSTERS.glob("*.json"))
# What belongs to somebody: home and work directories, addresses of people, projects that are charged.
PERSONAL = re.compile(r"/(home|users?|work|scratch|lustre|gpfs)/\w|~/|@\w+\.\w|#SBATCH\s+(-A|--account)")


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def site(path: Path) -> Site:
    return read_site(path)


def test_there_are_presets_to_test() -> None:
    assert {"local", "slurm"} <= {file.stem for file in FILES}


def test_it_is_found_by_its_name(path: Path) -> None:
    assert presets()[path.stem].name == path.name


def test_it_says_when_and_where_its_facts_were_found(site: Site) -> None:
    assert site.description
    assert "\n" not in site.description
    assert site.source, "where do the facts come from?"
    if site.verified_on:
        verified = dt.date.fromisoformat(site.verified_on)
        assert verified.year >= 2025


def test_it_belongs_to_nobody(path: Path, site: Site) -> None:
    assert not PERSONAL.search(path.read_text())
    assert site.account is None, "an account is the user's: farm.options.account"


def test_every_field_is_spelled_as_the_site_reads_it(path: Path) -> None:
    """A preset is what users copy: it holds no value that its reader would have to convert."""
    assert Site.model_validate_json(path.read_text(), strict=True) == read_site(path)
    assert json.loads(path.read_text())["name"] == path.stem


def test_it_makes_a_configuration_where_there_is_no_scheduler(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reachable = site.model_copy(update={"address": "127.0.0.1"})
    config = parsl_config(reachable, 2, tmp_path)
    assert [executor.label for executor in config.executors] == [CLIENTS, REDUCER]
    assert list(tmp_path.iterdir()) == [], "nothing is started or written"
    ast.parse(re.sub(r"<[^<>]* object at 0x[0-9a-f]+>", "None", repr(config)))


def test_its_blocks_are_sane(site: Site) -> None:
    for blocks in (site.clients, site.reducer):
        assert 600 <= walltime_s(blocks.walltime) <= 100 * 3600
        assert 1 <= blocks.max_blocks <= 100
    assert site.reducer.max_blocks == 1
    assert walltime_s(site.reducer.walltime) >= walltime_s(site.clients.walltime), (
        "clients that outlive the reducer's block wait for the next one"
    )


def test_its_times_fit_together(site: Site) -> None:
    assert site.heartbeat_threshold_s >= 3 * site.heartbeat_period_s
    drain_s = site.drain_s()
    if drain_s is not None:
        assert drain_s < walltime_s(site.clients.walltime) - site.walltime_margin_s
        assert site.queue_poll_s >= 30, "schedulers of shared machines are asked sparingly"
        assert site.queue_grace_s >= 7 * 24 * 3600, "queues are longer than anybody's patience"
        assert site.idle_s >= 120, "a block that waits for the reducer is not given back"


def test_its_ranks_are_started_by_a_launcher_of_its_provider(site: Site) -> None:
    assert site.launch.kind != "srun" or site.provider == "slurm"
    assert launch_prefix(site.launch, 2)[-1] != ""


def test_it_takes_the_options_of_its_provider(site: Site) -> None:
    assert with_options(site, {"cores_per_node": 2}).cores() == 2
