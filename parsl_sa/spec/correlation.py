"""What makes a matrix a correlation matrix, and the cure where it is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from parsl_sa.spec.parts import Finding, Part

_MATRICES = ("correlation", "rank_correlation")
_SMALLEST_EIGENVALUE = 1e-8


def matrix_rules(part: Part) -> Iterator[Finding]:
    """Yield what is wrong with the matrix of a Gaussian copula.

    Parameters
    ----------
    part : Part
        What validated of it.
    """
    given = [key for key in _MATRICES if part.get(key) is not None]
    if not part.broken & {*_MATRICES} and len(given) != 1:
        yield part.finding('needs either "correlation" or "rank_correlation"')
    for key in given:
        found = [*_entries(part, key)]
        if not found:
            found += _definite(part, key)
        yield from found


def _entries(part: Part, key: str) -> Iterator[Finding]:
    names, matrix = part.get("parameters"), part.get(key)
    if names is None:
        return
    if len(matrix) != len(names):
        text = f"must have a row for each of the {len(names)} parameters; it has {len(matrix)}"
        yield part.finding(text, key)
        return
    for i, row in enumerate(matrix):
        if len(row) != len(names):
            text = f"must have an entry for each of the {len(names)} parameters; it has {len(row)}"
            yield part.finding(text, key, i)
            continue
        if row[i] != 1:
            yield part.finding(f"must be 1 on the diagonal; it is {row[i]:g}", key, i, i)
        for j in range(i):
            if not -1 < row[j] < 1:
                text = "parameters that determine each other are one parameter"
                yield part.finding(f"must lie between -1 and 1; it is {row[j]:g}: {text}", key, i, j)
            elif len(matrix[j]) == len(names) and row[j] != matrix[j][i]:
                text = f"must equal {key}[{j}][{i}], which is {matrix[j][i]:g}; it is {row[j]:g}"
                yield part.finding(text, key, i, j)


def _definite(part: Part, key: str) -> Iterator[Finding]:
    import numpy as np  # noqa: PLC0415 - specs are read by commands that never compute

    if part.get("parameters") is None:
        return
    matrix = np.array(part.get(key), np.float64)
    smallest = _smallest_eigenvalue(matrix, key)
    if smallest <= _SMALLEST_EIGENVALUE:
        shares = [
            share
            for share in np.arange(99, 0, -1) / 100
            if _smallest_eigenvalue(np.where(np.eye(len(matrix)) == 1, 1.0, share * matrix), key)
            > _SMALLEST_EIGENVALUE
        ][:1]
        cure = f": all entries off the diagonal times {shares[0]:g} would do" if shares else ""
        yield part.finding(
            "no parameters can be correlated so: the smallest eigenvalue must exceed 0, and it is "
            f"{smallest:.3g}{cure}",
            key,
        )


def _smallest_eigenvalue(matrix: npt.NDArray[np.float64], key: str) -> float:
    """Return that of the correlation of the normal scores."""
    import numpy as np  # noqa: PLC0415 - see above

    # Ones on the diagonal stay: 2 sin(pi / 6) = 1.
    scores = 2 * np.sin(np.pi * matrix / 6) if key == "rank_correlation" else matrix
    return float(np.linalg.eigvalsh(scores)[0])
