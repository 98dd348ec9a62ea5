"""What every variable of the results means: its label, its unit, and one sentence."""

from __future__ import annotations

from dataclasses import dataclass

DIMENSIONLESS = "1"
AGGREGATED = "aggregated"
MASKED = "masked"
WEIGHT = "weight"

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


def _index(name: str, label: str, description: str) -> dict[str, Meaning]:
    """Describe an index, of a cell and of a whole field, with both kinds of interval."""
    described: dict[str, Meaning] = {}
    for full, long, of in (
        (name, label, "the variance"),
        (f"{name}_{AGGREGATED}", f"{label} of the whole field", "the variance, summed over cells,"),
    ):
        meaning = f"share of {of} {description}"
        described |= _estimate(full, long, DIMENSIONLESS, meaning)
        described |= _simultaneous(full, long, DIMENSIONLESS)
    return described


def _effect(name: str, label: str, description: str) -> dict[str, Meaning]:
    """Describe an effect, in the unit of the output, with both kinds of interval."""
    return _estimate(name, label, "{unit}", description) | _simultaneous(name, label, "{unit}")


def _simultaneous(name: str, label: str, unit: str) -> dict[str, Meaning]:
    text = f"half-width of {name} at which all its intervals of this output hold at once with {{level}}"
    return {f"{name}_conf_simultaneous": Meaning(f"{label}, simultaneous half-width", unit, text)}


MEANINGS: dict[str, Meaning] = {
    **_estimate("mean", "mean", "{unit}", "mean over the inputs' distributions"),
    **_estimate("variance", "variance", "({unit})^2", "variance over the inputs' distributions"),
    "minimum": Meaning("minimum", "{unit}", "smallest value of all rows kept"),
    "maximum": Meaning("maximum", "{unit}", "largest value of all rows kept"),
    **_index("S1", "first-order Sobol' index", "that the parameter explains by itself"),
    **_index("ST", "total-order Sobol' index", "that the parameter takes part in, interactions included"),
    **_index(
        "S2", "second-order Sobol' index", "that the two parameters explain together beyond each by itself"
    ),
    **_index(
        "S1_full",
        "full first-order Sobol' index",
        "that the parameter explains by itself and through its dependence on others",
    ),
    **_index(
        "ST_independent",
        "independent total-order Sobol' index",
        "that the parameter takes part in once all others are known",
    ),
    **_effect("effect", "effect", "mean of what the output loses where the parameter alone changes"),
    **_effect("effect_abs", "effect, magnitude", "mean magnitude of the effect over base points"),
    "effect_sd": Meaning(
        "effect, standard deviation", "{unit}", "standard deviation of the effect over base points"
    ),
    "flat": Meaning(
        "output flat",
        "",
        "True where no parameter changes the output beyond rounding when it alone changes",
    ),
    "undefined": Meaning(
        "index undefined", "", "True where the output does not vary beyond rounding, so that no index exists"
    ),
    "precision_limited": Meaning(
        "limited by the dtype",
        "",
        "True where the output varies by under 100 spacings of its dtype, so that rounding counts",
    ),
    "dominant_replicate": Meaning(
        "one replicate dominates",
        "",
        "True where one replicate may hold over 30 % of the spread, which makes the intervals doubtful",
    ),
    MASKED: Meaning(
        "cell masked",
        "",
        "True where the output was finite for no probed input; every statistic is NaN there",
    ),
    WEIGHT: Meaning("weight of the cell", "", "weight of the cell in the aggregated indices"),
}


def unit_text(unit: str) -> str:
    """Write a unit so that xarray does not take it for a time axis."""
    return _TIME_SYMBOLS.get(unit.strip().lower(), unit).replace(" since ", " after ")


def attributes(name: str, unit: str, level: float) -> dict[str, str]:
    """Return the attributes of a variable: ``long_name``, ``units``, and what it is in a sentence."""
    meaning = MEANINGS.get(name, Meaning(name, "", ""))
    unit = unit_text(unit)
    units = meaning.unit.format(unit=unit) if unit or "{" not in meaning.unit else ""
    described = {
        "long_name": meaning.long_name,
        "units": units,
        "description": meaning.description.format(level=f"{100 * level:g} %"),
    }
    return {key: text for key, text in described.items() if text or key != "description"}
