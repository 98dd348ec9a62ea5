"""How the kernels of this room are compiled, and when they may use several threads.

Every kernel is compiled without fastmath and caches its machine code on disk. A kernel keeps the
arithmetic of each cell in bundle order, so neither slab edges nor the number of threads reach the bits.

Notes
-----
Numba checks a cached kernel against the file it stands in only: a kernel and the small functions
it calls live in one file.

Kernels with `prange` run one at a time, behind a lock: Numba's workqueue threading layer, the one
left where neither TBB nor OpenMP is found, aborts the process on a concurrent call, and GNU OpenMP
aborts a forked child whose parent has used it. So a process that forks must not have folded large
arrays before it does; small arrays take a serial kernel and start no threads.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

F = TypeVar("F", bound="Callable[..., Any]")

BLOCK = 1024
"""Cells of one block: the accumulators of a block stay in cache while the bundles pass by."""

FIELD_BLOCK = 4096
"""Cells of one block where several bundles are added in one pass: longer, since its rows are streams."""

FEW_CELLS = 128
"""Below this many cells the loops run over rows and cells at once."""

PARALLEL_SIZE = 1 << 18
"""Array elements from which several threads are worth their start (about 50 microseconds)."""

threads_lock = Lock()


def serial(function: F) -> F:
    """Compile a kernel for one thread."""
    return cast("F", njit(cache=True, nogil=True)(function))


def parallel(function: F) -> F:
    """Compile a kernel whose `prange` runs over blocks of cells; call it under `threads_lock`."""
    return cast("F", njit(cache=True, nogil=True, parallel=True)(function))


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a read-only, aligned, C-contiguous view, or a copy where there is no such view.

    Numba compiles a kernel anew for writable and for read-only arguments; with inputs always
    read-only (as arrays over received bytes are), one compilation serves all.
    """
    view = np.require(array, requirements=["C", "A"]).view()
    view.flags.writeable = False
    return view
