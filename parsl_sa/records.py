"""The plain records that rooms exchange: the layout of a bundle, the cells, the frozen plan.

Records are frozen dataclasses of plain values. They know how to become JSON and back and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CASE = "case"
"""Name of the axis of the base inputs."""


@dataclass(frozen=True)
class Layout:
    """Which rows one bundle has, and in which order.

    Parameters
    ----------
    method : str
        ``"pick-freeze"``, ``"conditional"``, ``"one-at-a-time"`` or ``"monte-carlo"``.
    d : int
        Number of factors: groups of parameters, and uncertain parameters that are in none.
    both_ways : bool
        Whether a pick-freeze bundle also has the rows BA_1 .. BA_d.

    Notes
    -----
    Pick-freeze rows stand in the order A, B, AB_1 .. AB_d [, BA_1 .. BA_d], where AB_i is A with
    the columns of factor i taken from B. One-at-a-time rows are the same without B: A, AB_1 .. AB_d.
    A Monte Carlo bundle is one row.

    Conditional rows, for factors that depend on each other, stand in the order A, B, F_1 .. F_d,
    T_1 .. T_d. F_i has factor i of B and the others drawn given it, with A's innovations: its partner is
    B, with which it shares factor i alone. T_i has all of A but factor i, drawn anew given the others with
    B's innovation: its partner is A.

    Examples
    --------
    >>> Layout("pick-freeze", 3, both_ways=True).n_rows
    8
    """

    method: str
    d: int
    both_ways: bool = False

    @property
    def n_rows(self) -> int:
        """Rows of one bundle."""
        if self.method == "monte-carlo":
            return 1
        if self.method == "one-at-a-time":
            return self.d + 1
        return 2 * self.d + 2 if self.both_ways or self.method == "conditional" else self.d + 2

    @property
    def alone(self) -> slice:
        """The d rows that differ from A in one factor alone; none in a Monte Carlo bundle."""
        if self.method == "monte-carlo":
            return slice(0, 0)
        first = self.n_base_rows + (self.d if self.method == "conditional" else 0)
        return slice(first, first + self.d)

    @property
    def n_base_rows(self) -> int:
        """Rows at the head of a bundle that are drawn by themselves and not made from others."""
        return 1 if self.method in {"monte-carlo", "one-at-a-time"} else 2


@dataclass(frozen=True)
class Quantity:
    """One quantity of interest and its place among the cells of a study.

    Parameters
    ----------
    name : str
        The name the spec gives it.
    dims : tuple of str
        Names of its axes; empty for a scalar.
    shape : tuple of int
        Lengths of its axes; empty for a scalar.
    start : int
        Index of its first cell in the concatenation of all quantities.
    unit : str
        Physical unit, empty where none is stated.
    coords : mapping of str to tuple of str or float
        Coordinates along an axis where the model or its inputs state them: names of classes. What the spec
        states stands in the spec.
    """

    name: str
    dims: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    start: int = 0
    unit: str = ""
    coords: Mapping[str, tuple[str | float, ...]] = field(default_factory=dict, hash=False)

    @property
    def n_cells(self) -> int:
        """Number of its cells; 1 for a scalar."""
        return prod(self.shape)

    @property
    def cells(self) -> slice:
        """Its slice of the cell axis."""
        return slice(self.start, self.start + self.n_cells)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; coordinates only where there are some, as in plans of older versions."""
        plain = asdict(self)
        coords = {dim: list(values) for dim, values in plain.pop("coords").items()}
        return {**plain, "coords": coords} if coords else plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Quantity:
        """Build a quantity from what `to_json` returned."""
        coords = {dim: tuple(values) for dim, values in plain.get("coords", {}).items()}
        lists = {"dims": tuple(plain["dims"]), "shape": tuple(plain["shape"])}
        return cls(**{**plain, **lists, "coords": coords})


@dataclass(frozen=True)
class Plan:
    """Everything that the bits of a result depend on, frozen before the first lease.

    Parameters
    ----------
    science : str
        Digest of the parts of the spec that results depend on, and of the model's files.
    layout : Layout
        Rows of a bundle.
    quantities : tuple of Quantity
        The cells.
    dtype : str
        dtype of a row of outputs, ``"float32"`` or ``"float64"``.
    replicates, replicate_bundles : int
        L, and the power-of-two number of bundles of one replicate.
    lease_bundles : int
        Bundles of one lease: `replicate_bundles` or a power-of-two part of it.
    lanes : int
        Power-of-two number of partial sums of one lease, merged in a fixed binary tree.
    chunk_bundles : int
        Power-of-two number of bundles of a lane that are evaluated before they are folded.
    batch : int
        Rows of every forward; the last one of a chunk is padded.
    threads : int
        torch and Numba threads of one rank.
    shards : int
        Number of reducer shards.
    contribution : str
        What a lease sends, whichever is smaller: ``"partial"``, merged sums, or ``"rows"``, the outputs.
    seed : int
        Seed of the design.
    pivots_digest : str
        Digest of `pivots.npy`, the float64 shift of every cell; NaN where the cell is masked.
    weights_digest : str
        Digest of `weights.npy`, the weight of every cell in aggregated indices; empty where all are 1.
    masked : dict of str to int
        Masked cells of each quantity that has some: in every probed row they held no finite number.
    hardware : dict
        What must agree for identical bits: machine, CPU capability, device.
    versions, model_hashes : dict
        Provenance, by package and by file name.
    forward_s : float
        Seconds of one forward of `batch` rows on one rank, as the probe measured it.
    cases : int
        Base inputs that every row is evaluated for; 1 where there is none.
    """

    science: str
    layout: Layout
    quantities: tuple[Quantity, ...]
    dtype: str
    replicates: int
    replicate_bundles: int
    lease_bundles: int
    lanes: int
    chunk_bundles: int
    batch: int
    threads: int
    shards: int
    contribution: str
    seed: int
    pivots_digest: str
    weights_digest: str = ""
    masked: dict[str, int] = field(default_factory=dict)
    hardware: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    model_hashes: dict[str, str] = field(default_factory=dict)
    forward_s: float = 0.0
    cases: int = 1

    @property
    def n_cells(self) -> int:
        """Cells of all quantities together."""
        return sum(quantity.n_cells for quantity in self.quantities)

    @property
    def n_bundles(self) -> int:
        """Planned bundles: L whole replicates."""
        return self.replicates * self.replicate_bundles

    @property
    def n_leases(self) -> int:
        """Number of leases."""
        return self.n_bundles // self.lease_bundles

    @property
    def leases_per_replicate(self) -> int:
        """Leases that close one replicate."""
        return self.replicate_bundles // self.lease_bundles

    @property
    def n_forwards(self) -> int:
        """Rows evaluated by the whole study, each for every case."""
        return self.n_bundles * self.bundle_forwards

    @property
    def bundle_forwards(self) -> int:
        """Rows evaluated for one bundle, each for every case."""
        return self.layout.n_rows * self.cases

    def bundles(self, lease: int) -> tuple[int, int]:
        """Return the half-open range of bundle indices of a lease."""
        return lease * self.lease_bundles, (lease + 1) * self.lease_bundles

    @property
    def digest(self) -> str:
        """Digest of what every party must agree on: the whole plan but its timings."""
        plain = self.to_json()
        del plain["forward_s"]
        return digest_of(plain)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; later fields are left out where they say nothing."""
        plain = {**asdict(self), "quantities": [quantity.to_json() for quantity in self.quantities]}
        if self.cases == 1:
            del plain["cases"]
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Plan:
        """Build a plan from what `to_json` returned.

        Raises
        ------
        TypeError, KeyError
            If a field is missing or unknown.
        """
        known = {f.name for f in fields(cls)}
        unknown = set(plain) - known
        if unknown:
            raise TypeError(f"unknown fields in the plan: {', '.join(sorted(unknown))}")
        required = {one.name for one in fields(cls) if one.default is one.default_factory is MISSING}
        if absent := required - set(plain):
            raise TypeError(f"fields missing from the plan: {', '.join(sorted(absent))}")
        values = dict(plain)
        values["layout"] = Layout(**values["layout"])
        values["quantities"] = tuple(Quantity.from_json(quantity) for quantity in values["quantities"])
        return cls(**values)


def digest_of(plain: Any) -> str:
    """Return the hexadecimal BLAKE2b-128 digest of a JSON value in canonical form.

    Examples
    --------
    >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    True
    """
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
