"""The widest of several layouts that a console has room for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.measure import Measurement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult


@dataclass(frozen=True)
class Fitting:
    """One thing in several layouts: drawn is the first one that need not be squeezed, else the last.

    Parameters
    ----------
    layouts : sequence of rich renderables
        From the widest to the narrowest.

    Examples
    --------
    >>> from io import StringIO
    >>> from rich.console import Console
    >>> console = Console(width=12, file=StringIO())
    >>> console.print(Fitting(["incomprehensibly", "in short"]))
    >>> console.file.getvalue().rstrip()
    'in short'
    """

    layouts: Sequence[RenderableType]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for layout in self.layouts[:-1]:
            # Asked without a bound, since a table that is too wide says that it takes what there is.
            needed = Measurement.get(console, options.update(max_width=10_000), layout).minimum
            if needed <= options.max_width:
                yield layout
                return
        yield self.layouts[-1]
