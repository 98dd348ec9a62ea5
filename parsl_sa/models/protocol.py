"""What every loader returns: a network ready to be called on a batch of inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt
    import torch
    from torch import nn

    Array = npt.NDArray[Any] | torch.Tensor
    Feed = Array | Mapping[str, Array]
    """What a model is called with: its only input, or its inputs by name; the batch is axis 0 of each."""


@dataclass(frozen=True)
class InputTensor:
    """An input of a network, as its file describes it.

    Parameters
    ----------
    name : str
        Its name; empty where the network takes one input without a name.
    shape : tuple of int or None
        Lengths of its axes, the batch first; None where any length is taken.
    dtype : str
        In NumPy's words: ``"float32"``, ``"int64"``.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class Model(Protocol):
    """A loaded network that is called without recording gradients."""

    @property
    def dtype(self) -> str:
        """What its floating inputs are: ``"float32"`` or ``"float64"``."""
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
    def mode(self) -> str:
        """``"eval"``, or ``"dropout"`` where dropout stays active with masks made from the batch."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user should know of how it was loaded, each with its place in the spec."""
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that it was made from; provenance hashes them."""
        ...

    @property
    def inputs(self) -> tuple[InputTensor, ...]:
        """The inputs that its file describes; empty where only a call can tell."""
        ...

    @property
    def module(self) -> nn.Module | None:
        """The torch module whose layers can be looked into; None where there is none."""
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

    def __call__(self, inputs: Feed) -> Any:
        """Evaluate one batch.

        Parameters
        ----------
        inputs : ndarray, tensor, or mapping of str to them
            The only input, or the inputs by name; never modified. What is floating is converted to `dtype`,
            whole numbers stay what they are.

        Returns
        -------
        object
            The raw output: any nesting of dicts, tuples, lists, dataclasses, tensors and arrays.
        """
        ...
