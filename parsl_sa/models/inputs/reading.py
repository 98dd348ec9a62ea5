"""Read base inputs and their labels from images, arrays and tables."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import ModelError
from parsl_sa.spec.base import FOLDERS, IMAGE_SUFFIXES, TABLE_SUFFIXES, BaseSpec, images_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

_PATH, _ROWS, _LABELS = "inputs.base.path", "inputs.base.rows", "inputs.base.labels"
_MOST_IMAGE_BYTES = 4 << 30
_EIGHT_BITS = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB"})


@dataclass(frozen=True)
class Found:
    """Base inputs as they were read.

    Parameters
    ----------
    arrays : ndarray of numbers, shape (n_cases, ...)
        One input each, in the stated layout; maybe mapped from a file.
    names : tuple of str or int
        File names, or indices of rows.
    several : bool
        Whether they are the cases of a study; False for one input that has no axis of its own.
    labels : ndarray, shape (n_cases,), or None
        As they were written: whole numbers, numbers or texts.
    """

    arrays: npt.NDArray[Any]
    names: tuple[str | int, ...]
    several: bool
    labels: npt.NDArray[Any] | None = None


def read(base: Mapping[str, Any]) -> Found:
    """Read the base inputs of a spec.

    Parameters
    ----------
    base : mapping
        The spec's ``inputs.base``, resolved.

    Raises
    ------
    ModelError
        If a file cannot be read, or is not what it was when the study began; if inputs differ in shape, hold
        what is no finite number, or do not have the stated axes; if rows or labels do not fit.
    """
    path = Path(base["path"])
    if base.get("digest") is not None and BaseSpec.model_validate(base).contents() != base["digest"]:
        raise ModelError(_PATH, f"{path} has changed since the study began; give a new study a new directory")
    if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
        return _images(path, base)
    found = (_table if path.suffix.lower() in TABLE_SUFFIXES else _array)(path, base)
    chosen = _chosen(found, base.get("rows"))
    _check_numbers(chosen)
    return chosen


def _images(path: Path, base: Mapping[str, Any]) -> Found:
    everything = images_of(path) if path.is_dir() else [path]
    picked = _picked(base.get("rows"), len(everything))
    files = [everything[index] for index in picked]
    first = _image(files[0], base)
    if first.nbytes * len(files) > _MOST_IMAGE_BYTES:
        raise ModelError(
            _PATH,
            f"{len(files)} images take {first.nbytes * len(files) / 1e9:.3g} GB of memory; save them as one "
            ".npy array, which is read piece by piece, or take fewer with rows",
        )
    arrays = np.empty((len(files), *first.shape), first.dtype)
    for index, file in enumerate(files):
        image = _image(file, base)
        if image.shape != first.shape:
            raise ModelError(
                _PATH,
                f"{file.name} has the shape {image.shape}, {files[0].name} {first.shape}; set "
                "inputs.base.size to scale all of them to one",
            )
        arrays[index] = image
    several = path.is_dir() and not isinstance(base.get("rows"), int)
    names = tuple(str(file.relative_to(path)) if path.is_dir() else file.name for file in files)
    labels = base.get("labels")
    if labels == FOLDERS:
        written: Any = [file.parent.name for file in files]
    elif labels is not None and Path(labels).suffix.lower() == ".csv":
        written = _labels_by_name(Path(labels), names)
    else:
        given = None if labels is None else _labels(Path(labels))
        written = None if given is None else _one_each(given, len(everything))[picked]
    return Found(arrays, names, several, None if written is None else np.array(written))


def _image(file: Path, base: Mapping[str, Any]) -> npt.NDArray[Any]:
    """Read one image in the order of its axes."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - for studies of images only

    axes = str(base["layout"])
    if sorted(axes) not in (["C", "H", "W"], ["H", "W"]):
        raise ModelError("inputs.base.layout", f'an image has "HWC", "CHW" or "HW"; it is "{axes}"')
    try:
        with Image.open(file) as opened:
            if opened.mode not in _EIGHT_BITS:
                text = "images of other than 8 bits a channel would be cut off; save them as a .npy array"
                raise ModelError(_PATH, f"{file.name} has the mode {opened.mode}: {text}")
            image = opened.convert("RGB" if "C" in axes else "L")
            if base.get("size"):
                rows, columns = base["size"]
                image = image.resize((columns, rows), Image.Resampling.BILINEAR)
            array = np.asarray(image)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ModelError(_PATH, f"{file} cannot be read as an image: {error}") from None
    read_as = "HWC" if "C" in axes else "HW"
    return array.transpose([read_as.index(axis) for axis in axes])


def _array(path: Path, base: Mapping[str, Any]) -> Found:
    axes = str(base["layout"])
    try:
        arrays: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ModelError(_PATH, f"{path} is not a .npy file of numbers: {error}") from None
    if arrays.dtype.kind not in "fiub" or arrays.ndim not in {len(axes), len(axes) + 1} or 0 in arrays.shape:
        raise ModelError(
            _PATH,
            f"{path} holds {arrays.dtype} of shape {arrays.shape}; the layout {axes} wants numbers of "
            f"{len(axes)} axes, or of {len(axes) + 1} with the inputs along the first",
        )
    if arrays.dtype.itemsize > 8 or not arrays.dtype.isnative:
        arrays = arrays.astype(np.float64)
    several = arrays.ndim == len(axes) + 1
    arrays = arrays if several else arrays[None]
    labels = None if base.get("labels") is None else _labels(Path(base["labels"]))
    return Found(arrays, tuple(range(len(arrays))), several, labels)


def _table(path: Path, base: Mapping[str, Any]) -> Found:
    import pandas as pd  # noqa: PLC0415 - for studies of tables only

    try:
        frame = pd.read_csv(path) if path.suffix.lower() == ".csv" else pd.read_parquet(path)
    except ImportError:
        raise ModelError(_PATH, "Parquet files need pyarrow: pip install 'parsl-sa[parquet]'") from None
    except (OSError, ValueError) as error:
        raise ModelError(_PATH, f"{path} cannot be read as a table: {error}") from None
    label = base.get("labels")
    own = label is not None and label in frame.columns
    if label is not None and not own and not Path(label).suffix:
        known = ", ".join(map(str, frame.columns))
        raise ModelError(_LABELS, f"no column '{label}' in {path.name}; it has {known}")
    wanted = base.get("columns") or [
        name for name in frame.select_dtypes("number").columns if not own or name != label
    ]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        known = ", ".join(map(str, frame.columns))
        raise ModelError("inputs.base.columns", f"no column '{missing[0]}' in {path.name}; it has {known}")
    try:
        arrays = frame[list(wanted)].to_numpy(np.float64)
    except (ValueError, TypeError) as error:
        raise ModelError("inputs.base.columns", f"{path.name} holds what is no number: {error}") from None
    written = None
    if label is not None:
        written = frame[label].to_numpy() if own else _labels(Path(label))
    return Found(arrays, tuple(range(len(arrays))), True, written)


def _labels(path: Path) -> npt.NDArray[Any]:
    """Read one label a line, or an array of them."""
    try:
        if path.suffix.lower() == ".npy":
            array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
            return array
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise ModelError(_LABELS, f"{path} cannot be read: {error}") from None
    if path.suffix.lower() == ".csv":
        lines = [line.rpartition(",")[2].strip() for line in lines]
    return np.array([_number(line) for line in lines])


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _chosen(found: Found, rows: int | str | Sequence[int] | None) -> Found:
    """Keep the rows that the spec names, and check that there is a label for each input."""
    count = len(found.arrays)
    if found.labels is not None:
        _one_each(found.labels, count)
    if rows is None:
        return found
    picked = _picked(rows, count)
    # a stretch of a mapped file stays mapped
    stretch = picked == list(range(picked[0], picked[-1] + 1))
    arrays = found.arrays[picked[0] : picked[-1] + 1] if stretch else found.arrays[picked]
    labels = None if found.labels is None else found.labels[picked]
    return Found(arrays, tuple(found.names[i] for i in picked), not isinstance(rows, int), labels)


def _picked(rows: int | str | Sequence[int] | None, count: int) -> list[int]:
    """Return the indices of the inputs that the spec asks for."""
    if rows is None:
        return list(range(count))
    if isinstance(rows, str):
        first, _, last = rows.partition(":")
        picked = list(range(count))[int(first or 0) : int(last) if last else None]
    else:
        picked = [rows] if isinstance(rows, int) else list(rows)
    if not picked or max(picked) >= count:
        raise ModelError(_ROWS, f"there are {count} inputs, counted from 0; it asks for {rows!r}")
    return picked


def _one_each(labels: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    """Return labels of which there is one for each input."""
    if labels.ndim != 1 or len(labels) != count:
        text = f"has labels of shape {labels.shape} for {count} inputs; give one an input"
        raise ModelError(_LABELS, text)
    return labels


def _labels_by_name(path: Path, names: Sequence[str | int]) -> list[int | float | str]:
    """Read a table of file names and labels; its lines may stand in any order, and a heading above them."""
    try:
        lines = [line for line in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()) if line]
    except (OSError, ValueError, csv.Error) as error:
        raise ModelError(_LABELS, f"{path} cannot be read: {error}") from None
    if any(len(line) < 2 for line in lines):
        text = "of images has a file name and a label a line, such as cats/1.png,cat"
        raise ModelError(_LABELS, f"a table {path.name} {text}; a list of labels alone is a .txt file")
    known: dict[str, int | float | str] = {}
    for line in lines:
        if known.setdefault(line[0].strip(), _number(line[-1].strip())) != _number(line[-1].strip()):
            raise ModelError(_LABELS, f"{path.name} gives '{line[0]}' two labels")
    found = [known.get(str(name), known.get(Path(str(name)).name)) for name in names]
    missing = [name for name, label in zip(names, found, strict=True) if label is None]
    if missing:
        raise ModelError(_LABELS, f"{path.name} has no label for {len(missing)} images, such as {missing[0]}")
    return [label for label in found if label is not None]


def _check_numbers(found: Found) -> None:
    """Refuse inputs that are not finite, naming the first."""
    if found.arrays.dtype.kind != "f":
        return
    for index, array in enumerate(found.arrays):
        if not np.isfinite(array).all():
            raise ModelError(_PATH, f"input '{found.names[index]}' holds values that are not finite")
