"""Normal numbers that are a function of a seed and a place: the same on every machine, in any order."""

from __future__ import annotations

import math

import torch

# Steele, Lea and Flood's SplitMix64, as signed 64-bit integers (torch has no others with full arithmetic).
_STEP = -7046029254386353131
_MIX = (-4658895280553007687, -7723592293110705685)


def normals(seeds: torch.Tensor, n: int, stream: int = 0) -> torch.Tensor:
    """Return normal numbers for each of several seeds.

    Parameters
    ----------
    seeds : Tensor of int64, shape (batch,)
        Seeds; equal ones give equal numbers.
    n : int
        Numbers a seed.
    stream : int
        Separates uses of the same seed.

    Returns
    -------
    Tensor of float64, shape (batch, n)
        Mean 0, variance 1.

    Notes
    -----
    Counter-based: the number at a place depends on seed, stream and place alone, so that a batch can be cut
    anywhere. Uniform numbers of 52 bits at the centres of their cells go through the normal quantile.

    References
    ----------
    .. [1] Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators, OOPSLA.
       doi:10.1145/2660193.2660195

    Examples
    --------
    >>> one, other = normals(torch.tensor([7, 8]), 1000)
    >>> bool(one.equal(normals(torch.tensor([7]), 1000)[0])), bool(one.equal(other))
    (True, False)
    """
    origins = _mixed(seeds * 2 + 1 + _mixed(torch.tensor([stream], device=seeds.device)))
    places = torch.arange(1, n + 1, dtype=torch.int64, device=seeds.device)
    bits = _shifted(_mixed(origins[:, None] + places * _STEP), 12)
    uniform = (bits.to(torch.float64) + 0.5) * 2.0**-52
    return math.sqrt(2.0) * torch.erfinv(2.0 * uniform - 1.0)


def _mixed(words: torch.Tensor) -> torch.Tensor:
    words = (words ^ _shifted(words, 30)) * _MIX[0]
    words = (words ^ _shifted(words, 27)) * _MIX[1]
    return words ^ _shifted(words, 31)


def _shifted(words: torch.Tensor, places: int) -> torch.Tensor:
    """Shift right and fill with zeros, where torch would repeat the sign."""
    shifted: torch.Tensor = (words >> places) & (2 ** (64 - places) - 1)
    return shifted
