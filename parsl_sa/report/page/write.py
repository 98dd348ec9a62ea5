"""From results to a folder with one page that needs nothing else, and its figures as files."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from parsl_sa.report.dependence import is_dependent, plain
from parsl_sa.report.figures import indices_figure
from parsl_sa.report.page import citation, provenance
from parsl_sa.report.page.attributions import Explained
from parsl_sa.report.page.bars import scale_of
from parsl_sa.report.page.cautions import cautions
from parsl_sa.report.page.files import write_group, write_indices
from parsl_sa.report.page.pictures import Inliner, share_out
from parsl_sa.report.page.sections import anchors, section
from parsl_sa.report.ranking import rank
from parsl_sa.results.schema import is_field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import xarray as xr

    from parsl_sa.report.page.sections import Section

PAGE = "index.html"


def write_report(
    datasets: Mapping[str, xr.Dataset],
    attrs: Mapping[str, Any],
    folder: Path,
    status: Mapping[str, Any] | None = None,
    pictures: npt.NDArray[np.uint8] | None = None,
) -> Path:
    """Write the report of a study.

    Parameters
    ----------
    datasets : mapping of str to xarray.Dataset
        One a quantity of interest, as the results store holds them.
    attrs : mapping
        Provenance (`results.schema.Provenance`); whatever is missing is left out.
    folder : Path
        Where it goes; what was there under the same names is replaced.
    status : mapping, optional
        What is known of the run beyond the results: `reason` of its end, `other_bits`.
    pictures : ndarray of uint8, shape (n, height, width, 3), optional
        The first base inputs as they look, for attribution maps.

    Returns
    -------
    Path
        The page, `index.html`. Beside it lie PNG, SVG and CSV of every figure.

    Notes
    -----
    Of a field only what is drawn is read, one parameter at a time. Maps are drawn from means over blocks of
    cells, so that the page stays below about 10 MB whatever the field; it says so where that happened.
    """
    folder.mkdir(parents=True, exist_ok=True)
    datasets = plain(datasets)
    rankings = {name: ranking for name, ds in datasets.items() if (ranking := rank(ds)) is not None}
    scale, shares, names = scale_of(list(rankings.values())), share_out(datasets), anchors(list(datasets))
    explained = Explained.of(attrs, pictures)
    sections = [
        section(name, ds, names[name], scale, shares.get(name), explained=explained)
        for name, ds in datasets.items()
    ]
    files = _write_files(datasets, attrs, folder, sections, rankings, explained=explained)
    spec = provenance.read_spec(attrs)
    cited = citation.citation_file()
    version = str((attrs.get("versions") or {}).get("parsl-sa", ""))
    reasons, dropped = provenance.drops(attrs)
    html = (
        _environment()
        .get_template("page.html.j2")
        .render(
            name=str(attrs.get("name") or "study"),
            dependent=any(is_dependent(ds) for ds in datasets.values()),
            effects=any(one.effects for one in sections),
            finished=bool(attrs.get("finished", True)),
            headline=provenance.headline(attrs, spec),
            version=version,
            sections=sections,
            scale=scale,
            level=f"{100.0 * float(attrs.get('level') or 0.95):g} %",
            cautions=cautions(datasets, attrs, status or {}),
            inputs=provenance.inputs(spec),
            perturbed=provenance.perturbed(spec),
            facts=provenance.facts(attrs, spec),
            hashes=provenance.hashes(attrs),
            reasons=reasons,
            dropped=dropped,
            spec=json.dumps(spec, indent=1, ensure_ascii=False) if spec else "",
            citation=cited,
            software=citation.software(cited, version),
            papers=citation.papers(
                str(attrs.get("estimator") or ""),
                fields=any(is_field(ds) for ds in datasets.values()),
                effects=any(one.effects for one in sections),
            ),
            files=files,
            picture=Inliner().inline,
        )
    )
    aside = folder / f".{PAGE}"
    aside.write_text(html, encoding="utf-8")
    return aside.replace(folder / PAGE)  # who reads an older one never sees half of this


def _write_files(
    datasets: Mapping[str, xr.Dataset],
    attrs: Mapping[str, Any],
    folder: Path,
    sections: list[Section],
    rankings: Mapping[str, Any],
    *,
    explained: Explained | None,
) -> dict[str, list[str]]:
    """Write the files; return their names by anchor of the group, ``""`` for the indices of all."""
    files: dict[str, list[str]] = {}
    if rankings:
        files[""] = ["indices.png", "indices.svg", "indices.csv"]
        for name in files[""][:2]:
            indices_figure(datasets, folder / name, attrs=attrs)
        write_indices(folder / "indices.csv", rankings)
    for one in sections:
        groups = {
            "effects": one.effects,
            "attribution": one.attribution,
            "convergence": one.history,
            "field": one.field,
        }
        for kind, group in groups.items():
            if group is not None:
                stem = f"{one.anchor}-{kind}"
                title = f"{attrs.get('name', '')}: {one.name}, {group.title.lower()}".lstrip(": ")
                mask = None if explained is None else explained.mask
                files[stem] = write_group(folder, stem, group, title, datasets[one.name], mask=mask)
    return files


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("parsl_sa.report.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
