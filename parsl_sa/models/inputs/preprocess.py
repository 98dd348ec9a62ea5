"""The steps between the inputs that a user states and those that a network reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from parsl_sa.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PLACE = "model.preprocess"
# ITU-R BT.601, as image files are turned grey everywhere.
_LUMINANCE = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Preprocess:
    """Resizes, orders, scales and lays out a batch.

    Parameters
    ----------
    axes : str
        Axes of one input as it comes; "F" for rows of parameters.
    size : tuple of int, or None
        Rows and columns to resize to.
    channels : str
        ``"rgb"``, ``"bgr"`` or ``"gray"``.
    scale : float
        Factor of every value.
    mean, sd : Tensor
        A number, or one a channel or column.
    layout : str
        ``"channels-first"``, ``"channels-last"`` or ``"keep"``.
    """

    axes: str
    size: tuple[int, int] | None
    channels: str
    scale: float
    mean: torch.Tensor
    sd: torch.Tensor
    layout: str

    @classmethod
    def of(cls, plain: Mapping[str, Any], axes: str, shape: Sequence[int], device: str) -> Preprocess | None:
        """Build it from the spec; None where it would change nothing.

        Parameters
        ----------
        plain : mapping
            The spec's ``model.preprocess``.
        axes : str
            One letter an axis of an input: C channels, H rows, W columns or steps, F features.
        shape : sequence of int
            Shape of an input.
        device : str
            In torch's words.

        Raises
        ------
        ModelError
            If the numbers of channels do not agree.
        """
        made = cls(
            axes,
            None if plain["size"] is None else (int(plain["size"][0]), int(plain["size"][1])),
            plain["channels"],
            float(plain["scale"]),
            torch.tensor(plain["mean"], dtype=torch.float64, device=device),
            torch.tensor(plain["sd"], dtype=torch.float64, device=device),
            plain["layout"],
        )
        made._check(shape)
        return None if made._idle else made

    @property
    def _idle(self) -> bool:
        values = self.scale == 1.0 and not self.mean.any() and bool((self.sd == 1.0).all())
        moved = self.axes != self._read_as
        return values and not moved and self.size is None and self.channels == "rgb"

    @property
    def _read_as(self) -> str:
        """The axes of an input as the network reads them."""
        others = self.axes.replace("C", "")
        if self.layout == "keep" or not (self._is_image or "C" in self.axes):
            return self.axes
        others = "HW" if self._is_image else others
        return f"C{others}" if self.layout == "channels-first" else f"{others}C"

    @property
    def _is_image(self) -> bool:
        return {"H", "W"} <= set(self.axes)

    def _check(self, shape: Sequence[int]) -> None:
        n_channels = shape[self.axes.index("C")] if "C" in self.axes else 1 if self._is_image else shape[-1]
        if self.channels != "rgb" and n_channels != 3:
            raise ModelError(f"{_PLACE}.channels", f"needs 3 channels of colour; the input has {n_channels}")
        left = 1 if self.channels == "gray" else n_channels
        for key, values in (("mean", self.mean), ("sd", self.sd)):
            if values.ndim and len(values) != left:
                what = "channels" if "C" in self.axes or self._is_image else "columns"
                raise ModelError(f"{_PLACE}.{key}", f"has {len(values)} numbers for {left} {what}")

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Apply the steps.

        Parameters
        ----------
        inputs : Tensor, shape (batch, ...)
            In the order of `axes`.
        """
        shape: tuple[int, ...] = ()
        if self._is_image:
            inputs, shape = self._image(inputs), (-1, 1, 1)
        elif "C" in self.axes:
            inputs, shape = inputs.movedim(self.axes.index("C") + 1, 1), (-1, 1)
        mean, sd = (
            each.to(inputs.dtype).reshape(shape or (-1,)) if each.ndim else each.to(inputs.dtype)
            for each in (self.mean, self.sd)
        )
        inputs = (inputs * self.scale - mean) / sd
        return self._laid_out(inputs)

    def _laid_out(self, inputs: torch.Tensor) -> torch.Tensor:
        """Bring a batch whose channels stand first, if it has any, to the layout that the network reads."""
        if not self._is_image and "C" not in self.axes:
            return inputs
        if self.layout == "channels-first":
            return inputs
        if self.layout == "channels-last":
            return inputs.movedim(1, -1)
        if "C" not in self.axes:
            return inputs.squeeze(1).permute(0, *(_ranks(self.axes)))
        here = "CHW" if self._is_image else f"C{self.axes.replace('C', '')}"
        return inputs.permute(0, *(here.index(axis) + 1 for axis in self.axes))

    def _image(self, inputs: torch.Tensor) -> torch.Tensor:
        """Bring images to channels, rows, columns, in their size and colours."""
        if "C" not in self.axes:
            inputs = inputs.unsqueeze(1)
        order = "".join(("" if "C" in self.axes else "C", self.axes))
        inputs = inputs.permute(0, *(order.index(axis) + 1 for axis in "CHW"))
        if self.size is not None:
            inputs = functional.interpolate(
                inputs, self.size, mode="bilinear", antialias=True, align_corners=False
            )
        if self.channels == "bgr":
            inputs = inputs.flip(1)
        if self.channels == "gray":
            weights = torch.tensor(_LUMINANCE, dtype=inputs.dtype, device=inputs.device)
            inputs = (inputs * weights.reshape(-1, 1, 1)).sum(1, keepdim=True)
        return inputs


def _ranks(axes: str) -> list[int]:
    """Return where rows and columns go in a batch of grey images.

    Examples
    --------
    >>> _ranks("HW"), _ranks("WH")
    ([1, 2], [2, 1])
    """
    return ["HW".index(axis) + 1 for axis in axes]
