"""Where the tensor of a quantity comes from: the output or a layer, a cut of it, a function of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from parsl_sa.errors import ModelError
from parsl_sa.models.selection import SelectionError, as_array, select
from parsl_sa.spec.cuts import parse_cut

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt


@dataclass(frozen=True)
class Source:
    """The fields of an output in the spec that say which tensor is meant.

    Parameters
    ----------
    select, layer : str
        Path into the output, or name of a layer; one of them is empty.
    slice : str
        Cut behind the batch axis; empty for all.
    function : str
        A user's function of what is left, ``file.py:name``; empty for none.
    """

    select: str = ""
    layer: str = ""
    slice: str = ""
    function: str = ""

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Source:
        """Read it from an output of a spec."""
        return cls(*(str(spec.get(name) or "") for name in ("select", "layer", "slice", "function")))

    @property
    def last(self) -> str:
        """The field that has the last word on the shape."""
        return next((name for name in ("function", "slice", "layer") if getattr(self, name)), "select")

    def selected(self, output: Any, place: str) -> Any:
        """Select a tensor of what the model returned.

        Raises
        ------
        ModelError
            At ``PLACE.select``, if the path leads to no tensor.
        """
        try:
            return select(output, self.select)
        except SelectionError as wrong:
            raise ModelError(f"{place}.select", str(wrong)) from None

    def cut(self, tensor: Any, place: str) -> Any:
        """Cut a tensor behind its batch axis.

        Raises
        ------
        ModelError
            At ``PLACE.slice``, if the tensor has no such cells.
        """
        if not self.slice:
            return tensor
        known = tensor if isinstance(tensor, torch.Tensor | np.ndarray) else as_array(tensor)
        try:
            cut = known[(slice(None), *parse_cut(self.slice))]
        except IndexError as wrong:
            shape = tuple(known.shape[1:])
            raise ModelError(f"{place}.slice", f"'{self.slice}' of shape {shape} an input: {wrong}") from None
        if 0 in cut.shape[1:]:
            raise ModelError(
                f"{place}.slice", f"'{self.slice}' of shape {tuple(known.shape[1:])} an input leaves nothing"
            )
        return cut


def real_numbers(tensor: Any, place: str, name: str) -> npt.NDArray[Any]:
    """Bring a tensor to the host, and refuse what are no real numbers.

    Raises
    ------
    ModelError
        At `place`.
    """
    array = as_array(tensor)
    if array.dtype.kind not in "fiub":
        cure = "return its real part or modulus" if array.dtype.kind == "c" else "return numbers"
        raise ModelError(place, f"'{name}' is {array.dtype}, not real numbers; {cure}")
    return array
