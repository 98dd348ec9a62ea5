"""The threads of this process while it computes: as many as the plan says, since bits may depend on them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def fixed_threads(threads: int) -> Iterator[None]:
    """Let torch and Numba use so many threads in the calling thread, and as many as before afterwards.

    Parameters
    ----------
    threads : int
        Of a plan.

    Notes
    -----
    The BLAS behind NumPy takes its number from the environment when it is loaded, which cannot be changed
    here; a farm sets it for its ranks.
    """
    import numba  # noqa: PLC0415 - torch and Numba are seconds that a farm's supervisor does not need
    import torch  # noqa: PLC0415 - see above

    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(threads)
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        numba.set_num_threads(before[1])
