"""`farm.options`: every fault in the user's words, and every option where it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from parsl_sa.errors import SpecError
from parsl_sa.execution.options import LocalOptions, SlurmOptions, with_options
from parsl_sa.execution.presets import presets, read_site

if TYPE_CHECKING:
    from parsl_sa.execution.site import Site

FAULTS = [
    ({"walltime": "10 min"}, "farm.options.walltime: must be HH:MM:SS, such as 01:30:00; it is '10 min'"),
    ({"walltime": "1:75:00"}, "farm.options.walltime: must be HH:MM:SS"),
    ({"walltime": "00:00:59"}, "farm.options.walltime: must be one minute or more"),
    ({"walltime": 600}, "farm.options.walltime: must be a text in double quotes; it is 600"),
    ({"walltime": "00:01:00"}, "farm.options.walltime: ends before clients could work: they leave 60 s"),
    ({"reducer_walltime": "soon"}, "farm.options.reducer_walltime: must be HH:MM:SS"),
    ({"max_blocks": 0}, "farm.options.max_blocks: must be at least 1; it is 0"),
    ({"max_blocks": 2.5}, "farm.options.max_blocks: must be a whole number; it is 2.5"),
    ({"wallclock": "01:00:00"}, "farm.options.wallclock: unknown key. Known keys: "),
    ({"max_block": 2}, "farm.options.max_block: unknown key; did you mean 'max_blocks'? Known keys: "),
    ({"partition": 3}, "farm.options.partition: must be a text in double quotes; it is 3"),
    ({"exclusive": "yes"}, "farm.options.exclusive: must be true or false; it is the text 'yes'"),
    ({"scheduler_options": "module load x"}, "farm.options.scheduler_options: must be directives"),
    ({"launch": {"kind": "slurm"}}, "farm.options.launch.kind: must be 'hydra', 'openmpi' or 'srun'; it is"),
    ({"launch": {"comand": "srun"}}, "farm.options.launch.comand: unknown key; did you mean 'command'?"),
    ({"queue_poll_s": 0}, "farm.options.queue_poll_s: must be greater than 0; it is 0"),
]


@pytest.fixture
def slurm() -> Site:
    return read_site(presets()["slurm"])


@pytest.fixture
def local() -> Site:
    return read_site(presets()["local"])


@pytest.mark.parametrize(("options", "text"), FAULTS)
def test_a_faulty_option_is_named_with_its_cure(slurm: Site, options: dict[str, Any], text: str) -> None:
    with pytest.raises(SpecError) as caught:
        with_options(slurm, options)
    assert str(caught.value).startswith(text)
    assert len(caught.value.faults) == 1


def test_all_faults_come_at_once(slurm: Site) -> None:
    with pytest.raises(SpecError) as caught:
        with_options(slurm, {"walltime": "x", "max_blocks": 0, "nosuch": 1})
    assert {fault.place for fault in caught.value.faults} == {
        "farm.options.walltime", "farm.options.max_blocks", "farm.options.nosuch",
    }  # fmt: skip


def test_an_option_of_batch_sites_on_a_local_one_says_so(local: Site) -> None:
    with pytest.raises(SpecError, match=r"farm\.options\.partition: .*batch system, and 'local' has none"):
        with_options(local, {"partition": "cpu", "cores_per_node": 2})
    assert with_options(local, {"cores_per_node": 3}).cores() == 3


def test_a_site_without_options_is_the_preset(slurm: Site) -> None:
    assert with_options(slurm, {}) == slurm


def test_every_option_changes_the_site(slurm: Site) -> None:
    """Each option with a value that no preset has ends up somewhere in the site."""
    values: dict[str, Any] = {
        "cores_per_node": 77, "launch": {"kind": "srun"}, "account": "a", "partition": "p", "qos": "q",
        "constraint": "c", "walltime": "07:07:00", "reducer_walltime": "08:08:00",
        "walltime_margin_s": 7, "max_blocks": 77, "scheduler_options": "--gres=gpu:1", "exclusive": False,
        "worker_init": "module load x", "address": "10.0.0.1", "node_address": "interface:ib0",
        "queue_poll_s": 7,
    }  # fmt: skip
    assert set(values) == set(SlurmOptions.model_fields), "a new option wants a line here"
    assert set(LocalOptions.model_fields) < set(values)
    for name, value in values.items():
        assert with_options(slurm, {name: value}) != slurm, name


def test_walltimes_and_blocks_go_to_the_executor_they_are_of(slurm: Site) -> None:
    laid = with_options(slurm, {"walltime": "02:00:00", "reducer_walltime": "09:00:00", "max_blocks": 5})
    assert (laid.clients.walltime, laid.clients.max_blocks) == ("02:00:00", 5)
    assert (laid.reducer.walltime, laid.reducer.max_blocks) == ("09:00:00", 1)
    shared = with_options(slurm, {"walltime": "02:00:00"})
    assert shared.clients.walltime == shared.reducer.walltime == "02:00:00"


def test_directives_are_completed_and_added_to_those_of_the_preset(slurm: Site) -> None:
    preset = slurm.model_copy(
        update={"clients": slurm.clients.model_copy(update={"scheduler_options": "#SBATCH --hint=x"})}
    )
    laid = with_options(preset, {"scheduler_options": " --gres=gpu:1\n\n#SBATCH --mem=8G"})
    assert laid.clients.scheduler_options.splitlines() == [
        "#SBATCH --hint=x",
        "#SBATCH --gres=gpu:1",
        "#SBATCH --mem=8G",
    ]
    assert laid.reducer.scheduler_options.splitlines() == ["#SBATCH --gres=gpu:1", "#SBATCH --mem=8G"]
