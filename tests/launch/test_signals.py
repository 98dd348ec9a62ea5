"""Signals as a wish to stop, on the main thread only, and given back."""

from __future__ import annotations

import os
import signal
import threading

from parsl_sa.launch.signals import caught


def test_both_signals_are_wishes_and_are_given_back() -> None:
    seen: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with caught(lambda number, frame: seen.append(number)):
        for number in before:
            os.kill(os.getpid(), number)
    assert seen == [signal.SIGINT, signal.SIGTERM]
    assert {number: signal.getsignal(number) for number in before} == before


def test_on_another_thread_nothing_is_caught() -> None:
    handlers: list[object] = []

    def work() -> None:
        with caught(lambda *_: None):
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]
