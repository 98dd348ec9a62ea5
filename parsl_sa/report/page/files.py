"""The files beside the page: every figure as PNG, SVG and CSV."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Patch

from parsl_sa.report.attribution import table
from parsl_sa.report.colours import COLOURS, HATCH, HATCH_PAPER, UNDEFINED
from parsl_sa.report.effects.bars import legend as effect_legend
from parsl_sa.report.effects.order import effects
from parsl_sa.report.plates import save, sheet
from parsl_sa.report.ranking import Ranking, positions
from parsl_sa.results.schema import EFFECTS, LOOK, PARAMETER, parameter_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import xarray as xr

    from parsl_sa.report.fields import Slice, View
    from parsl_sa.report.page.pictures import Group
    from parsl_sa.results.attribution import Masked

COLUMNS = {"attribution": 1, "convergence": 3, "effects": 1, "lines": 3, "maps": 2}
INDICES = ("S1", "S1_conf", "S1_low", "S1_high", "ST", "ST_conf", "ST_low", "ST_high")


def write_group(
    folder: Path, stem: str, group: Group, title: str, ds: xr.Dataset, *, mask: Masked | None = None
) -> list[str]:
    """Write what a group shows at once as PNG and SVG, and its numbers as CSV; return the names."""
    columns = group.columns or COLUMNS[group.kind]
    figure = sheet(group.shown, title, " ".join(group.notes), columns, _legend(group))
    names = [f"{stem}{suffix}" for suffix in (".png", ".svg", ".csv")]
    for name in names[:2]:
        save(figure, folder / name)
    if group.kind == "effects":
        write_effects(folder / names[2], ds)
    elif group.kind == "attribution" and mask is not None:
        table(ds, mask).to_csv(folder / names[2], index=False)
    elif group.view is None:
        write_history(folder / names[2], ds)
    else:
        write_field(folder / names[2], group.view, group.names[: group.n_top])
    return names


def _legend(group: Group) -> list[Patch]:
    patches = effect_legend() if group.kind == "effects" else []
    if group.kind == "lines" and group.names:
        patches += [Patch(color=COLOURS[key], label=key) for key in ("S1", "ST")]
    if "masked" in group.marks:
        patches.append(
            Patch(facecolor=HATCH_PAPER, edgecolor=HATCH, hatch="//////", linewidth=0, label="masked")
        )
    if "undefined" in group.marks:
        patches.append(Patch(color=UNDEFINED, label="undefined"))
    return patches


def write_indices(path: Path, rankings: Mapping[str, Ranking]) -> None:
    """Write the indices of all quantities: one row a quantity and parameter, in the order of the tables."""
    header = ("output", "rank_first", "rank_last", "parameter", "unit", *INDICES, "undefined")
    _write(
        path,
        header,
        (
            (
                output,
                *(position or ("", "")),
                ranking.names[place],
                ranking.units[place],
                *(_number(getattr(ranking, key)[place]) for key in INDICES),
                bool(ranking.undefined[place]),
            )
            for output, ranking in rankings.items()
            for place, position in enumerate(positions(ranking))
        ),
    )


def write_effects(path: Path, ds: xr.Dataset) -> None:
    """Write the effects of a quantity: one row a parameter, in the order of the table."""
    found = effects(ds)
    if found is None:
        return
    ends = ("", "_conf", "_low", "_high")
    columns = [*(f"{name}{end}" for name in EFFECTS[:2] for end in ends), EFFECTS[2]]
    _write(
        path,
        ("rank_first", "rank_last", "parameter", *columns, "unit"),
        (
            (
                *(position or ("", "")),
                found.names[place],
                *(_number(getattr(found, column)[place]) for column in columns),
                found.unit,
            )
            for place, position in enumerate(found.positions())
        ),
    )


def write_history(path: Path, ds: xr.Dataset) -> None:
    """Write every look: one row a look, statistic and parameter."""
    bundles = ds[LOOK].values.tolist()
    columns: list[tuple[str, str, list[Any], list[Any]]] = []
    for key in ("mean", *EFFECTS, "S1", "ST"):
        if f"{key}_look" not in ds:
            continue
        value = ds[f"{key}_look"]
        half = ds[f"{key}_conf_look"] if f"{key}_conf_look" in ds else value * np.nan
        if PARAMETER in value.dims:
            both = (value.transpose(PARAMETER, LOOK).values, half.transpose(PARAMETER, LOOK).values)
            names = parameter_names(ds)
            columns += [(key, name, *(one[i].tolist() for one in both)) for i, name in enumerate(names)]
        else:
            columns.append((key, "", value.values.tolist(), half.values.tolist()))
    _write(
        path,
        ("n", "statistic", "parameter", "value", "half_width"),
        (
            (n, key, parameter, _number(value), _number(half))
            for key, parameter, values, halves in columns
            for n, value, half in zip(bundles, values, halves, strict=True)
        ),
    )


def write_field(path: Path, view: View, names: Sequence[str]) -> None:
    """Write the points of a field as they are drawn: one row a point, one column a statistic."""
    places = [parameter_names(view.ds).index(name) for name in names]
    ends = ("",) if view.is_map else ("", "_low", "_high")
    indices = [
        (f"{key}{end} {name}", f"{key}{end}", place)
        for place, name in zip(places, names, strict=True)
        for key in ("S1", "ST")
        for end in ends
        if f"{key}{end}" in view.ds
    ]
    moments = [name for name in ("mean", "variance", "minimum", "maximum") if name in view.ds]
    header = [
        *(["slice"] if view.n_slices > 1 else []),
        *(axis.name for axis in view.axes),
        *moments,
        *(title for title, _, _ in indices),
    ]
    parts = [(part, _points(view, part, moments, indices)) for part in view.slices]
    _write(
        path,
        header,
        ((part.label, *row) if view.n_slices > 1 else row for part, rows in parts for row in rows),
    )


def _points(
    view: View, part: Slice, moments: Sequence[str], indices: Sequence[tuple[str, str, int]]
) -> Iterable[tuple[Any, ...]]:
    grid = np.meshgrid(*(_places(view, axis) for axis in range(len(view.axes))), indexing="ij")
    values = [view.read(name, part) for name in moments]
    values += [view.read(key, part, place) for _, key, place in indices]
    columns = [one.ravel().tolist() for one in grid] + [_texts(one.ravel()) for one in values]
    return zip(*columns, strict=True)


def _places(view: View, axis: int) -> Any:
    texts = view.axes[axis].texts
    if texts and view.sizes[axis] == 1:
        return np.array(texts, dtype=object)
    return np.array([f"{place:.7g}" for place in view.centres(axis).tolist()], dtype=object)


def _texts(values: Any) -> list[str]:
    return [f"{value:.5g}" for value in values.tolist()]


def _number(value: float) -> str:
    return f"{float(value):.8g}"


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
