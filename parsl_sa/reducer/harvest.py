"""From the checkpoints of a study to its results store: what a finished or stopped study reports."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa import stats
from parsl_sa.errors import StudyError
from parsl_sa.records import CASE
from parsl_sa.reducer import checkpoints
from parsl_sa.results import schema, store
from parsl_sa.results.meanings import attributes
from parsl_sa.spec import GridError, load_spec, read_coordinate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import xarray as xr

    from parsl_sa.records import Plan, Quantity
    from parsl_sa.spec import OutputSpec, StudySpec
    from parsl_sa.studydir import StudyDir


_CASE_COORDS = {"label": "right answer", "predicted": "class of the base input as it is"}


def harvest(study: StudyDir) -> tuple[dict[str, xr.Dataset], dict[str, Any]]:
    """Compute the results at the newest prefix that every shard has a sound checkpoint of.

    Parameters
    ----------
    study : StudyDir
        Finished or not.

    Returns
    -------
    datasets : dict of str to xarray.Dataset
        One a quantity.
    attrs : dict
        Provenance; ``n_used`` counts the bundles of whole closed replicates, less the drops.

    Raises
    ------
    StudyError
        If nothing is durable yet.
    """
    plan, spec = study.read_plan(), load_spec(study.spec)
    prefix = common_prefix(study, plan)
    if prefix == 0:
        text = f"no checkpoint yet, so no results; wait, or go on with: parsl-sa resume {study.root}"
        raise StudyError(f"{study.root}: {text}")
    everything = slice(0, plan.n_cells)
    accumulator = stats.for_plan(
        spec.statistics_plain(), plan, study.read_pivots(), study.read_weights(), slab=everything
    )
    accumulator.load_state(checkpoints.load(study.checkpoints(0), prefix, plan.digest))
    attrs = _provenance(study, spec, plan, prefix, accumulator)
    factors, units = spec.factors, spec.factor_units
    values = accumulator.result()
    extras = _extras(study, spec, plan, accumulator)
    datasets = {
        quantity.name: _all_at_once(
            schema.dataset(
                quantity, factors, values, parameter_units=units, level=attrs["level"], extras=more
            ),
            attrs["level"],
            attrs["n_replicates"],
        )
        for quantity, more in zip(plan.quantities, extras, strict=True)
    }
    return _with_cases(datasets, study), attrs


def _with_cases(datasets: dict[str, xr.Dataset], study: StudyDir) -> dict[str, xr.Dataset]:
    """Put label and predicted class of every base input beside its name."""
    if not study.cases.is_file():
        return datasets
    known = json.loads(study.cases.read_text())

    def coords(ds: xr.Dataset) -> dict[str, Any]:
        along = CASE in ds.dims  # a base input alone has no axis
        return {
            key: (CASE if along else (), values if along else values[0], {"long_name": _CASE_COORDS[key]})
            for key, values in known.items()
        }

    return {name: ds.assign_coords(coords(ds)) for name, ds in datasets.items()}


def _all_at_once(ds: xr.Dataset, level: float, n_replicates: int) -> xr.Dataset:
    """Add the half-widths at which all intervals of one name hold at once: over parameters and cells."""
    for index in (*schema.ALL_INDICES, *schema.EFFECTS):
        for conf in (f"{index}_conf", schema.aggregated_name(f"{index}_conf")):
            if conf in ds:
                wider = stats.widening(level, int(ds[conf].notnull().sum()), n_replicates)
                name = f"{conf}_simultaneous"
                # a width of 0 is exact, however many replicates there are
                ds[name] = (
                    (ds[conf] * wider)
                    .where(ds[conf] != 0.0, 0.0)
                    .assign_attrs(attributes(name, ds.attrs["unit"], level))
                )
    return ds


def _extras(
    study: StudyDir, spec: StudySpec, plan: Plan, accumulator: stats.Accumulator
) -> Iterator[schema.Extras]:
    """Yield what each quantity has beside the statistics of its cells."""
    weights, whole = study.read_weights(), accumulator.aggregates.result()
    scalars, fields = accumulator.history("scalars"), accumulator.history("aggregated")
    n_scalars = n_fields = 0
    for quantity, output in zip(plan.quantities, spec.outputs, strict=True):
        masked = None if accumulator.masked is None else accumulator.masked[quantity.cells]
        if not quantity.shape:
            looks = {name: array[..., n_scalars] for name, array in scalars[1].items()}
            yield schema.Extras(looks=looks, look_bundles=scalars[0])
            n_scalars += 1
            continue
        looks = {name: array[..., n_fields] for name, array in fields[1].items()}
        yield schema.Extras(
            coords=_coords(quantity, output),
            weights=None if weights is None or output.weights is None else weights[quantity.cells],
            masked=masked,
            aggregated={name: array[:, n_fields] for name, array in whole.items() if array.dtype != np.bool_},
            looks=looks,
            look_bundles=fields[0],
        )
        n_fields += 1


def _coords(quantity: Quantity, output: OutputSpec) -> dict[str, tuple[Sequence[float | str], str]]:
    """Read coordinates; a file that is gone since the study began is no reason to have no results.

    Where the spec states none the plan may: names of classes.
    """
    coords: dict[str, tuple[Sequence[float | str], str]] = {
        dim: (values, "") for dim, values in quantity.coords.items()
    }
    for dim, length in zip(quantity.dims, quantity.shape, strict=True):
        if dim in quantity.coords:
            coords[dim] = (quantity.coords[dim], "")
        given = output.coords.get(dim)
        if given is not None:
            with suppress(GridError):
                coords[dim] = (read_coordinate(given.values, length), given.unit)
    return coords


def write_results(study: StudyDir) -> dict[str, Any]:
    """Harvest a study into its `results.zarr` and return the provenance."""
    datasets, attrs = harvest(study)
    store.write(study.results, datasets, attrs)
    return attrs


def common_prefix(study: StudyDir, plan: Plan) -> int:
    """Return the newest lease prefix at which every shard has a sound checkpoint; 0 if there is none."""
    found = [set(checkpoints.sound_prefixes(study.checkpoints(s), plan.digest)) for s in range(plan.shards)]
    return max(set.intersection(*found), default=0)


def _provenance(
    study: StudyDir, spec: StudySpec, plan: Plan, prefix: int, accumulator: stats.Accumulator
) -> dict[str, Any]:
    closed = prefix // plan.leases_per_replicate * plan.replicate_bundles
    dropped = [
        {"bundle": bundle, "reason": str(record["reason"])}
        for record in study.read_journal()
        if record["record"] == "drop"
        for bundle in record["bundles"]
        if bundle < closed
    ]
    sobol = _options(spec, "sobol")
    return {
        "name": spec.name,
        "spec": study.spec.read_text(),
        "seed": plan.seed,
        "model_hashes": plan.model_hashes,
        "versions": plan.versions,
        "hardware": plan.hardware,
        "n_planned": plan.n_bundles,
        "n_used": accumulator.n_bundles,
        "n_replicates": accumulator.n_replicates,
        "n_forwards": closed * plan.bundle_forwards,
        "dropped": dropped,
        "level": next((item["level"] for item in spec.statistics_plain() if "level" in item), 0.95),
        "estimator": sobol.get("estimator", ""),
        "design": f"{spec.design.method}, {spec.design.sequence}",
        "plan": plan.digest,
        "study": study.study_id(),
        "finished": prefix == plan.n_leases,
    }


def _options(spec: StudySpec, name: str) -> Mapping[str, Any]:
    return next((options for options in spec.statistics_plain() if options["name"] == name), {})
