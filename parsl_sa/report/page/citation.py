"""What to cite: this software, and the papers behind the numbers of a study."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Paper:
    """One reference.

    Parameters
    ----------
    text : str
        Authors, year, title, place.
    doi : str
        Its DOI, without the address of the resolver.
    what : str
        What of the study rests on it.
    """

    text: str
    doi: str
    what: str


_SOBOL = Paper(
    "Sobol' (2001), Global sensitivity indices for nonlinear mathematical models and their Monte Carlo "
    "estimates, Mathematics and Computers in Simulation 55, 271-280.",
    "10.1016/S0378-4754(00)00270-6",
    "the indices",
)
_ESTIMATORS = {
    "azzini-rosati": Paper(
        "Azzini, Mara and Rosati (2021), Comparison of two sets of Monte Carlo estimators of Sobol' indices, "
        "Environmental Modelling & Software 144, 105167.",
        "10.1016/j.envsoft.2021.105167",
        "the estimator azzini-rosati",
    ),
    "jansen-paired": Paper(
        "Jansen (1999), Analysis of variance designs for model output, Computer Physics Communications 117, "
        "35-43.",
        "10.1016/S0010-4655(98)00154-4",
        "the estimator jansen-paired",
    ),
    "martinez": Paper(
        "Iooss and Lemaître (2015), A review on global sensitivity analysis methods, in Uncertainty "
        "Management in Simulation-Optimization of Complex Systems, Springer, 101-122.",
        "10.1007/978-1-4899-7547-8_5",
        "the estimator martinez",
    ),
    "saltelli-2010": Paper(
        "Saltelli, Annoni, Azzini, Campolongo, Ratto and Tarantola (2010), Variance based sensitivity "
        "analysis of model output, Computer Physics Communications 181, 259-270.",
        "10.1016/j.cpc.2009.09.018",
        "the estimator saltelli-2010",
    ),
    "janon-monod": Paper(
        "Janon, Klein, Lagnoux, Nodet and Prieur (2014), Asymptotic normality and efficiency of two Sobol "
        "index estimators, ESAIM: Probability and Statistics 18, 342-364.",
        "10.1051/ps/2013040",
        "the estimator janon-monod",
    ),
}
_ESTIMATORS["saltelli-jansen"] = replace(_ESTIMATORS["saltelli-2010"], what="the estimator saltelli-jansen")
_ESTIMATORS["jansen"] = replace(_ESTIMATORS["jansen-paired"], what="the estimator jansen")
_FIELDS = Paper(
    "Gamboa, Janon, Klein and Lagnoux (2014), Sensitivity analysis for multidimensional and functional "
    "outputs, Electronic Journal of Statistics 8, 575-603.",
    "10.1214/14-EJS895",
    "the aggregated indices of fields",
)


_EFFECTS = (
    Paper(
        "Campolongo, Saltelli and Cariboni (2011), From screening to quantitative sensitivity analysis. A "
        "unified approach, Computer Physics Communications 182, 978-988.",
        "10.1016/j.cpc.2010.12.039",
        "the design",
    ),
    Paper(
        "Campolongo, Cariboni and Saltelli (2007), An effective screening design for sensitivity analysis of "
        "large models, Environmental Modelling & Software 22, 1509-1518.",
        "10.1016/j.envsoft.2006.10.004",
        "the magnitudes of effects",
    ),
)


def papers(estimator: str, *, fields: bool, effects: bool = False) -> list[Paper]:
    """List the papers behind the indices or the effects of a study; none where it has neither.

    Examples
    --------
    >>> [paper.what for paper in papers("jansen-paired", fields=False)]
    ['the indices', 'the estimator jansen-paired']
    """
    if not estimator:
        return list(_EFFECTS) if effects else []
    named = [_ESTIMATORS[estimator]] if estimator in _ESTIMATORS else []
    return [_SOBOL, *named, *([_FIELDS] if fields else [])]


def citation_file() -> str:
    """Return the text of CITATION.cff, from the installed package or from a checkout; empty if it is gone."""
    package = Path(__file__).parents[2]
    for path in (package / "_shipped" / "CITATION.cff", package.parent / "CITATION.cff"):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return ""


def software(citation: str, version: str) -> str:
    r"""Write the reference of the software in a line.

    Parameters
    ----------
    citation : str
        Text of CITATION.cff.
    version : str
        The version that made the results.

    Examples
    --------
    >>> software('title: "parsl-sa: a farm"\nauthors:\n  - name: "The developers"\n', "0.1.0")
    'The developers. parsl-sa: a farm. Version 0.1.0.'
    """
    title = re.search(r'^title: "?(.*?)"?$', citation, re.MULTILINE)
    author = re.search(r'^  - name: "?(.*?)"?$', citation, re.MULTILINE)
    parts = [
        author[1] if author else "",
        title[1] if title else "parsl-sa",
        f"Version {version}" if version else "",
    ]
    return " ".join(f"{part}." for part in parts if part)
