"""What a result looks like: one xarray Dataset a quantity of interest, every variable explained.

Dimensions are `parameter` and the axes of the quantity; a scalar quantity has no axis of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import xarray as xr

from parsl_sa.results.meanings import AGGREGATED, MASKED, WEIGHT, attributes, unit_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from parsl_sa.records import Quantity

PARAMETER = "parameter"
PARAMETER_UNIT = "parameter_unit"
PAIR = "pair"
PAIR_SIGN = " × "  # noqa: RUF001 - a product of parameters is meant
PAIR_MEMBERS = ("pair_first", "pair_second")
LOOK = "look"
RESERVED_DIMS = frozenset({PARAMETER, PARAMETER_UNIT, PAIR, *PAIR_MEMBERS, LOOK})

INDICES = ("S1", "ST")
DEPENDENT_INDICES = ("S1_full", "ST_independent")
SECOND_ORDER = "S2"
EFFECTS = ("effect", "effect_abs", "effect_sd")
ALL_INDICES = (*INDICES, *DEPENDENT_INDICES, SECOND_ORDER)
INTERVAL_PARTS = ("conf", "low", "high")


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
class Extras:
    """What a quantity has beside the statistics of its cells.

    Parameters
    ----------
    coords : mapping of str to (sequence, str)
        Coordinates along an axis, numbers or texts, and their unit.
    weights : ndarray of float64, shape (n_cells of the quantity,), optional
        Weights of its cells in the aggregated indices, where the spec states them.
    masked : ndarray of bool, shape (n_cells of the quantity,), optional
        Cells that hold no numbers; kept where there is one.
    aggregated : mapping of str to ndarray, shape (d,) or, for S2, (d (d - 1) / 2,)
        Indices of the whole field: ``S1``, ``S1_conf``, ...
    looks : mapping of str to ndarray, shape (n_looks, d) or (n_looks,)
        History of estimates: of a scalar its own, of a field those of its aggregated indices.
    look_bundles : ndarray of int64, shape (n_looks,)
        Bundles used at each look.
    """

    coords: Mapping[str, tuple[Sequence[float | str], str]] = field(default_factory=dict)
    weights: npt.NDArray[np.float64] | None = None
    masked: npt.NDArray[np.bool_] | None = None
    aggregated: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    looks: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    look_bundles: npt.NDArray[np.int64] | None = None


def dataset(
    quantity: Quantity,
    parameters: Sequence[str],
    values: Mapping[str, npt.NDArray[Any]],
    *,
    parameter_units: Sequence[str] | None = None,
    level: float = 0.95,
    extras: Extras | None = None,
) -> xr.Dataset:
    """Cut one quantity out of the results over all cells and describe it.

    Parameters
    ----------
    quantity : Quantity
        Which cells, and the axes they form.
    parameters : sequence of str, length d
        Names of the uncertain parameters, in the order of the design.
    values : mapping of str to ndarray, shape (n_cells,), (d, n_cells) or, for S2, (d (d - 1) / 2, n_cells)
        What the statistics return, over the cells of ALL quantities. Booleans stay, the rest becomes float64.
    parameter_units : sequence of str, length d, optional
        Units of the parameters; kept as the coordinate `parameter_unit`.
    level : float
        Level of the intervals, named in the descriptions.
    extras : Extras, optional
        Coordinates, weights, mask, aggregated indices and history of this quantity.

    Returns
    -------
    xarray.Dataset
        Variables over ``(parameter, *quantity.dims)``, for S2 ``(pair, *quantity.dims)``, or
        ``quantity.dims``, views of `values` where possible. Of a field ``S1_aggregated`` and the like over
        ``(parameter,)``. The history as ``S1_look``, ``S1_conf_look``, ``mean_look`` and the like over
        ``(look, parameter)`` or ``(look,)``, with the bundles used as coordinate `look`. ``masked`` where a
        cell is, ``weight`` where weights are stated.

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
    more = extras or Extras()
    _check_dims(quantity, values)
    variables = {
        name: _variable(name, array, quantity, len(parameters), level) for name, array in values.items()
    }
    variables.update(_extra_variables(quantity, more, level))
    coords: dict[str, Any] = {PARAMETER: (PARAMETER, list(parameters), {"long_name": "uncertain parameter"})}
    if any(PAIR in variable[0] for variable in variables.values()):
        coords |= _pairs(parameters)
    if parameter_units is not None:
        coords[PARAMETER_UNIT] = (PARAMETER, list(parameter_units), {"long_name": "unit of the parameter"})
    coords.update(_extra_coords(more))
    return xr.Dataset(variables, coords, {"output": quantity.name, "unit": quantity.unit})


def _extra_coords(extras: Extras) -> dict[str, Any]:
    coords: dict[str, Any] = {
        dim: (dim, list(values), {"long_name": dim, **({"units": unit_text(unit)} if unit else {})})
        for dim, (values, unit) in extras.coords.items()
    }
    if extras.looks and extras.look_bundles is not None:
        coords[LOOK] = (LOOK, extras.look_bundles, {"long_name": "base points used"})
    return coords


def _extra_variables(quantity: Quantity, extras: Extras, level: float) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    for name, array in extras.aggregated.items():
        full = aggregated_name(name)
        variables[full] = (_over(name), array, attributes(full, "", level))
    for name, array in extras.looks.items():
        dims = (LOOK, PARAMETER) if array.ndim == 2 else (LOOK,)
        described = attributes(name, quantity.unit, level)
        described["description"] = f"{described.get('description', name)}, as it was at each look"
        variables[f"{name}_{LOOK}"] = (dims, array, described)
    for name, cells in ((MASKED, extras.masked), (WEIGHT, extras.weights)):
        if cells is not None and (name == WEIGHT or cells.any()):
            variables[name] = (quantity.dims, cells.reshape(quantity.shape), attributes(name, "", level))
    return variables


def index_of(name: str) -> tuple[str, str]:
    """Split the name of a variable into its index and the part of an interval, empty for the index itself.

    Examples
    --------
    >>> index_of("S1_full_conf"), index_of("ST")
    (('S1_full', 'conf'), ('ST', ''))
    """
    index, _, part = name.rpartition("_")
    return (index, part) if part in INTERVAL_PARTS else (name, "")


def aggregated_name(name: str) -> str:
    """Return the name of an index of a whole field, or of a part of its interval.

    Examples
    --------
    >>> aggregated_name("S1_full_conf")
    'S1_full_aggregated_conf'
    """
    index, part = index_of(name)
    return f"{index}_{AGGREGATED}_{part}".rstrip("_")


def indices_of(ds: xr.Dataset) -> tuple[str, str] | None:
    """Return the names of the first-order and of the total index of a quantity; None where it has none.

    Examples
    --------
    >>> indices_of(xr.Dataset({"S1": ((), 0.5), "ST": ((), 0.6)}))
    ('S1', 'ST')
    """
    return next((names for names in (INDICES, DEPENDENT_INDICES) if names[1] in ds), None)


def _over(name: str) -> str:
    """Return the axis that an index has beside those of its quantity."""
    return PAIR if index_of(name)[0] == SECOND_ORDER else PARAMETER


def _pairs(parameters: Sequence[str]) -> dict[str, Any]:
    both = list(combinations(parameters, 2))
    members = {
        name: (PAIR, [pair[k] for pair in both], {"long_name": f"{which} parameter of the pair"})
        for k, (name, which) in enumerate(zip(PAIR_MEMBERS, ("first", "second"), strict=True))
    }
    return {
        PAIR: (PAIR, [PAIR_SIGN.join(pair) for pair in both], {"long_name": "pair of parameters"}),
        **members,
    }


def is_field(ds: xr.Dataset) -> bool:
    """Tell whether the quantity has axes of its own.

    Examples
    --------
    >>> is_field(xr.Dataset({"mean": ((), 1.0)}))
    False
    """
    return bool(cell_dims(ds))


def cell_dims(ds: xr.Dataset) -> tuple[str, ...]:
    """Return the axes of the quantity, without `parameter`, `pair` and `look`."""
    return tuple(str(dim) for dim in ds.sizes if dim not in {PARAMETER, PAIR, LOOK})


def named_cells(ds: xr.Dataset) -> tuple[str, tuple[str, ...]] | None:
    """Return the axis of a field and the names along it, where it has but one and texts stand there.

    Examples
    --------
    >>> named_cells(xr.Dataset({"mean": ("class", [0.2, 0.8])}, {"class": ["cat", "dog"]}))
    ('class', ('cat', 'dog'))
    """
    dims = cell_dims(ds)
    if len(dims) != 1 or dims[0] not in ds.coords or ds[dims[0]].dtype.kind in "iuf":
        return None
    return dims[0], tuple(str(name) for name in ds[dims[0]].values.tolist())


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
    axis = _over(name)
    length = d * (d - 1) // 2 if axis == PAIR else d
    if array.ndim not in {1, 2} or (array.ndim == 2 and array.shape[0] != length):
        msg = f"{name} has shape {array.shape}; expected (n_cells,) or ({length}, n_cells)"
        raise ValueError(msg)
    if array.shape[-1] < quantity.cells.stop:
        msg = f"{name} has {array.shape[-1]} cells; '{quantity.name}' ends at cell {quantity.cells.stop}"
        raise ValueError(msg)
    cut = array[..., quantity.cells].reshape((*array.shape[:-1], *quantity.shape))
    if cut.dtype != np.bool_:
        cut = np.asarray(cut, dtype=np.float64)
    dims = (axis, *quantity.dims) if array.ndim == 2 else quantity.dims
    return dims, cut, attributes(name, quantity.unit, level)
