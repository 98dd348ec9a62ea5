"""What a result looks like: one xarray Dataset a quantity of interest, every variable explained.

Dimensions are `parameter` and the axes of the quantity; a scalar quantity has no axis of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from parsl_sa.records import Quantity

PARAMETER = "parameter"
PARAMETER_UNIT = "parameter_unit"
LOOK = "look"
RESERVED_DIMS = frozenset({PARAMETER, PARAMETER_UNIT, LOOK, "case"})
DIMENSIONLESS = "1"

INDICES = ("S1", "ST")
INTERVAL_PARTS = ("conf", "low", "high")

# xarray reads these words in an attribute `units` as times and would turn a float into a timedelta.
_TIME_SYMBOLS = {
    "days": "d",
    "hours": "h",
    "minutes": "min",
    "seconds": "s",
    "milliseconds": "ms",
    "microseconds": "us",
    "nanoseconds": "ns",
}


class Provenance(TypedDict, total=False):
    """The attributes of a results store: where the numbers come from and what they count.

    Every value is plain JSON. `n_planned` and `n_used` count bundles (base points); `dropped` lists
    ``{"bundle": int, "reason": str}``; `spec` is the frozen spec as JSON text; `plan` is the plan's
    digest; `finished` is False where a study stopped early; `created` is an ISO 8601 time in UTC.
    """

    name: str
    spec: str
    seed: int
    model_hashes: dict[str, str]
    versions: dict[str, str]
    n_planned: int
    n_used: int
    n_replicates: int
    dropped: list[dict[str, Any]]
    level: float
    estimator: str
    design: str
    plan: str
    finished: bool
    created: str


@dataclass(frozen=True)
class Meaning:
    """How one variable is described.

    Parameters
    ----------
    long_name : str
        A label for an axis or a column.
    unit : str
        A format of the quantity's unit, ``"{unit}"`` or ``"({unit})^2"``, or ``"1"``.
    description : str
        One sentence; ``{level}`` stands for the level of the interval.
    """

    long_name: str
    unit: str
    description: str


def _estimate(name: str, label: str, unit: str, description: str) -> dict[str, Meaning]:
    interval = "of the {level} interval"
    return {
        name: Meaning(label, unit, description),
        f"{name}_conf": Meaning(f"{label}, half-width", unit, f"half-width {interval} of {name}"),
        f"{name}_low": Meaning(f"{label}, lower bound", unit, f"lower bound {interval} of {name}"),
        f"{name}_high": Meaning(f"{label}, upper bound", unit, f"upper bound {interval} of {name}"),
    }


MEANINGS: dict[str, Meaning] = {
    **_estimate("mean", "mean", "{unit}", "mean over the inputs' distributions"),
    **_estimate("variance", "variance", "({unit})^2", "variance over the inputs' distributions"),
    "minimum": Meaning("minimum", "{unit}", "smallest value of all rows kept"),
    "maximum": Meaning("maximum", "{unit}", "largest value of all rows kept"),
    **_estimate(
        "S1",
        "first-order Sobol' index",
        DIMENSIONLESS,
        "share of the variance that the parameter explains by itself",
    ),
    **_estimate(
        "ST",
        "total-order Sobol' index",
        DIMENSIONLESS,
        "share of the variance that the parameter takes part in, interactions included",
    ),
    "undefined": Meaning(
        "index undefined", "", "True where the output has zero variance, so that S1 and ST do not exist"
    ),
}


def dataset(
    quantity: Quantity,
    parameters: Sequence[str],
    values: Mapping[str, npt.NDArray[Any]],
    *,
    parameter_units: Sequence[str] | None = None,
    level: float = 0.95,
) -> xr.Dataset:
    """Cut one quantity out of the results over all cells and describe it.

    Parameters
    ----------
    quantity : Quantity
        Which cells, and the axes they form.
    parameters : sequence of str, length d
        Names of the uncertain parameters, in the order of the design.
    values : mapping of str to ndarray, shape (n_cells,) or (d, n_cells)
        What the statistics return, over the cells of ALL quantities. Booleans stay, the rest becomes float64.
    parameter_units : sequence of str, length d, optional
        Units of the parameters; kept as the coordinate `parameter_unit`.
    level : float
        Level of the intervals, named in the descriptions.

    Returns
    -------
    xarray.Dataset
        Variables over ``(parameter, *quantity.dims)`` or ``quantity.dims``. They are views of `values`
        where no conversion was needed.

    Raises
    ------
    ValueError
        If an array does not have the stated shape, or an axis has a name that the schema keeps for itself.

    Examples
    --------
    >>> import numpy as np
    >>> from parsl_sa.records import Quantity
    >>> CD = Quantity("CD", start=1)
    >>> values = {"mean": np.array([0.5, 0.01]), "S1": np.array([[0, 0.7], [0, 0.2]])}
    >>> ds = dataset(CD, ["alpha", "Re"], values)
    >>> ds["mean"].item(), ds["S1"].sel(parameter="Re").item()
    (0.01, 0.2)
    """
    _check_dims(quantity, values)
    variables = {
        name: _variable(name, array, quantity, len(parameters), level) for name, array in values.items()
    }
    coords: dict[str, Any] = {PARAMETER: (PARAMETER, list(parameters), {"long_name": "uncertain parameter"})}
    if parameter_units is not None:
        coords[PARAMETER_UNIT] = (PARAMETER, list(parameter_units), {"long_name": "unit of the parameter"})
    return xr.Dataset(variables, coords, {"output": quantity.name, "unit": quantity.unit})


def is_field(ds: xr.Dataset) -> bool:
    """Tell whether the quantity has axes of its own.

    Examples
    --------
    >>> is_field(xr.Dataset({"mean": ((), 1.0)}))
    False
    """
    return bool(cell_dims(ds))


def cell_dims(ds: xr.Dataset) -> tuple[str, ...]:
    """Return the axes of the quantity, without `parameter` and `look`."""
    return tuple(str(dim) for dim in ds.sizes if dim not in {PARAMETER, LOOK})


def parameter_names(ds: xr.Dataset) -> list[str]:
    """Return the parameters that the indices are over; none where the design carries no indices."""
    return [str(name) for name in ds[PARAMETER].values.tolist()] if PARAMETER in ds.coords else []


def _check_dims(quantity: Quantity, values: Mapping[str, Any]) -> None:
    taken = sorted(set(quantity.dims) & (RESERVED_DIMS | set(values)))
    if taken:
        msg = (
            f"output '{quantity.name}': an axis cannot be named {', '.join(taken)}; the results use that name"
        )
        raise ValueError(msg)


def _variable(
    name: str, array: npt.NDArray[Any], quantity: Quantity, d: int, level: float
) -> tuple[tuple[str, ...], npt.NDArray[Any], dict[str, str]]:
    if array.ndim not in {1, 2} or (array.ndim == 2 and array.shape[0] != d):
        msg = f"{name} has shape {array.shape}; expected (n_cells,) or ({d}, n_cells)"
        raise ValueError(msg)
    if array.shape[-1] < quantity.cells.stop:
        msg = f"{name} has {array.shape[-1]} cells; '{quantity.name}' ends at cell {quantity.cells.stop}"
        raise ValueError(msg)
    cut = array[..., quantity.cells].reshape((*array.shape[:-1], *quantity.shape))
    if cut.dtype != np.bool_:
        cut = np.asarray(cut, dtype=np.float64)
    dims = (PARAMETER, *quantity.dims) if array.ndim == 2 else quantity.dims
    return dims, cut, _attributes(name, quantity.unit, level)


def _attributes(name: str, unit: str, level: float) -> dict[str, str]:
    meaning = MEANINGS.get(name, Meaning(name, "", ""))
    unit = _TIME_SYMBOLS.get(unit.strip().lower(), unit).replace(" since ", " after ")
    units = meaning.unit.format(unit=unit) if unit or "{" not in meaning.unit else ""
    described = {
        "long_name": meaning.long_name,
        "units": units,
        "description": meaning.description.format(level=f"{100 * level:g} %"),
    }
    return {key: text for key, text in described.items() if text or key != "description"}
