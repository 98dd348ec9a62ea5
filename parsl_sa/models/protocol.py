"""What every loader returns: a network ready to be called on a batch of physical inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt


class Model(Protocol):
    """A loaded network, in eval mode, that is called without recording gradients."""

    @property
    def dtype(self) -> str:
        """What it is fed: ``"float32"`` or ``"float64"``."""
        ...

    @property
    def arrays(self) -> str:
        """What it is fed: ``"torch"`` tensors or ``"numpy"`` arrays."""
        ...

    @property
    def device(self) -> str:
        """Where it runs, in torch's words: ``"cpu"``, ``"cuda:0"``."""
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that it was made from; provenance hashes them."""
        ...

    @property
    def n_columns(self) -> int | None:
        """Input columns that it takes, None where only a call can tell."""
        ...

    @property
    def fixed_batch(self) -> int | None:
        """The only batch size that it takes, None where several are taken."""
        ...

    @property
    def smallest_batch(self) -> int:
        """Fewest rows of one call; 1 where no bound is known."""
        ...

    @property
    def largest_batch(self) -> int | None:
        """Most rows of one call, None where no bound is known."""
        ...

    def __call__(self, inputs: npt.NDArray[np.float64]) -> Any:
        """Evaluate one batch.

        Parameters
        ----------
        inputs : ndarray of float64, shape (batch, n_columns)
            Physical inputs; never modified.

        Returns
        -------
        object
            The raw output: any nesting of dicts, tuples, lists, dataclasses, tensors and arrays.
        """
        ...
