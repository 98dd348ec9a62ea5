"""Virtual time, and a network in it whose connections keep the order, but lose, repeat and break."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable


class Clock:
    """Events in the order of their times; the same seed gives the same run."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def after(self, delay_s: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + delay_s, next(self._numbers), event))

    def step(self) -> None:
        self.now, _, event = heapq.heappop(self._events)
        event()


@dataclass(frozen=True)
class Weather:
    """How bad the network is.

    Parameters
    ----------
    loss, repeat, garble : float
        Chances that a message is lost, comes again later, or (a chunk) with other bytes.
    slow_s : float
        Longest delay.
    """

    loss: float = 0.0
    repeat: float = 0.0
    garble: float = 0.0
    slow_s: float = 0.05


@dataclass
class Link:
    """One direction of a connection."""

    busy_until: float = 0.0
    breaks: int = 0


@dataclass
class Network:
    """Delivers messages to whoever listens at an address when they arrive."""

    clock: Clock
    chance: random.Random
    weather: Weather
    links: dict[tuple[str, str], Link] = field(default_factory=dict)

    def send(self, source: str, target: str, deliver: Callable[[], None]) -> None:
        """Call `deliver` later, after everything sent before it from `source` to `target`; or never."""
        chance, weather = self.chance, self.weather
        if chance.random() < weather.loss:
            return
        if chance.random() < weather.repeat:
            self.clock.after(chance.uniform(0, 8), lambda: self._queue(source, target, deliver))
        self._queue(source, target, deliver)

    def cut_off(self, *names: str) -> None:
        """Break every connection of a party: what is under way is lost, in both directions."""
        for ends, link in self.links.items():
            if not {*names}.isdisjoint(ends):
                link.breaks += 1

    def garble(self, data: bytes) -> bytes:
        return bytes(len(data)) if self.chance.random() < self.weather.garble else data

    def _queue(self, source: str, target: str, deliver: Callable[[], Any]) -> None:
        link = self.links.setdefault((source, target), Link())
        at = max(link.busy_until, self.clock.now + self.chance.uniform(0.001, self.weather.slow_s))
        link.busy_until, breaks = at, link.breaks

        def arrive() -> None:
            if link.breaks == breaks:
                deliver()

        self.clock.after(at - self.clock.now, arrive)
