"""Parsl's interchange, started so that it dies with the coordinator.

Parsl starts `interchange.py` as a script; when the coordinator is killed, that script lives on and its
worker pools with it. This module runs the same script after asking the kernel for a signal at the
parent's death (Linux; elsewhere the recorded process ids are all there is).
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run the interchange in this process."""
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    runpy.run_module("parsl.executors.high_throughput.interchange", run_name="__main__")


if __name__ == "__main__":
    main()
