"""The hardware class, and the device that a spec asks for."""

from __future__ import annotations

import platform

import pytest
import torch

from parsl_sa.errors import ModelError
from parsl_sa.models import hardware
from parsl_sa.models.hardware import choose_device


def test_the_hardware_class_names_what_bits_depend_on() -> None:
    assert hardware("cpu") == {
        "machine": platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": "cpu",
    }


def test_auto_leaves_a_model_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_device("auto") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert choose_device("auto", "cuda:0") == "cuda:0"
    assert choose_device("cpu", "cuda:0") == "cpu"


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
def test_the_cpu_is_always_there(device: str) -> None:
    assert choose_device(device) == "cpu"


def test_a_device_beyond_the_last_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == "cuda:1"
    assert choose_device("cuda") == "cuda:0"
    with pytest.raises(ModelError, match="there are 2 here, counted from 0"):
        choose_device("cuda:2")


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "meta"])
def test_what_is_no_device_is_refused(device: str) -> None:
    with pytest.raises(ModelError) as caught:
        choose_device(device)
    assert caught.value.faults[0].place == "model.device"
