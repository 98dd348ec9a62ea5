"""Any continuous distribution of SciPy, by its name there."""

from __future__ import annotations

from difflib import get_close_matches
from math import isnan
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from parsl_sa.spec.fields import Number, Positive
from parsl_sa.spec.parameter import ParameterSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from parsl_sa.spec.parts import Finding, Part

_SMALLEST = 1e-300  # SciPy writes an open bound of 0 as the smallest positive double


class ScipySpec(ParameterSpec):
    """A continuous distribution of `scipy.stats`, with the shapes, loc and scale that SciPy gives it."""

    distribution: Literal["scipy"] = Field(description="Kind of distribution.")
    family: str = Field(
        min_length=1,
        description='Name of the distribution in `scipy.stats`, such as "gamma", "weibull_min", "gumbel_r", '
        '"t" or "pareto".',
    )
    shapes: dict[str, Number] = Field(
        default_factory=dict,
        description='Its shapes by SciPy\'s names, such as {"a": 2.0} for gamma; left out where it has none.',
    )
    loc: Number = Field(default=0.0, description="Shift: the distribution is that of loc + scale X.")
    scale: Positive = Field(default=1.0, description="Stretch, greater than 0.")

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`; SciPy is asked, since it alone knows its families."""
        name, shapes = part.get("family"), part.get("shapes")
        if name is None or shapes is None:
            return
        from scipy import stats  # noqa: PLC0415 - specs without this distribution need not wait for it

        family = getattr(stats, name, None)
        if isinstance(family, stats.rv_continuous):
            yield from _shapes(part, name, family, shapes)
        else:
            yield part.finding(_unknown(name, stats), "family")


def _unknown(name: str, stats: Any) -> str:
    if isinstance(getattr(stats, name, None), stats.rv_discrete):
        return f'\'{name}\' is discrete; list its values and probabilities with "distribution": "discrete"'
    known = [other for other, kind in vars(stats).items() if isinstance(kind, stats.rv_continuous)]
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return (
        f"scipy.stats has no continuous distribution '{name}'; {hint}it has {len(known)}, such as gamma, "
        "weibull_min, gumbel_r, t and pareto"
    )


def _shapes(part: Part, name: str, family: Any, shapes: dict[str, float]) -> Iterator[Finding]:
    """Yield which shapes are missing, unknown or out of bounds."""
    wanted = [shape.strip() for shape in (family.shapes or "").split(",") if shape.strip()]
    takes = f"{name} takes {_domains(family, wanted)}"
    unknown, missing = (
        [key for key in shapes if key not in wanted],
        [key for key in wanted if key not in shapes],
    )
    for key in unknown:
        cure = "; loc and scale stand beside shapes" if key in {"loc", "scale"} else ""
        yield part.finding(f"is no shape of this distribution; {takes}{cure}", "shapes", key)
    if missing:
        yield part.finding(f"lacks {' and '.join(missing)}; {takes}", "shapes")
    elif not unknown and isnan(family.support(*(shapes[key] for key in wanted))[0]):
        given = ", ".join(f"{key} = {shapes[key]:g}" for key in wanted)
        yield part.finding(f"make no distribution: {given}; {takes}", "shapes")


def _domains(family: Any, wanted: Sequence[str]) -> str:
    """Say which shapes a family takes, and from which intervals.

    Examples
    --------
    >>> from scipy import stats
    >>> _domains(stats.gamma, ["a"]), _domains(stats.erlang, ["a"]), _domains(stats.norm, [])
    ('a in (0, inf)', 'a whole in [1, inf)', 'no shapes')
    """
    # SciPy has no public list of its domains; without the private one the names must do.
    domains = {one.name: one for one in getattr(family, "_shape_info", list)()}
    said = []
    for key in wanted:
        if key in domains:
            (low, high), (closed_low, closed_high) = domains[key].domain, domains[key].inclusive
            bounds = f"{0 if 0 < low < _SMALLEST else low:g}, {high:g}"
            whole = " whole" if domains[key].integrality else ""
            said.append(f"{key}{whole} in {'[' if closed_low else '('}{bounds}{']' if closed_high else ')'}")
        else:
            said.append(key)
    return ", ".join(said) or "no shapes"
