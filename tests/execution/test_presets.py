"""Presets are found in the user's directories first, then in the package; a broken one says where."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from parsl_sa.errors import SpecError
from parsl_sa.execution import presets as module
from parsl_sa.execution.presets import SITE_PATH, presets, read_site, site_of
from parsl_sa.spec import FarmSpec

if TYPE_CHECKING:
    from pathlib import Path

PLAIN: dict[str, Any] = {
    "name": "mine",
    "description": "My machine",
    "verified_on": "",
    "source": "its manual",
    "provider": "slurm",
}


def write(directory: Path, stem: str, **changes: Any) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / f"{stem}.json"
    path.write_text(json.dumps(PLAIN | {"name": stem} | changes))
    return path


def test_own_directories_come_first_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write(tmp_path / "a", "mine")
    write(tmp_path / "b", "mine")
    other = write(tmp_path / "b", "local", provider="local")
    monkeypatch.setenv(SITE_PATH, os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]))
    found = presets()
    assert found["mine"] == first
    assert found["local"] == other
    assert "slurm" in found, "the shipped ones stay"


def test_a_directory_that_is_none_is_not_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SITE_PATH, str(tmp_path / "nosuch"))
    with pytest.raises(SpecError, match=rf"{SITE_PATH}: .*nosuch' is no directory"):
        presets()


def test_shipped_presets_are_looked_for_in_the_wheel_and_in_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SITE_PATH, raising=False)
    in_wheel, in_repository = module.directories()
    assert in_wheel.parts[-3:] == ("parsl_sa", "_shipped", "clusters"), "as pyproject.toml ships them"
    assert (in_repository / "slurm.json").is_file()
    installed = write(tmp_path / "clusters", "installed")
    monkeypatch.setattr(module, "_SHIPPED", (tmp_path / "clusters", tmp_path / "nowhere"))
    assert presets() == {"installed": installed}


def test_a_site_is_the_preset_with_the_options_of_the_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "mine", partition="cpu")
    monkeypatch.setenv(SITE_PATH, str(tmp_path))
    site = site_of(FarmSpec(site="mine", options={"account": "me"}))
    assert (site.name, site.partition, site.account) == ("mine", "cpu", "me")


def test_an_unknown_site_names_the_known_ones_and_how_to_add_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SITE_PATH, raising=False)
    with pytest.raises(SpecError) as caught:
        site_of(FarmSpec(site="slrum"))
    text = str(caught.value)
    assert text.startswith("farm.site: unknown site 'slrum'; did you mean 'slurm'? known: ")
    assert "local" in text
    assert SITE_PATH in text


BROKEN = [
    ({"provider": "pbs"}, r"mine\.json: provider: must be 'none', 'local' or 'slurm'; it is the text 'pbs'"),
    ({"wall": 1}, r"mine\.json: wall: unknown key"),
    ({"clients": {"walltime": "1h"}}, r"mine\.json: clients\.walltime: must be HH:MM:SS"),
    ({"name": "yours"}, r"mine\.json: name: must be 'mine', after the file; it is 'yours'"),
    ({"heartbeat_period_s": "10"}, r"mine\.json: heartbeat_period_s: must be a whole number"),
]


@pytest.mark.parametrize(("changes", "text"), BROKEN)
def test_a_broken_preset_names_its_file_and_field(tmp_path: Path, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(SpecError, match=text):
        read_site(write(tmp_path, "mine", **changes))


def test_a_preset_that_is_no_json_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text("{")
    with pytest.raises(SpecError, match=r"mine\.json: is not a site preset"):
        read_site(path)
