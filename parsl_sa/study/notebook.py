"""What a notebook needs to be told of figures that were drawn without pyplot."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PNG = "image/png"


def show_figures() -> None:
    """Let the notebook that this is, if it is one, show figures as pictures.

    Notes
    -----
    IPython learns how to show a figure when pyplot is first used, which a reader of results need not do. A
    way that it knows already, with the reader's own format and resolution, is left alone.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return
    from matplotlib.figure import Figure  # noqa: PLC0415 - half a second

    pictures = shell.display_formatter.formatters
    if not any(Figure in formatter.type_printers for formatter in pictures.values()):
        pictures[_PNG].for_type(Figure, png_of)


def png_of(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PNG."""
    stream = BytesIO()
    figure.savefig(stream, format="png", bbox_inches="tight")
    return stream.getvalue()
