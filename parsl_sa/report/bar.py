"""A bar of block characters that takes the room there is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.measure import Measurement
from rich.segment import Segment

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class Bar:
    """A bar of a share from 0 to 1, with a lighter stretch up to the upper bound of its interval.

    Parameters
    ----------
    share : float
        Length of the bar; NaN draws nothing.
    upper : float
        End of the lighter stretch; NaN draws none.
    widest : int
        Columns of a share of 1 where there is room.
    """

    share: float
    upper: float = math.nan
    widest: int = 32

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self.drawn(min(self.widest, options.max_width), ascii_only=options.ascii_only))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(6, options.max_width), min(self.widest, options.max_width))

    def drawn(self, width: int, *, ascii_only: bool = False) -> str:
        """Return the bar as text of `width` columns.

        Examples
        --------
        >>> Bar(0.5, 0.75).drawn(8), Bar(0.5, 0.75).drawn(8, ascii_only=True), Bar(0.06).drawn(8)
        ('████░░  ', '####--  ', '▌       ')
        """
        if not math.isfinite(self.share):
            return " " * width
        eighths = round(8 * width * min(max(self.share, 0.0), 1.0))
        full, part = divmod(eighths, 8)
        text = "#" * round(eighths / 8) if ascii_only else "█" * full + (EIGHTHS[part] if part else "")
        if math.isfinite(self.upper):
            text = text.ljust(round(width * min(max(self.upper, 0.0), 1.0)), "-" if ascii_only else "░")
        return text.ljust(width)
