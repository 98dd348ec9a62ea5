"""How a study is cut into leases, lanes, chunks and batches: arithmetic on powers of two."""

from __future__ import annotations

from dataclasses import dataclass

LEASE_S = 1.5
"""Wanted time of a lease: short, so that progress is live and little is lost when something dies."""

LONGEST_LEASE_S = 6.0
"""Time that a lease may take for the sake of full batches in `LANES` lanes."""

WIRE_BYTES_S = 50e6
"""Sums that a client sends a second, at most: a lease of a large field is longer."""

LANES = 8
"""Wanted lanes of a lease: a plan can be used again with up to so many ranks."""

CHUNK_BYTES = 64 << 20
"""Outputs of a chunk, at most."""

LANE_BYTES = 16 << 20
"""Sums of a lane from which on there are only as many lanes as ranks, because each is held in memory."""

_WELL_FILLED = 0.75


@dataclass(frozen=True)
class Cut:
    """Sizes of the parts; all but the batch are powers of two, each a divisor of the one before.

    Parameters
    ----------
    lease_bundles : int
        Bundles of a lease: a replicate or a part of it.
    lanes : int
        Lanes of a lease.
    chunk_bundles : int
        Bundles that a lane evaluates before it folds them.
    batch : int
        Rows of a forward.
    """

    lease_bundles: int
    lanes: int
    chunk_bundles: int
    batch: int


@dataclass(frozen=True)
class Costs:
    """What the probe has measured.

    Parameters
    ----------
    n_rows : int
        Forwards of a bundle: its rows, for each case.
    bundle_s : float
        Time of a bundle on one rank: design, forwards and fold.
    bundle_bytes : int
        Outputs of a bundle.
    batch : int
        Rows of a forward, as they pay best.
    smallest_batch : int
        What the model takes at least.
    fixed_batch : int or None
        The only batch that the model takes.
    lane_bytes : int
        Sums of a lane.
    """

    n_rows: int
    bundle_s: float
    bundle_bytes: int
    batch: int
    smallest_batch: int = 1
    fixed_batch: int | None = None
    lane_bytes: int = 0


def cut(costs: Costs, replicate_bundles: int, ranks: int) -> Cut:
    """Choose the sizes for clients of so many ranks.

    Parameters
    ----------
    costs : Costs
        What the probe has measured.
    replicate_bundles : int
        A power of two.
    ranks : int
        Ranks of a client.

    Notes
    -----
    A lease takes about `LEASE_S`, unless its sums are large or full batches in every lane need more. The
    lanes are fewer where they would make it last longer than `LONGEST_LEASE_S` or take much memory, but
    there is one for each rank.

    Examples
    --------
    >>> costs = Costs(n_rows=8, bundle_s=1e-3, bundle_bytes=64, batch=64)
    >>> cut(costs, replicate_bundles=4096, ranks=2)
    Cut(lease_bundles=2048, lanes=8, chunk_bundles=256, batch=64)
    """
    full = full_batch_bundles(costs.n_rows, costs.fixed_batch or costs.batch, costs.fixed_batch is not None)
    fewest = power_of_two_above(ranks)
    lanes = fewest if costs.lane_bytes > LANE_BYTES else max(LANES, fewest)
    while lanes > fewest and lanes * full * costs.bundle_s > LONGEST_LEASE_S * ranks:
        lanes //= 2
    lease_s = min(LONGEST_LEASE_S, max(LEASE_S, costs.lane_bytes / WIRE_BYTES_S))
    wanted = power_of_two_below(int(lease_s * ranks / costs.bundle_s))
    lease = min(replicate_bundles, max(wanted, lanes * full))
    lanes = min(lanes, lease)
    chunk = min(lease // lanes, power_of_two_below(CHUNK_BYTES // costs.bundle_bytes))
    even = max(costs.smallest_batch, even_batch(chunk * costs.n_rows, costs.batch))
    return Cut(lease, lanes, chunk, costs.fixed_batch or even)


def largest_batch(n_rows: int, replicate_bundles: int) -> int:
    """Return the largest batch worth trying: what a lane of a replicate fills, rounded to a power of two.

    A larger one could not be filled, and trying it would cost a small study more than its own forwards.

    Examples
    --------
    >>> largest_batch(38, 16), largest_batch(37, 1), largest_batch(8, 4096)
    (128, 64, 4096)
    """
    return power_of_two_above(max(1, replicate_bundles // LANES) * n_rows)


def even_batch(rows: int, batch: int) -> int:
    """Cut rows into equal batches no larger than `batch`, so that little is padded.

    Examples
    --------
    >>> even_batch(1536, 1024), even_batch(48, 4096)
    (768, 48)
    """
    parts = -(-rows // batch)
    return -(-rows // parts)


def power_of_two_below(value: int) -> int:
    """Round down to a power of two, 1 at least.

    Examples
    --------
    >>> [power_of_two_below(value) for value in (0, 1, 5, 8)]
    [1, 1, 4, 8]
    """
    return 1 << (max(1, value).bit_length() - 1)


def power_of_two_above(value: int) -> int:
    """Round up to a power of two.

    Examples
    --------
    >>> [power_of_two_above(value) for value in (1, 5, 8)]
    [1, 8, 8]
    """
    return 1 << (value - 1).bit_length()


def full_batch_bundles(n_rows: int, batch: int, fixed: bool) -> int:
    """Return the bundles that fill a batch, a power of two; a fixed one so well that little is padding.

    Examples
    --------
    >>> full_batch_bundles(8, 64, fixed=False), full_batch_bundles(25, 64, fixed=False)
    (8, 2)
    >>> full_batch_bundles(70, 64, fixed=True)  # one bundle would fill 70 of 128 rows
    4
    """
    if not fixed:
        return power_of_two_below(batch // n_rows)
    bundles = 1
    while bundles * n_rows < _WELL_FILLED * batch * -(-bundles * n_rows // batch):
        bundles *= 2
    return bundles
