"""The inputs of a first spec for a network of images: base images, a mask over them, preprocessing."""

from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import Fault, SpecError
from parsl_sa.spec.base import IMAGE_SUFFIXES, images_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_GRID = 7
_BYTES = 255.0


def is_images(path: Path) -> bool:
    """Tell images from tables, as far as the name does."""
    return path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES


def sides_of(path: Path) -> tuple[int, int] | None:
    """Return rows and columns of an image, or of the first of a folder; None for an array."""
    files = images_of(path) if path.is_dir() else [path]
    if not files or not is_images(path):
        return None
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - for images only

    try:
        with Image.open(files[0]) as image:
            return image.height, image.width
    except (OSError, UnidentifiedImageError) as error:
        raise _fault(f"{files[0]} cannot be read as an image: {error}") from error


def class_folders(path: Path) -> list[str]:
    """Return the names of the folders that sort images by class, in alphabetic order; none where none do."""
    files = images_of(path) if path.is_dir() else []
    names = sorted({file.parent.name for file in files})
    return names if len(names) > 1 and all(file.parent.parent == path for file in files) else []


def image_inputs(
    data: Path, shape: tuple[int, ...], base_dir: Path, model: Path
) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
    """Return the inputs and the preprocessing of a study that masks images.

    Parameters
    ----------
    data : Path
        An image, a folder of them, or a .npy file.
    shape : tuple of int
        What the network takes: channels, rows, columns, or rows, columns, channels.
    base_dir : Path
        Folder of the spec.
    model : Path
        File or folder of the network; one of Hugging Face says its preprocessing.

    Returns
    -------
    inputs, model : dict
        As a spec has them; of the model the preprocessing.
    remarks : tuple of str
        What the user should look at.

    Raises
    ------
    SpecError
        At ``--data``, if it holds no such images.
    """
    last = shape[0] not in {1, 3, 4} and shape[-1] in {1, 3, 4}
    channels, rows, columns = (shape[2], shape[0], shape[1]) if last else shape
    base: dict[str, Any] = {"path": os.path.relpath(data, base_dir)}
    own: tuple[int, int] | None
    if not is_images(data):
        base["layout"], own, highest = _layout(_array(data), channels, data)
    else:
        if channels not in {1, 3}:
            raise _fault(f"the network takes {channels} channels, and images have 1 or 3; give a .npy file")
        base["layout"], own, highest = ("HW" if channels == 1 else "HWC"), sides_of(data), _BYTES
    bound = _BYTES if highest > 1.5 else 1.0
    base["clip"] = [0.0, bound]
    preprocess: dict[str, Any] = {}
    if data.is_dir():
        base["size"] = [rows, columns]  # the images of a folder may differ
    elif own != (rows, columns):
        preprocess["size"] = [rows, columns]
    if last:
        preprocess["layout"] = "channels-last"
    sides = (rows, columns) if own is None or "size" in base else own
    mask = {"kind": "mask", "grid": [min(_GRID, max(1, side // 2)) for side in sides]}
    values, remarks = _values(model, bound)
    preprocess |= values
    return (
        {"base": base, "perturbations": [mask]},
        {"preprocess": preprocess} if preprocess else {},
        remarks,
    )


def _values(model: Path, bound: float) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return how values up to `bound` become those that the network takes, and what is not certain of it.

    A preprocessor of Hugging Face says what is done to bytes, so that of data from 0 to 1 less is left to do.
    """
    file = model / "preprocessor_config.json"
    if not file.is_file():
        to_1 = {"scale": 1.0 / _BYTES} if bound == _BYTES else {}
        remark = "the network is given values from 0 to 1; if it was trained on others, state mean and sd"
        return to_1, (f"model.preprocess: {remark}",)
    try:
        told: Mapping[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise SpecError([Fault("MODEL", f"{file} cannot be read: {error}")]) from error
    made: dict[str, Any] = {}
    remarks: tuple[str, ...] = ()
    if told.get("do_rescale", True):
        scale_of_bytes = float(told.get("rescale_factor") or 1.0 / _BYTES)
        scale = scale_of_bytes if bound == _BYTES else scale_of_bytes * _BYTES
        made |= {} if math.isclose(scale, 1.0) else {"scale": scale}
    elif bound != _BYTES:
        remark = f"{file.name} rescales nothing, so the network is given the data as they are, from 0 to 1"
        remarks = (f"model.preprocess: {remark}; if it was trained on 0 to 255, set scale to 255",)
    if told.get("do_normalize", True) and "image_mean" in told and "image_std" in told:
        made |= {"mean": told["image_mean"], "sd": told["image_std"]}
    return made, remarks


def _array(path: Path) -> Any:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _fault(f"{path} is neither an image nor a .npy file of images: {error}") from error


def _layout(array: Any, channels: int, path: Path) -> tuple[str, tuple[int, int], float]:
    """Return the axes of one image of an array, its rows and columns, and the highest value seen."""
    grey_ones = array.ndim == 3 and channels == 1 and 1 not in {array.shape[0], array.shape[-1]}
    several = array.ndim == 4 or grey_ones
    one = array.shape[1:] if several else array.shape
    if len(one) == 2:
        layout, sides = "HW", one
    elif len(one) == 3 and one[0] == channels:
        layout, sides = "CHW", one[1:]
    elif len(one) == 3 and one[-1] == channels:
        layout, sides = "HWC", one[:2]
    else:
        raise _fault(f"{path} holds an array of shape {array.shape}; the network takes {channels} channels")
    if len(one) == 2 and channels != 1:
        raise _fault(f"{path} holds grey images, and the network takes {channels} channels")
    first = array[0] if several else array
    return layout, (int(sides[0]), int(sides[1])), float(np.max(first))


def _fault(message: str) -> SpecError:
    return SpecError([Fault("--data", message)])
