"""The counter-based generator: known answers, and points that depend on their place alone."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from parsl_sa.design.counters import philox, points_at


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((2**32 - 1,) * 4, (2**32 - 1,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_known_answers_of_random123(counter, key, answer):
    words = philox(tuple(np.array([word], np.uint64) for word in counter), key)
    assert tuple(int(word[0]) for word in words) == answer


@pytest.mark.parametrize("dimensions", [1, 2, 3, 6])
def test_a_point_depends_on_its_place_alone(dimensions):
    whole = points_at(np.arange(20), np.arange(9), dimensions, lane=1, key=(3, 4))
    assert whole.shape == (20, 9, dimensions)
    part = points_at(np.array([17, 3]), np.arange(4, 7), dimensions, lane=1, key=(3, 4))
    assert (part == whole[[17, 3], 4:7]).all()
    far = points_at(np.array([10**12]), np.arange(2), dimensions, lane=1, key=(3, 4))
    others = [
        points_at(np.arange(20), np.arange(9), dimensions, lane=lane, key=key)
        for lane, key in ((0, (3, 4)), (1, (4, 3)), (1, (3, 5)))
    ]
    values = [set(each.ravel().tolist()) for each in (whole, far, *others)]
    assert len(values[0]) == whole.size
    assert not any(values[i] & values[j] for i in range(len(values)) for j in range(i))


def test_points_are_uniform_on_the_lattice():
    """Five standard errors of the mean of n uniform numbers, and of the correlation of two."""
    points = points_at(np.arange(2048), np.arange(8), 3, lane=0, key=(1, 2)).reshape(-1, 3)
    scaled = points * 2.0**53
    assert (np.mod(scaled, 2) == 1).all()
    n = len(points)
    assert np.abs(points.mean(axis=0) - 0.5).max() < 5 * sqrt(1 / 12 / n)
    correlation = np.corrcoef(np.hstack([points[1:], points[:-1]]), rowvar=False)
    np.fill_diagonal(correlation, 0)
    assert np.abs(correlation).max() < 5 / sqrt(n)
