"""How uncertain parameters depend on each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import Field

from parsl_sa.errors import Fault
from parsl_sa.spec.fields import AsTuple, Number, Positive, Section
from parsl_sa.spec.table import TableError, digest_table, read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_Names = Annotated[tuple[str, ...], AsTuple, Field(min_length=2)]
_Matrix = Annotated[tuple[Annotated[tuple[Number, ...], AsTuple], ...], AsTuple]


class DependenceSpec(Section):
    """What every kind of dependence can do."""

    def plain(self, joint: Sequence[str]) -> dict[str, Any]:  # noqa: ARG002 - tables have these columns
        """Return kind and fields as plain values; what `parsl_sa.design` takes.

        Parameters
        ----------
        joint : sequence of str
            Names of the parameters without a distribution of their own.
        """
        return self.model_dump(mode="json", exclude_none=True)

    def science(self) -> dict[str, Any]:
        """Return what results depend on; of a file a digest of its contents."""
        return self.model_dump(mode="json", exclude_none=True)

    def at(self, base_dir: Path) -> DependenceSpec:  # noqa: ARG002 - only files have paths
        """Return it with the path of its file made absolute, and what the file holds pinned down."""
        return self

    def file_faults(self, joint: Sequence[str]) -> Iterator[Fault]:  # noqa: ARG002 - see above
        """Yield what is wrong with its file."""
        yield from ()


class GaussianCopulaSpec(DependenceSpec):
    """Correlated parameters: each keeps its distribution, and the normal scores behind them correlate."""

    kind: Literal["gaussian-copula"] = Field(description="Kind of dependence.")
    parameters: _Names = Field(description="Names of the correlated parameters; all others are independent.")
    correlation: _Matrix | None = Field(
        default=None,
        description="Correlation matrix of the normal scores, rows and columns in the order of `parameters`, "
        "such as [[1, 0.6], [0.6, 1]]. It is the correlation of the parameters themselves where they are "
        "normal, of their logarithms where they are lognormal; elsewhere that of the parameters is closer "
        "to 0.",
    )
    rank_correlation: _Matrix | None = Field(
        default=None,
        description="Instead of `correlation`: Spearman's rank correlations, which do not depend on the "
        "distributions. Exact for continuous ones; for discrete ones, such as `integer`, they come out "
        "smaller.",
    )


class RowsSpec(DependenceSpec):
    """Rows of a table of data, each as likely as another, with replacement."""

    kind: Literal["rows"] = Field(description="Kind of dependence.")
    path: str = Field(
        min_length=1,
        description="The table, relative to the spec: a .csv file with a line of names, of which those of "
        'the parameters with "distribution": "joint" are used, or a .npy file with such fields or with '
        "just these columns.",
    )
    digest: str | None = Field(
        default=None,
        description="Digest of the file's contents; filled in when a study begins, so that it goes on with "
        "the same table.",
    )

    def plain(self, joint: Sequence[str]) -> dict[str, Any]:
        """See `DependenceSpec.plain`; the table is read."""
        values = read_table(Path(self.path), joint, self.digest)
        return {"kind": self.kind, "parameters": list(joint), "values": values}

    def science(self) -> dict[str, Any]:
        """See `DependenceSpec.science`."""
        return {"kind": self.kind, "digest": self.digest or digest_table(Path(self.path))}

    def at(self, base_dir: Path) -> RowsSpec:
        """See `DependenceSpec.at`."""
        path = (base_dir / Path(self.path).expanduser()).resolve()
        digest = self.digest or (digest_table(path) if path.is_file() else None)
        return self.model_copy(update={"path": str(path), "digest": digest})

    def file_faults(self, joint: Sequence[str]) -> Iterator[Fault]:
        """See `DependenceSpec.file_faults`."""
        try:
            read_table(Path(self.path), joint, self.digest)
        except TableError as error:
            for message in error.messages:
                yield Fault("inputs.dependence.path", message)


class SimplexSpec(DependenceSpec):
    """Shares of a total: not negative, with a given sum, by Dirichlet's distribution."""

    kind: Literal["simplex"] = Field(description="Kind of dependence.")
    parameters: _Names = Field(
        description='Names of the shares; each is declared with "distribution": "joint".'
    )
    total: Positive = Field(default=1.0, description="Their sum.")
    concentration: Positive | Annotated[tuple[Positive, ...], AsTuple] = Field(
        default=1.0,
        description="One number for all shares, or one each; 1 makes every division equally likely. The mean "
        "of a share is its concentration over the sum of all; large ones vary less.",
    )


class ConstraintSpec(Section):
    """A bound on a weighted sum of parameters."""

    coefficients: dict[str, Number] = Field(
        min_length=1, description='Factor of each parameter in the sum, such as {"inner": 1, "outer": -1}.'
    )
    at_least: Number | None = Field(default=None, description="Lower bound of the sum; null for none.")
    at_most: Number | None = Field(default=None, description="Upper bound of the sum; null for none.")


class LinearConstraintsSpec(DependenceSpec):
    """Independent parameters, given that inequalities hold: what breaks one is drawn again."""

    kind: Literal["linear-constraints"] = Field(description="Kind of dependence.")
    constraints: Annotated[tuple[ConstraintSpec, ...], AsTuple, Field(min_length=1)] = Field(
        description="The inequalities; all must hold. `check` tries how often they do."
    )


AnyDependence = GaussianCopulaSpec | RowsSpec | SimplexSpec | LinearConstraintsSpec
Dependence = Annotated[AnyDependence, Field(discriminator="kind")]

DEPENDENCE_KINDS: dict[str, type[Section]] = {
    get_args(kind.model_fields["kind"].annotation)[0]: kind for kind in get_args(AnyDependence)
}


def linked(plain: Mapping[str, Any], joint: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the sets of parameters that depend on each other.

    Parameters
    ----------
    plain : mapping
        A sound dependence.
    joint : iterable of str
        Names of the parameters without a distribution of their own.

    Examples
    --------
    >>> ordered = [{"coefficients": {"a": 1, "b": -1}}, {"coefficients": {"c": 1, "d": 1}}]
    >>> linked({"kind": "linear-constraints", "constraints": ordered}, [])
    [('a', 'b'), ('c', 'd')]
    """
    if plain["kind"] == "rows":
        return [tuple(joint)]
    if plain["kind"] == "simplex":
        return [tuple(plain["parameters"])]
    if plain["kind"] == "linear-constraints":
        return _joined([set(each["coefficients"]) for each in plain["constraints"]])
    names = plain["parameters"]
    matrix = plain.get("correlation") or plain["rank_correlation"]
    pairs = [
        {a, b} for a, row in zip(names, matrix, strict=True) for b, r in zip(names, row, strict=True) if r
    ]
    return [names for names in _joined(pairs) if len(names) > 1]


def _joined(sets: Iterable[set[str]]) -> list[tuple[str, ...]]:
    """Merge sets that share a name."""
    found: list[set[str]] = []
    for each in sets:
        touched = [other for other in found if other & each]
        found = [other for other in found if not other & each]
        found.append(each.union(*touched))
    return [tuple(sorted(names)) for names in found]
