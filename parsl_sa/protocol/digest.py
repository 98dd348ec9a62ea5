"""What an attempt at a lease left out, as a digest that all attempts must agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsl_sa.records import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable


def lease_digest(lease: int, exclude: Iterable[int], dropped: Iterable[int]) -> str:
    """Return the digest of (lease, exclude, dropped).

    Parameters
    ----------
    lease : int
        Index of the lease.
    exclude : iterable of int
        Bundles that the coordinator gave up.
    dropped : iterable of int
        Bundles found non-finite by the client.

    Examples
    --------
    >>> lease_digest(3, [], [17]) == lease_digest(3, (), (17,))
    True
    """
    return digest_of([lease, sorted(exclude), sorted(dropped)])
