"""The results on disk: one Zarr v3 store, one group a quantity of interest, provenance on each.

``xarray.open_zarr(path, group="CL")`` reads it without this package.
"""

from __future__ import annotations

import math
import os
import shutil
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
import zarr

from parsl_sa.errors import StudyError
from parsl_sa.results.schema import PARAMETER

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

CHUNK_BYTES = 16 * 2**20
OUTPUTS = "outputs"


def write(path: Path, datasets: Mapping[str, xr.Dataset], attrs: Mapping[str, Any]) -> None:
    """Write a results store, whole or not at all.

    Parameters
    ----------
    path : Path
        The store, ``results.zarr`` of a study; one that is there is replaced.
    datasets : mapping of str to xarray.Dataset
        One a quantity, as `schema.dataset` builds them; its name becomes its group (``L/D`` is two levels).
    attrs : mapping of str to JSON values
        Provenance (`schema.Provenance`), put on the store and on every group; ``created`` is added.

    Raises
    ------
    TypeError
        If an attribute is not a JSON value; the message names it.
    ValueError
        If a name cannot be a group.

    Notes
    -----
    The store is written beside `path`, synced and renamed. A directory cannot be renamed over another, so an
    older store is first moved to ``<name>.previous``; `open_store` and the next `write` find it there should
    the process die between the two renames.
    """
    _check_names(datasets)
    plain = {"created": datetime.now(UTC).isoformat(timespec="seconds"), **_plain_attrs(attrs)}
    path.parent.mkdir(parents=True, exist_ok=True)
    _recover(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        _fill(aside, datasets, plain)
        _sync_tree(aside)
        _replace(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def open_store(path: Path) -> tuple[dict[str, xr.Dataset], dict[str, Any]]:
    """Open a results store; arrays are read when they are first used.

    Parameters
    ----------
    path : Path
        The store that `write` made.

    Returns
    -------
    datasets : dict of str to xarray.Dataset
        In the order they were written.
    attrs : dict
        The provenance.

    Raises
    ------
    StudyError
        If there is no store, or it is not one of ours.
    """
    found = next((place for place in (path, _previous(path)) if (place / "zarr.json").is_file()), None)
    if found is None:
        raise StudyError(f"{path}: no results here; the study has not finished, or this is another directory")
    try:
        attrs = dict(zarr.open_group(found, mode="r").attrs)
        if OUTPUTS not in attrs:
            raise StudyError(f"{path}: a Zarr store, but not one that parsl-sa wrote")
        names = attrs.pop(OUTPUTS)
        # chunks=None: lazily indexed arrays, whether dask is installed or not.
        return {name: xr.open_zarr(found, group=name, chunks=None) for name in names}, attrs
    except (OSError, ValueError, KeyError) as error:
        cure = "remove it, and it is made again from the study's checkpoint"
        raise StudyError(f"{path}: damaged results ({type(error).__name__}: {error}); {cure}") from error


def _fill(root: Path, datasets: Mapping[str, xr.Dataset], attrs: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        # zarr warns that consolidated metadata are not in the v3 specification yet. Without them it is xarray
        # that warns, each time a reader opens a group; other readers ignore the extra key.
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        zarr.create_group(root, attributes={**attrs, OUTPUTS: list(datasets)}, zarr_format=3, overwrite=True)
        for name, ds in datasets.items():
            described = _portable(ds).assign_attrs({**_plain_attrs(ds.attrs), **attrs})
            described.to_zarr(
                root, group=name, mode="a", zarr_format=3, consolidated=False, encoding=_encoding(described)
            )
        zarr.consolidate_metadata(root, zarr_format=3)


def _portable(ds: xr.Dataset) -> xr.Dataset:
    # Fixed-length text has no Zarr v3 specification; objects are stored as the specified type `string`.
    text = {name: ds[name].astype(object) for name in ds.coords if ds[name].dtype.kind in "UT"}
    return ds.drop_encoding().assign_coords(text)


def _encoding(ds: xr.Dataset) -> dict[Hashable, dict[str, Any]]:
    return {
        name: {"chunks": chunk_shape(variable.shape, variable.dtype.itemsize, PARAMETER in variable.dims)}
        for name, variable in ds.data_vars.items()
        if variable.nbytes > CHUNK_BYTES
    }


def chunk_shape(shape: tuple[int, ...], itemsize: int, per_parameter: bool) -> tuple[int, ...]:
    """Choose the chunks of a large array: one parameter at a time, then stretches of the first axis.

    Examples
    --------
    >>> chunk_shape((6, 1000, 10_000), 8, per_parameter=True)
    (1, 209, 10000)
    >>> chunk_shape((10_000_000,), 8, per_parameter=False)
    (2097152,)
    """
    left = max(1, CHUNK_BYTES // itemsize)
    chunks: list[int] = []
    for length in reversed(shape[1:] if per_parameter else shape):
        chunks.insert(0, max(1, min(length, left)))
        left = max(1, left // length)
    return (1, *chunks) if per_parameter else tuple(chunks)


def _check_names(datasets: Mapping[str, xr.Dataset]) -> None:
    for name in datasets:
        parts = name.split("/")
        if any(part in {"", ".", ".."} or part.startswith("__") for part in parts):
            raise ValueError(f"'{name}' cannot name a group of the results: it has an empty or reserved part")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            if above in datasets and parts[depth] in datasets[above].variables:
                raise ValueError(f"outputs '{above}' and '{name}' collide: '{parts[depth]}' is a statistic")


def _plain_attrs(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): _plain(value, str(key)) for key, value in attrs.items()}


def _plain(value: Any, place: str) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{place}[{position}]") for position, item in enumerate(value)]
    raise TypeError(f"attribute {place}: {type(value).__name__} is not a JSON value")


def _previous(path: Path) -> Path:
    return path.with_name(f".{path.name}.previous")


def _recover(path: Path) -> None:
    """Undo a replacement that died half-way, and clear what interrupted writes left."""
    previous = _previous(path)
    if previous.exists() and not path.exists():
        previous.rename(path)
    for left in _leavings(path):
        shutil.rmtree(left, ignore_errors=True)


def _leavings(path: Path) -> Iterator[Path]:
    yield from path.parent.glob(f".{path.name}.*.partial")
    yield from path.parent.glob(f".{path.name}.previous")


def _replace(aside: Path, path: Path) -> None:
    previous = _previous(path)
    if path.exists():
        path.rename(previous)
    aside.rename(path)
    _sync(path.parent)
    shutil.rmtree(previous, ignore_errors=True)


def _sync_tree(root: Path) -> None:
    for folder, _, files in os.walk(root):
        for file in files:
            _sync(Path(folder, file))
        _sync(Path(folder))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
