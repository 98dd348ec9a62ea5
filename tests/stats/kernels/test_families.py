"""The families of sums: every kernel gives the bits of a plain loop over bundles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from parsl_sa.stats.compile import FIELD_BLOCK
from parsl_sa.stats.kernels import both_ways, correlated, mixed, paired, powers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

D = 3
N_CELLS = 2 * FIELD_BLOCK + 70
PIVOT = np.linspace(-1.0, 1.0, N_CELLS)
PIVOT.flags.writeable = False  # as statistics pass it


def paired_terms(rows: np.ndarray) -> Iterator[np.ndarray]:
    A, B, AB = rows[0], rows[1], rows[2 : 2 + D]
    yield (A - B) ** 2
    yield from (B - AB) ** 2
    yield from (A - AB) ** 2


def both_ways_terms(rows: np.ndarray) -> Iterator[np.ndarray]:
    A, B, AB, BA = rows[0], rows[1], rows[2 : 2 + D], rows[2 + D :]
    yield from (BA - B) * (A - AB)
    yield from (BA - B) ** 2 + (A - AB) ** 2
    yield from (A - B) ** 2 + (BA - AB) ** 2


def correlated_terms(rows: np.ndarray) -> Iterator[np.ndarray]:
    A, B, AB = rows[0] - PIVOT, rows[1] - PIVOT, rows[2 : 2 + D] - PIVOT
    yield from (A, A**2, B, B**2)
    yield from AB
    yield from AB**2
    yield from A * AB
    yield from B * AB


def mixed_terms(rows: np.ndarray) -> Iterator[np.ndarray]:
    A, B, AB = rows[0], rows[1], rows[2 : 2 + D]
    yield (A - B) ** 2
    yield from (B - PIVOT) * (AB - A)
    yield from (AB - A) ** 2


FAMILIES = [
    pytest.param(mixed, mixed_terms, id="mixed"),
    pytest.param(paired, paired_terms, id="paired"),
    pytest.param(both_ways, both_ways_terms, id="both-ways"),
    pytest.param(correlated, correlated_terms, id="correlated"),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("family", "terms"), FAMILIES)
def test_every_kernel_gives_the_bits_of_a_loop_over_bundles(
    family: ModuleType, terms: object, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.random.default_rng(0).normal(1.0, 2.0, (12, 2 * D + 2, N_CELLS)).astype(dtype)
    rows.flags.writeable = False
    kept = np.array([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11])  # 4 and 4 and 3, one left out
    expected: np.ndarray | None = None
    for bundle in kept:
        added = np.stack(list(terms(rows[bundle].astype(np.float64))))  # type: ignore[operator]
        expected = added if expected is None else expected + added
    assert expected is not None
    sums = {}
    for name, smallest, few in (("serial", 1 << 60, 0), ("parallel", 0, 0), ("few", 0, 1 << 60)):
        monkeypatch.setattr(family, "PARALLEL_SIZE", smallest)
        monkeypatch.setattr(family, "FEW_CELLS", few)
        sums[name] = np.zeros_like(expected)
        family.fold(rows, kept, PIVOT, sums[name])
    for name, found in sums.items():
        np.testing.assert_array_equal(found, expected, err_msg=name)


@pytest.mark.parametrize("n_used", [1, 2, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_powers_add_row_after_row(dtype: type, n_used: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(1).normal(1.0, 2.0, (7, 2 * D + 2, N_CELLS)).astype(dtype)
    rows.flags.writeable = False
    kept = np.array([0, 1, 3, 4, 6])
    expected = np.zeros((2, N_CELLS))
    for row in rows[kept, :n_used].astype(np.float64).reshape(-1, N_CELLS) - PIVOT:
        expected += np.stack([row, row**2])
    for smallest, few in ((1 << 60, 0), (0, 0), (0, 1 << 60)):
        monkeypatch.setattr(powers, "PARALLEL_SIZE", smallest)
        monkeypatch.setattr(powers, "FEW_CELLS", few)
        found = np.zeros((2, N_CELLS))
        powers.fold(rows, kept, n_used, PIVOT, found)
        np.testing.assert_array_equal(found, expected)
