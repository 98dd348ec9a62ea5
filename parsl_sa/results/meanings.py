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
    MASKED: Meaning(
        "cell masked",
        "",
        "True where the output was finite for no probed input; every statistic is NaN there",
    ),
    WEIGHT: Meaning("weight of the cell", "", "weight of the cell in the aggregated indices"),
    **_estimate(
        f"S1_{AGGREGATED}",
        "first-order Sobol' index of the whole field",
        DIMENSIONLESS,
        "share of the variance, summed over cells, that the parameter explains by itself",
    ),
    **_estimate(
        f"ST_{AGGREGATED}",
        "total-order Sobol' index of the whole field",
        DIMENSIONLESS,
        "share of the variance, summed over cells, that the parameter takes part in",
    ),
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
