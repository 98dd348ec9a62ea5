"""A site's own arithmetic: walltimes, when a block takes no more work, which address it has."""

from __future__ import annotations

import socket

import pytest

from parsl_sa.errors import SpecError
from parsl_sa.execution import site as module
from parsl_sa.execution.site import Blocks, Site, walltime_s


def made(**changes: object) -> Site:
    plain = {"name": "x", "description": "", "verified_on": "", "source": "", "provider": "slurm"}
    return Site.model_validate(plain | changes)


def test_seconds_of_a_walltime_are_not_counted_since_slurm_is_asked_for_minutes() -> None:
    from parsl.utils import wtime_to_minutes

    for walltime in ("00:01:00", "00:10:59", "01:30:00", "100:00:00"):
        assert walltime_s(walltime) == 60 * wtime_to_minutes(walltime)


@pytest.mark.parametrize("walltime", ["00:01:00", "00:10:00", "24:00:00"])
@pytest.mark.parametrize("margin_s", [0.0, 30.0])
def test_a_block_takes_no_more_work_before_its_clients_leave(walltime: str, margin_s: float) -> None:
    site = made(walltime_margin_s=margin_s, clients=Blocks(walltime=walltime))
    drain_s, leaving_s = site.drain_s(), walltime_s(walltime) - margin_s
    assert drain_s is not None
    assert 0.5 * leaving_s < drain_s < leaving_s


def test_a_local_block_never_stops_taking_work() -> None:
    assert made(provider="local").drain_s() is None


def test_cores_are_those_of_the_node_or_else_of_this_process() -> None:
    import os

    assert made(cores_per_node=48).cores() == 48
    assert made().cores() == len(os.sched_getaffinity(0))


def test_an_address_that_only_this_host_reaches_is_no_address_of_a_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "gethostbyname", lambda name: "127.0.1.1")
    with pytest.raises(SpecError, match=r"farm\.options\.address: .*127\.0\.1\.1.*interface:NAME"):
        made(address="hostname").own_address()
    assert made(address="hostname", provider="local").own_address() == "127.0.1.1"
    assert made(address="127.0.0.1").own_address() == "127.0.0.1", "said literally it is meant"
    monkeypatch.setattr(socket, "gethostbyname", lambda name: "10.1.2.3")
    monkeypatch.setattr(module, "_is_own", lambda address: True)
    assert made(address="hostname").own_address() == "10.1.2.3"


def test_an_address_of_another_host_is_refused_before_a_server_fails_on_it() -> None:
    # 192.0.2.0/24 is reserved for documentation: nobody has it.
    with pytest.raises(SpecError, match=r"farm\.options\.address: 192\.0\.2\.1 is no address of this host"):
        made(address="192.0.2.1").own_address()


def test_an_address_that_is_none_says_what_would_be_one() -> None:
    with pytest.raises(SpecError, match=r"'interface:nosuch0' gives no address.*ip addr"):
        made(address="interface:nosuch0").own_address()
