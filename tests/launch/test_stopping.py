"""A wish to stop is noted, and kills nothing."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from parsl_sa.launch.stopping import InterruptedStudyError, StopWish

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_wish_to_stop(number: signal.Signals) -> None:
    wish, woken = StopWish(), []
    assert wish.reason() == ""
    wish.raise_if_any()
    wish.wakes(lambda: woken.append(1))
    os.kill(os.getpid(), number)
    assert wish.reason() == "interrupted"
    assert woken == [1]
    with pytest.raises(InterruptedStudyError, match="interrupted") as caught:
        wish.raise_if_any()
    assert caught.value.exit_code == 130


def test_the_end_of_the_launching_process_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    wish = StopWish()
    monkeypatch.setattr("parsl_sa.launch.stopping.os.getppid", lambda: 1)
    assert wish.reason() == "the launching process is gone"
