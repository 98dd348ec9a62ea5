"""The open parts of all statistics side by side in one piece of memory, which is used again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from parsl_sa.stats.protocol import Statistic

    Floats = npt.NDArray[np.float64]


def views(buffer: Floats, shapes: Sequence[tuple[int, ...]]) -> list[Floats]:
    """Cut a flat buffer into arrays that stand one after the other.

    Examples
    --------
    >>> [part.shape for part in views(np.zeros(8), [(1, 2), (2, 3)])]
    [(1, 2), (2, 3)]
    """
    sizes = [int(np.prod(shape)) for shape in shapes]
    edges = np.cumsum([0, *sizes])
    return [
        buffer[begin:end].reshape(shape)
        for shape, begin, end in zip(shapes, edges[:-1], edges[1:], strict=True)
    ]


def flat(parts: Sequence[Floats]) -> Floats:
    """Return parts as one flat array: the buffer that they fill, or a copy where they fill none.

    Examples
    --------
    >>> flat([np.ones((1, 2)), np.zeros((1, 1))]).tolist(), flat([]).tolist()
    ([1.0, 1.0, 0.0], [])
    """
    buffer = _buffer(parts)
    return np.concatenate([np.empty(0), *(part.ravel() for part in parts)]) if buffer is None else buffer


def _buffer(parts: Sequence[Floats]) -> Floats | None:
    base = parts[0].base if parts else None  # rows of a study without sums over fields have no parts
    if not isinstance(base, np.ndarray) or base.ndim != 1 or base.size != sum(part.size for part in parts):
        return None
    at = base.ctypes.data
    for part in parts:
        # A part without cells has no place of its own.
        if part.base is not base or (part.size and part.ctypes.data != at):
            return None
        at += part.nbytes
    return base


def _cleared(buffer: Floats) -> Floats:
    buffer[:] = 0.0
    return buffer


class OpenMemory:
    """Gives statistics the memory of their open parts.

    Parameters
    ----------
    statistics : sequence of Statistic
        Their open parts are moved into one buffer.

    Notes
    -----
    A field's open parts are hundreds of megabytes. Fresh memory comes from the kernel as zeros that
    take no room until they are written to; what is given back replaces a buffer that was not written to
    yet, else waits as a spare. So a rank that merges its lanes holds no more buffers than it needs at a time.
    """

    def __init__(self, statistics: Sequence[Statistic]) -> None:
        self._statistics = tuple(statistics)
        self._shapes = [(s.partial_rows, s.n_cells) for s in self._statistics]
        self._size = sum(k * width for k, width in self._shapes)
        self._spare: list[Floats] = []
        self._fresh = True
        self._place(np.zeros(self._size))

    def take(self) -> list[Floats]:
        """Hand over the open parts and start empty ones."""
        taken = [statistic.partial() for statistic in self._statistics]
        self._fresh = not self._spare
        if self._fresh:
            self._place(np.zeros(self._size))
        else:
            self._place(_cleared(self._spare.pop()))
        return taken

    def give_back(self, parts: Sequence[Floats]) -> None:
        """Take back parts that nobody needs any more."""
        buffer = _buffer(parts)
        if buffer is None or buffer.size != self._size or not buffer.flags.writeable:
            return
        if self._fresh and not any(statistic.n_bundles_open for statistic in self._statistics):
            self._fresh = False
            self._place(_cleared(buffer))
        else:
            self._spare.append(buffer)

    def _place(self, buffer: Floats) -> None:
        for statistic, room in zip(self._statistics, views(buffer, self._shapes), strict=True):
            statistic.take_partial(room)
