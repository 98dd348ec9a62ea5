"""No rank outlives its wrapper: a thread that ends the process when the wrapper's pipe closes."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

_CODE = 7
_POLL_S = 0.3


def hold(path: str, host: str) -> None:
    """End this process as soon as nobody holds the other end of a named pipe.

    Parameters
    ----------
    path : str
        The pipe; empty for none.
    host : str
        Where it was made. A process on another host cannot watch it, and relies on its launcher and on
        the signs of life between client and coordinator.
    """
    if not path or host != socket.gethostname():
        return
    threading.Thread(target=_watch, args=(Path(path),), name="lifeline", daemon=True).start()


def _watch(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        while True:
            try:
                if not os.read(descriptor, 1):  # no writer is left
                    return
            except BlockingIOError:
                time.sleep(_POLL_S)
    finally:
        os._exit(_CODE)
