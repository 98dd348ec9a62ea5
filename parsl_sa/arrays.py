"""Arrays as bytes: frames for the wire and, in `framefile`, for the disk; no pickle in either.

A packed message is a list of frames. Frame 0 is a short binary prefix (magic, version) and a JSON
object with the caller's header and one descriptor an array; every further frame is the raw little-endian
buffer of one array. Whatever comes off a socket or a disk is believed only after every one of these
has been compared with every other.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from parsl_sa.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Sequence

Frame: TypeAlias = bytes | memoryview
Array: TypeAlias = npt.NDArray[Any]

DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "float64": np.dtype("<f8"),
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
    "uint32": np.dtype("<u4"),
    "uint8": np.dtype("u1"),
    "bool": np.dtype("?"),
}
MAX_NDIM = 8

_PREFIX = struct.Struct("<4sH")
_MAGIC, _VERSION = b"PSAM", 1


@dataclass(frozen=True)
class Limits:
    """How much one message may claim before anything of it is believed.

    Parameters
    ----------
    size_bytes : int
        Bytes of all frames together.
    header_bytes : int
        Bytes of frame 0.
    n_arrays : int
        Number of arrays.
    """

    size_bytes: int = 64 << 20
    header_bytes: int = 256 << 10
    n_arrays: int = 256


WIRE = Limits()
DISK = Limits(size_bytes=1 << 50)


def pack(header: dict[str, Any], arrays: Sequence[Array] = (), limits: Limits = WIRE) -> list[Frame]:
    """Turn a header and arrays into frames.

    Parameters
    ----------
    header : dict
        Plain JSON values under string keys; no NaN or infinity.
    arrays : sequence of ndarray
        dtypes of `DTYPES`, any shape of at most `MAX_NDIM` axes.
    limits : Limits
        What the receiver accepts; `WIRE` for a socket, `DISK` for a file.

    Returns
    -------
    list of bytes or memoryview
        Frame 0, then a buffer an array. Buffers of C-contiguous arrays are views of their memory,
        so such an array must not be written to until its frames have been used.

    Raises
    ------
    FrameError
        If the header is not plain JSON, a dtype is not on the list, or a limit is exceeded.

    Examples
    --------
    >>> frames = pack({"kind": "ready", "lease": 3}, [np.arange(3.0)])
    >>> len(frames), len(frames[1])
    (2, 24)
    >>> unpack(frames)
    ({'kind': 'ready', 'lease': 3}, (array([0., 1., 2.]),))
    """
    plain = [_as_plain(array) for array in arrays]
    descriptors = [{"dtype": array.dtype.name, "shape": list(array.shape)} for array in plain]
    if not isinstance(header, dict) or not all(isinstance(key, str) for key in header):
        raise FrameError("header: expected a dict with string keys")
    try:
        text = json.dumps({"arrays": descriptors, "header": header}, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise FrameError(f"header: expected plain finite JSON values; {error}") from error
    frames: list[Frame] = [_PREFIX.pack(_MAGIC, _VERSION) + text.encode("ascii")]
    frames += [_buffer(array) for array in plain]
    _check_sizes(frames, limits)
    return frames


def unpack(frames: Sequence[Frame], limits: Limits = WIRE) -> tuple[dict[str, Any], tuple[Array, ...]]:
    """Check frames and turn them back into a header and arrays.

    Parameters
    ----------
    frames : sequence of bytes or memoryview
        What `pack` made, or anything at all.
    limits : Limits
        Above these nothing is even parsed.

    Returns
    -------
    header : dict
    arrays : tuple of ndarray
        Read-only, aligned, C-contiguous; views of the frames wherever these are aligned.

    Raises
    ------
    FrameError
        If anything does not agree with anything else; the message says what was expected.
    """
    if not frames:
        raise FrameError("message: expected at least frame 0, got no frame")
    _check_sizes(frames, limits)
    header, descriptors = _parse_first(frames[0])
    if len(descriptors) != len(frames) - 1:
        raise FrameError(f"message: expected {len(descriptors)} buffers, got {len(frames) - 1}")
    pairs = zip(descriptors, frames[1:], strict=True)
    return header, tuple(_restore(index, d, frame) for index, (d, frame) in enumerate(pairs))


def checksum(*arrays: Array) -> str:
    """Digest arrays: BLAKE2b-128 over dtype, shape and bytes of each, in hexadecimal.

    Examples
    --------
    >>> checksum(np.zeros((2, 3))) == checksum(np.zeros((3, 2)))
    False
    """
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        plain = _as_plain(array)
        digest.update(f"{plain.dtype.name}{list(plain.shape)};".encode())
        digest.update(_buffer(plain))
    return digest.hexdigest()


def _as_plain(array: Array) -> Array:
    """Return the array C-contiguous and little-endian, itself wherever it already is."""
    given = np.asarray(array)
    name = given.dtype.name
    if name not in DTYPES or given.dtype.hasobject:
        raise FrameError(f"array: expected a dtype of {', '.join(DTYPES)}; got {given.dtype}")
    if given.ndim > MAX_NDIM:
        raise FrameError(f"array: expected at most {MAX_NDIM} axes; got {given.ndim}")
    return np.asarray(given, dtype=DTYPES[name], order="C")


def _buffer(array: Array) -> memoryview:
    """Return the bytes of a contiguous array without copying them."""
    return array.reshape(-1).view(np.uint8).data


def _check_sizes(frames: Sequence[Frame], limits: Limits) -> None:
    if len(frames) - 1 > limits.n_arrays:
        raise FrameError(f"message: expected at most {limits.n_arrays} arrays; got {len(frames) - 1}")
    if len(frames[0]) > limits.header_bytes:
        raise FrameError(f"header: expected at most {limits.header_bytes} bytes; got {len(frames[0])}")
    size_bytes = sum(len(frame) for frame in frames)
    if size_bytes > limits.size_bytes:
        raise FrameError(f"message: expected at most {limits.size_bytes} bytes; got {size_bytes}")


def _parse_first(frame: Frame) -> tuple[dict[str, Any], list[Any]]:
    if len(frame) < _PREFIX.size:
        raise FrameError(f"frame 0: expected at least {_PREFIX.size} bytes; got {len(frame)}")
    magic, version = _PREFIX.unpack_from(frame)
    if (magic, version) != (_MAGIC, _VERSION):
        raise FrameError(f"frame 0: expected {_MAGIC!r} version {_VERSION}; got {magic!r} version {version}")
    try:
        text = bytes(frame[_PREFIX.size :]).decode("utf-8")
        plain = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"frame 0: expected finite JSON; {error}") from error
    if not isinstance(plain, dict) or set(plain) != {"arrays", "header"}:
        raise FrameError("frame 0: expected an object with 'arrays' and 'header' alone")
    header, descriptors = plain["header"], plain["arrays"]
    if not isinstance(header, dict) or not isinstance(descriptors, list):
        raise FrameError("frame 0: expected 'header' to be an object and 'arrays' a list")
    return header, descriptors


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not a finite number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value


def _restore(index: int, descriptor: object, frame: Frame) -> Array:
    place = f"array {index}"
    if not isinstance(descriptor, dict) or set(descriptor) != {"dtype", "shape"}:
        raise FrameError(f"{place}: expected a descriptor with 'dtype' and 'shape' alone")
    name, shape = descriptor["dtype"], descriptor["shape"]
    if not isinstance(name, str) or name not in DTYPES:
        raise FrameError(f"{place}: expected a dtype of {', '.join(DTYPES)}; got {name!r}")
    if not isinstance(shape, list) or len(shape) > MAX_NDIM:
        raise FrameError(f"{place}: expected a shape of at most {MAX_NDIM} axes")
    # `type() is int` because True is an int too.
    if not all(type(length) is int and 0 <= length < 1 << 48 for length in shape):
        raise FrameError(f"{place}: expected a shape of lengths from 0 to 2**48; got {shape}")
    dtype = DTYPES[name]
    expected = math.prod(shape) * dtype.itemsize
    if len(frame) != expected:
        raise FrameError(f"{place}: expected {expected} bytes for {name} {shape}; got {len(frame)}")
    # A zero length hides the other lengths from the comparison above; numpy refuses such a product.
    if math.prod(max(length, 1) for length in shape) >= (1 << 60) // dtype.itemsize:
        raise FrameError(f"{place}: expected a shape that can be addressed; got {shape}")
    if name == "bool" and expected and int(np.frombuffer(frame, np.uint8).max()) > 1:
        raise FrameError(f"{place}: expected bool bytes of 0 or 1")
    array = np.frombuffer(frame, dtype).reshape(shape)
    # A decoder may hand out memory at any address, which numpy and Numba treat as another kind of array.
    if not array.flags.aligned:
        array = array.copy()
    array.flags.writeable = False
    return array


if sys.byteorder != "little":  # pragma: no cover - `DTYPES` would name foreign arrays on such a machine
    raise ImportError("parsl-sa needs a little-endian machine")
