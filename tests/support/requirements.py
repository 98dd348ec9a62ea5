"""What a test needs from the machine: skip with a reason here, fail where CI promised it.

A skip for a part that could be installed says ``missing: ...``. `.ci/run` installs every such part and
sets ``PARSL_SA_CI``, and then `tests/conftest.py` turns the skip into a failure.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest

MISSING = "missing: "
_IMPORT_SKIP = "could not import "  # what pytest.importorskip says
_SEARCH_PATH = os.pathsep.join(
    [str(Path(sys.prefix, "bin")), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
)


def require_program(*programs: str) -> None:
    """Skip the test unless every program is on PATH, beside this Python, or in the system's own folders."""
    absent = [program for program in programs if shutil.which(program, path=_SEARCH_PATH) is None]
    if absent:
        pytest.skip(f"{MISSING}program {', '.join(absent)}")


def require_module(*modules: str) -> None:
    """Skip the test unless every module can be found; imports none of them."""
    absent = [module for module in modules if importlib.util.find_spec(module) is None]
    if absent:
        pytest.skip(f"{MISSING}Python module {', '.join(absent)}")


def skip_is_failure(reason: str) -> bool:
    """Tell whether a skip with this reason may not happen on the machine that runs the test."""
    installable = reason.startswith((MISSING, _IMPORT_SKIP))
    return installable and os.environ.get("PARSL_SA_CI", "") not in {"", "0"}
