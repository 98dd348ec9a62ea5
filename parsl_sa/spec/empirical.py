"""A distribution as it was measured: a column of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from parsl_sa.errors import Fault
from parsl_sa.spec.fields import complain
from parsl_sa.spec.parameter import ParameterSpec
from parsl_sa.spec.table import TableError, digest_table, read_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

_SUFFIXES = (".csv", ".parquet", ".npy")


def _file(given: Any) -> Any:
    if isinstance(given, str) and Path(given).suffix not in _SUFFIXES:
        raise complain(f"must be a .csv, .parquet or .npy file; it is '{given}'")
    return given


def _column(given: Any) -> Any:
    whole = isinstance(given, int) and not isinstance(given, bool) and given >= 0
    if given is not None and not whole and (not isinstance(given, str) or not given):
        raise complain("must be the name of a column or, in a .npy file without names, its index from 0")
    return given


class EmpiricalSpec(ParameterSpec):
    """The values of a column of data, each as likely as another."""

    distribution: Literal["empirical"] = Field(description="Kind of distribution.")
    file: Annotated[str, BeforeValidator(_file)] = Field(
        min_length=1,
        description="The data, relative to the spec: a .csv file with a line of names, a .parquet file "
        "(needs pyarrow), or a .npy file.",
    )
    column: Annotated[
        Any,
        BeforeValidator(_column),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}),
    ] = Field(
        default=None,
        description="Name of the column, or its index from 0 in a .npy file without names; null or left out "
        "for the column that is called like the parameter, or the only one of a .npy file.",
    )
    interpolate: bool = Field(
        default=False,
        description="false: the measured values themselves come up, as often as in the file. true: any value "
        "between the smallest and the largest, by lines between neighbours (as `numpy.quantile`).",
    )
    digest: str | None = Field(
        default=None,
        description="Digest of the file's contents; filled in when a study begins, so that it goes on with "
        "the same data.",
    )

    def values(self) -> npt.NDArray[np.float64]:
        """Read the column.

        Raises
        ------
        TableError
            If the file cannot be read, is not what it was, lacks the column, or holds what is no number.
        """
        named = self.name if self.column is None and Path(self.file).suffix != ".npy" else self.column
        return read_column(Path(self.file), named, self.digest)

    def file_faults(self, place: str) -> Iterator[Fault]:
        """See `ParameterSpec.file_faults`."""
        try:
            self.values()
        except TableError as error:
            yield from (Fault(f"{place}.file", message) for message in error.messages)

    def plain(self) -> dict[str, Any]:
        """See `ParameterSpec.plain`."""
        own = {"values": self.values(), "interpolate": self.interpolate}
        return {"name": self.name, "distribution": self.distribution, **own}

    def science(self) -> dict[str, Any]:
        """See `ParameterSpec.science`."""
        held = super().science()
        del held["file"]
        return {**held, "digest": self.digest or digest_table(Path(self.file))}

    def at(self, base_dir: Path) -> EmpiricalSpec:
        """See `ParameterSpec.at`."""
        path = (base_dir / Path(self.file).expanduser()).resolve()
        digest = self.digest or (digest_table(path) if path.is_file() else None)
        return self.model_copy(update={"file": str(path), "digest": digest})
