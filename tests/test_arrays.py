from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsl_sa.arrays import DTYPES, Limits, checksum, pack, unpack
from parsl_sa.errors import FrameError

PREFIX_BYTES = 6


def first(header: object, arrays: object) -> bytes:
    text = json.dumps({"arrays": arrays, "header": header})
    return struct.pack("<4sH", b"PSAM", 1) + text.encode()


def sample(name: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(7)
    return (rng.random(shape) * 200).astype(name)


# --- frames


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (5,), (2, 3, 4)])
def test_round_trip(name: str, shape: tuple[int, ...]) -> None:
    array = sample(name, shape)
    header = {"kind": "slab", "n": [1, None, True, 2.5, "ü"], "big": 2**70}
    got_header, (got,) = unpack([bytes(frame) for frame in pack(header, [array])])
    assert got_header == header
    assert got.dtype == array.dtype
    assert got.shape == array.shape
    assert got.tobytes() == array.tobytes()
    assert not got.flags.writeable


def test_nan_and_infinity_in_arrays_are_data() -> None:
    array = np.array([np.nan, np.inf, -0.0])
    (got,) = unpack(pack({}, [array]))[1]
    assert got.tobytes() == array.tobytes()


def test_contiguous_arrays_are_not_copied_either_way() -> None:
    array = np.arange(1000.0)
    frames = pack({}, [array])
    assert np.shares_memory(np.frombuffer(frames[1], np.uint8), array)
    (got,) = unpack(frames)[1]
    assert np.shares_memory(got, array)


def test_strided_and_big_endian_arrays_arrive_as_values() -> None:
    strided = np.arange(24.0).reshape(4, 6)[::2, ::-1].T
    swapped = np.arange(5, dtype=">i8")
    a, b = unpack(pack({}, [strided, swapped]))[1]
    np.testing.assert_array_equal(a, strided)
    np.testing.assert_array_equal(b, swapped)
    assert b.dtype == np.dtype("<i8")


@pytest.mark.parametrize("offset", range(1, 8))
def test_unaligned_frames_give_aligned_arrays(offset: int) -> None:
    array = np.arange(10.0)
    buffer = np.zeros(array.nbytes + 8, np.uint8)
    buffer[offset : offset + array.nbytes] = array.view(np.uint8)
    frames = pack({}, [array])
    (got,) = unpack([frames[0], memoryview(buffer)[offset : offset + array.nbytes]])[1]
    assert got.flags.aligned
    np.testing.assert_array_equal(got, array)


@pytest.mark.parametrize(
    "header",
    [{"x": float("nan")}, {"x": [float("inf")]}, {"x": -float("inf")}, {"x": object()}, {1: 2}, [], None],
)
def test_headers_that_are_not_plain_finite_json_are_refused(header: object) -> None:
    with pytest.raises(FrameError, match="header: expected"):
        pack(header)  # type: ignore[arg-type]


def test_a_header_that_contains_itself_is_refused() -> None:
    header: dict[str, object] = {}
    header["self"] = header
    with pytest.raises(FrameError, match="plain finite JSON"):
        pack(header)


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.array([object()]), np.array([1j]), np.zeros(2, "f2"), np.zeros((1,) * 9)]
)
def test_arrays_off_the_list_are_refused(array: np.ndarray) -> None:
    with pytest.raises(FrameError, match="array: expected"):
        pack({}, [array])


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused_on_arrival(text: str) -> None:
    frame = struct.pack("<4sH", b"PSAM", 1) + b'{"arrays":[],"header":{"x":%s}}' % text.encode()
    with pytest.raises(FrameError, match="finite"):
        unpack([frame])


BAD_FRAMES = {
    "no frame": ([], "at least frame 0"),
    "empty": ([b""], "at least 6 bytes"),
    "magic": ([b"XXXX" + first({}, [])[4:]], "expected b'PSAM' version 1"),
    "version": ([first({}, []).replace(b"\x01\x00", b"\x02\x00", 1)], "version 2"),
    "not JSON": ([first({}, [])[:-1]], "finite JSON"),
    "not UTF-8": ([first({}, [])[:PREFIX_BYTES] + b"\xff"], "finite JSON"),
    "nested": ([first({}, [])[:PREFIX_BYTES] + b"[" * 200_000], "finite JSON"),
    "long integer": ([first({}, [])[:PREFIX_BYTES] + b"9" * 100_000], "finite JSON"),
    "list": ([first({}, [])[:PREFIX_BYTES] + b"[]"], "'arrays' and 'header' alone"),
    "header is a list": ([first([], [])], "'header' to be an object"),
    "arrays is an object": ([first({}, {})], "'arrays' a list"),
    "too few buffers": ([first({}, [{"dtype": "uint8", "shape": [1]}])], "expected 1 buffers, got 0"),
    "too many buffers": ([first({}, []), b""], "expected 0 buffers, got 1"),
    "descriptor": ([first({}, [3]), b""], "a descriptor"),
    "extra key": ([first({}, [{"dtype": "uint8", "shape": [0], "order": "F"}]), b""], "a descriptor"),
    "dtype": ([first({}, [{"dtype": "object", "shape": [1]}]), b"12345678"], "a dtype of"),
    "dtype is a list": ([first({}, [{"dtype": ["f8"], "shape": [1]}]), b"12345678"], "a dtype of"),
    "shape": ([first({}, [{"dtype": "uint8", "shape": 1}]), b"1"], "a shape of at most 8"),
    "axes": ([first({}, [{"dtype": "uint8", "shape": [1] * 9}]), b"1"], "a shape of at most 8"),
    "negative": ([first({}, [{"dtype": "uint8", "shape": [-1, -1]}]), b"1"], "lengths from 0"),
    "bool length": ([first({}, [{"dtype": "uint8", "shape": [True]}]), b"1"], "lengths from 0"),
    "float length": ([first({}, [{"dtype": "uint8", "shape": [1.0]}]), b"1"], "lengths from 0"),
    "short": ([first({}, [{"dtype": "float64", "shape": [2]}]), b"x" * 15], "expected 16 bytes for float64"),
    "long": ([first({}, [{"dtype": "float64", "shape": [2]}]), b"x" * 17], "expected 16 bytes for float64"),
    "hidden": ([first({}, [{"dtype": "uint8", "shape": [0, 2**47, 2**47]}]), b""], "can be addressed"),
    "bool": ([first({}, [{"dtype": "bool", "shape": [2]}]), b"\x01\x02"], "bool bytes of 0 or 1"),
}


@pytest.mark.parametrize("case", BAD_FRAMES)
def test_malformed_frames_say_what_was_expected(case: str) -> None:
    frames, message = BAD_FRAMES[case]
    with pytest.raises(FrameError, match=message):
        unpack(frames)


def test_limits_hold_in_both_directions() -> None:
    ones = [np.zeros(1, np.uint8)] * 5
    for limits, message in [
        (Limits(n_arrays=4), "at most 4 arrays; got 5"),
        (Limits(header_bytes=20), "header: expected at most 20 bytes"),
        (Limits(size_bytes=100), "message: expected at most 100 bytes"),
    ]:
        with pytest.raises(FrameError, match=message):
            pack({}, ones, limits)
        with pytest.raises(FrameError, match=message):
            unpack(pack({}, ones), limits)


def test_default_limits() -> None:
    pack({"x": "a" * (240 << 10)}, [np.zeros(1)] * 256)
    with pytest.raises(FrameError, match="header"):
        pack({"x": "a" * (256 << 10)})
    with pytest.raises(FrameError, match="at most 256 arrays"):
        pack({}, [np.zeros(1)] * 257)


def assert_consistent(frames: list[bytes]) -> None:
    """Either FrameError, or arrays that are exactly what frame 0 and the buffers state."""
    try:
        header, arrays = unpack(frames)
    except FrameError:
        return
    stated = json.loads(frames[0][PREFIX_BYTES:])
    assert header == stated["header"]
    assert [{"dtype": a.dtype.name, "shape": list(a.shape)} for a in arrays] == stated["arrays"]
    assert [a.tobytes() for a in arrays] == list(frames[1:])


PACKED = [
    bytes(frame)
    for frame in pack(
        {"kind": "slab", "lease": 12, "x": 1.5, "nested": {"a": [1, 2, None, True]}},
        [sample("float64", (2, 3)), sample("bool", (5,)), sample("uint32", (0, 4)), sample("uint8", ())],
    )
]
MUTATION = st.tuples(
    st.sampled_from(["set", "insert", "delete", "cut", "drop", "repeat", "swap"]),
    st.integers(0, len(PACKED) - 1),
    st.integers(0, 400),
    st.sampled_from([*range(32, 127), 0, 1, 2, 255, 128]),
)


def mutate(frames: list[bytes], mutation: tuple[str, int, int, int]) -> list[bytes]:
    kind, index, at, value = mutation
    if not frames:
        return frames
    index %= len(frames)
    frame = frames[index]
    at %= len(frame) + 1
    if kind == "drop":
        return frames[:index] + frames[index + 1 :]
    if kind == "repeat":
        return frames[: index + 1] + frames[index:]
    if kind == "swap":
        other = at % len(frames)
        frames = list(frames)
        frames[index], frames[other] = frames[other], frames[index]
        return frames
    changed = {
        "set": frame[:at] + bytes([value]) + frame[at + 1 :],
        "insert": frame[:at] + bytes([value]) + frame[at:],
        "delete": frame[:at] + frame[at + 1 :],
        "cut": frame[:at],
    }[kind]
    return [*frames[:index], changed, *frames[index + 1 :]]


@settings(max_examples=2000, deadline=None)
@given(st.lists(MUTATION, min_size=1, max_size=4))
def test_mutated_messages_never_lie(mutations: list[tuple[str, int, int, int]]) -> None:
    frames = PACKED
    for mutation in mutations:
        frames = mutate(frames, mutation)
    assert_consistent(frames)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(list(DTYPES)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["arrays", "header", "dtype", "shape", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)
DESCRIPTOR = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(list(DTYPES)) | JSON,
        "shape": st.lists(st.integers(0, 4) | JSON, max_size=4) | JSON,
    }
)


@settings(max_examples=1000, deadline=None)
@given(JSON, st.lists(DESCRIPTOR, max_size=3) | JSON, st.lists(st.binary(max_size=40), max_size=3))
def test_any_json_is_refused_or_true(header: object, arrays: object, buffers: list[bytes]) -> None:
    assert_consistent([first(header, arrays), *buffers])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=4))
def test_noise_is_refused(frames: list[bytes]) -> None:
    with pytest.raises(FrameError):
        unpack(frames)


# --- checksum


def test_checksum_sees_bytes_shape_dtype_and_order() -> None:
    a, b = np.arange(6.0), np.arange(6.0) + 1
    variants = [
        checksum(a),
        checksum(a.reshape(2, 3)),
        checksum(a.view(np.int64)),
        checksum(a, b),
        checksum(b, a),
        checksum(),
        checksum(np.nextafter(a, 9.0)),
    ]
    assert len(set(variants)) == len(variants)
    assert checksum(np.arange(12.0)[::2]) == checksum(np.arange(12.0)[::2].copy())
    assert len(checksum(a)) == 32
