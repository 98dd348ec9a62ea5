"""Random numbers by place: a counter-based generator over arrays of counters.

NumPy's own Philox runs along one stream; rejection needs the numbers of scattered places at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from parsl_sa.design.sequences import BITS

if TYPE_CHECKING:
    from parsl_sa.design.protocol import Floats

Words = npt.NDArray[np.uint64]

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_LOW, _SHIFT = np.uint64(0xFFFFFFFF), np.uint64(32)


def philox(counters: tuple[Words, Words, Words, Words], key: tuple[int, int]) -> tuple[Words, ...]:
    """Return four random words of 32 bits for every counter: Philox 4x32, ten rounds [1]_.

    Parameters
    ----------
    counters : tuple of ndarray of uint64
        The four words of 32 bits of each counter; broadcast against each other.
    key : tuple of int
        Two words of 32 bits.

    References
    ----------
    .. [1] Salmon, Moraes, Dror and Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, SC11.
       doi:10.1145/2063384.2063405
    """
    a, b, c, d = counters
    k, m = key
    for _ in range(_ROUNDS):
        left, right = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, c = (right >> _SHIFT) ^ b ^ np.uint64(k), (left >> _SHIFT) ^ d ^ np.uint64(m)
        b, d = right & _LOW, left & _LOW
        k, m = (k + _KEY_STEPS[0]) & 0xFFFFFFFF, (m + _KEY_STEPS[1]) & 0xFFFFFFFF
    return a, b, c, d


def points_at(
    bundles: npt.NDArray[np.int64],
    candidates: npt.NDArray[np.int64],
    dimensions: int,
    *,
    lane: int,
    key: tuple[int, int],
) -> Floats:
    """Return points of the unit cube, each a function of key, lane, bundle and candidate.

    Parameters
    ----------
    bundles : ndarray of int64, shape (n,)
        Indices of bundles.
    candidates : ndarray of int64, shape (k,)
        Indices of candidates of each of these bundles.
    dimensions : int
        Coordinates of a point.
    lane : int
        Tells apart the streams of one bundle; under 2^32.
    key : tuple of int
        Two words of 32 bits, from the seed.

    Returns
    -------
    ndarray of float64, shape (n, k, dimensions)
        Odd multiples of 2^-53, as those of a sequence.
    """
    pairs = -(-dimensions // 2)
    place = (candidates[:, None] * pairs + np.arange(pairs)).astype(np.uint64)[None]
    bundle = bundles.astype(np.uint64)[:, None, None]
    four = philox((bundle & _LOW, bundle >> _SHIFT, place, np.uint64(lane) + 0 * place), key)
    words = np.stack([four[0] << _SHIFT | four[1], four[2] << _SHIFT | four[3]], axis=-1)
    lattice = words.reshape(len(bundles), len(candidates), 2 * pairs)[..., :dimensions] >> np.uint64(
        64 - BITS
    )
    return lattice.astype(np.float64) * 2.0**-BITS + 2.0 ** -(BITS + 1)
