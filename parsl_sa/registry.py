"""The plug-in tables: one line of text a plug-in, imported when it is first used.

The tables are plain text so that `parsl-sa --help` and `check` of an invalid spec can list the
known names without importing torch, numba or parsl.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from parsl_sa.errors import ParslSaError

TABLES: dict[str, dict[str, str]] = {
    "statistic": {
        "moments": "parsl_sa.stats.moments:Moments",
        "extrema": "parsl_sa.stats.extrema:Extrema",
        "effects": "parsl_sa.stats.effects:Effects",
        "sobol": "parsl_sa.stats.sobol:Sobol",
    },
    "estimator": {
        "saltelli-jansen": "parsl_sa.stats.estimators.saltelli_jansen:SaltelliJansen",
        "jansen-paired": "parsl_sa.stats.estimators.jansen_paired:JansenPaired",
        "azzini-rosati": "parsl_sa.stats.estimators.azzini_rosati:AzziniRosati",
        "jansen": "parsl_sa.stats.estimators.jansen:Jansen",
        "martinez": "parsl_sa.stats.estimators.products:Martinez",
        "saltelli-2010": "parsl_sa.stats.estimators.products:Saltelli",
        "janon-monod": "parsl_sa.stats.estimators.products:JanonMonod",
    },
    "sampler": {
        "pick-freeze": "parsl_sa.design.pick_freeze:PickFreeze",
        "monte-carlo": "parsl_sa.design.monte_carlo:MonteCarlo",
        "one-at-a-time": "parsl_sa.design.one_at_a_time:OneAtATime",
    },
    "sequence": {
        "sobol": "parsl_sa.design.sequences:ScrambledSobol",
        "random": "parsl_sa.design.sequences:CounterRandom",
    },
    "distribution": {
        "uniform": "parsl_sa.design.continuous:Uniform",
        "loguniform": "parsl_sa.design.continuous:LogUniform",
        "normal": "parsl_sa.design.continuous:Normal",
        "truncated-normal": "parsl_sa.design.continuous:TruncatedNormal",
        "lognormal": "parsl_sa.design.continuous:LogNormal",
        "triangular": "parsl_sa.design.continuous:Triangular",
        "beta": "parsl_sa.design.continuous:Beta",
        "scipy": "parsl_sa.design.scipy_family:ScipyFamily",
        "empirical": "parsl_sa.design.empirical:Empirical",
        "integer": "parsl_sa.design.discrete:Integer",
        "choice": "parsl_sa.design.discrete:Choice",
        "discrete": "parsl_sa.design.discrete:Discrete",
        "categorical": "parsl_sa.design.discrete:Categorical",
        "ordinal": "parsl_sa.design.discrete:Ordinal",
        "constant": "parsl_sa.design.discrete:Constant",
        "joint": "parsl_sa.design.dependence:Joint",
        "switch": "parsl_sa.design.switch:Switch",
    },
    "dependence": {
        "gaussian-copula": "parsl_sa.design.copula:GaussianCopula",
        "rows": "parsl_sa.design.joint:Rows",
        "simplex": "parsl_sa.design.joint:Simplex",
        "linear-constraints": "parsl_sa.design.constraints:LinearConstraints",
    },
    "loader": {
        "python": "parsl_sa.models.loaders.python:load",
        "exported": "parsl_sa.models.loaders.exported:load",
        "onnx": "parsl_sa.models.loaders.onnx:load",
        "huggingface": "parsl_sa.models.loaders.huggingface:load",
        "state-dict": "parsl_sa.models.loaders.state_dict:load",
        "torchscript": "parsl_sa.models.loaders.torchscript:load",
        "sklearn": "parsl_sa.models.loaders.estimator:load",
        "pickle": "parsl_sa.models.loaders.pickled:load",
        "live": "parsl_sa.models.loaders.live:load",
    },
    "perturbation": {
        "mask": "parsl_sa.models.perturbations.mask:Mask",
        "noise": "parsl_sa.models.perturbations.noise:Noise",
        "brightness": "parsl_sa.models.perturbations.brightness:Brightness",
        "contrast": "parsl_sa.models.perturbations.contrast:Contrast",
        "shift": "parsl_sa.models.perturbations.shift:Shift",
    },
    "quantity": {
        "value": "parsl_sa.models.quantities.classes:Value",
        "logit": "parsl_sa.models.quantities.classes:Logit",
        "probability": "parsl_sa.models.quantities.classes:Probability",
        "log-odds": "parsl_sa.models.quantities.classes:LogOdds",
        "margin": "parsl_sa.models.quantities.classes:Margin",
        "predicted-class": "parsl_sa.models.quantities.predicted:PredictedClass",
        "loss": "parsl_sa.models.quantities.loss:Loss",
        "entropy": "parsl_sa.models.quantities.entropy:Entropy",
    },
    "channel": {
        "curve": "parsl_sa.channel.curve:CurveChannel",
        "in-process": "parsl_sa.channel.in_process:InProcessChannel",
    },
}


class UnknownPluginError(ParslSaError, KeyError):
    """A name that its table does not have; the message lists the known ones."""

    def __str__(self) -> str:
        return str(self.args[0])


def names(family: str) -> tuple[str, ...]:
    """List the known names of a plug-in family.

    Parameters
    ----------
    family : str
        A key of `TABLES`.

    Returns
    -------
    tuple of str
        In the table's order.

    Examples
    --------
    >>> names("sampler")
    ('pick-freeze', 'monte-carlo', 'one-at-a-time')
    """
    return tuple(TABLES[family])


def resolve(family: str, name: str) -> Any:
    """Import a plug-in and return it.

    Parameters
    ----------
    family : str
        A key of `TABLES`.
    name : str
        A name in that family.

    Returns
    -------
    object
        The class or function that the table names.

    Raises
    ------
    UnknownPluginError
        If the family has no such name; the message lists those it has.

    Examples
    --------
    >>> resolve("sequence", "halton")
    Traceback (most recent call last):
        ...
    parsl_sa.registry.UnknownPluginError: unknown sequence 'halton'; known: sobol, random
    """
    table = TABLES[family]
    if name not in table:
        msg = f"unknown {family} '{name}'; known: {', '.join(table)}"
        raise UnknownPluginError(msg)
    module, _, attribute = table[name].partition(":")
    return getattr(import_module(module), attribute)
