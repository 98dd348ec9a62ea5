"""From the plain design and parameters of a spec to the sampler they describe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parsl_sa.design.conditional import Conditional
from parsl_sa.design.copula import GaussianCopula
from parsl_sa.design.inputs import Inputs
from parsl_sa.design.pick_freeze import PickFreeze
from parsl_sa.errors import DesignError
from parsl_sa.registry import UnknownPluginError, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence as Seq

    from parsl_sa.design.protocol import Sampler


def assemble(
    design: Mapping[str, Any],
    parameters: Seq[Mapping[str, Any]],
    replicate_bundles: int,
    case: int = 0,
    *,
    groups: Mapping[str, Seq[str]] | None = None,
    dependence: Mapping[str, Any] | None = None,
) -> Sampler:
    """Build the sampler of a study.

    Parameters
    ----------
    design : mapping
        With `method`, `sequence`, `seed` and, for pick-freeze, `both_ways`; other keys are left alone.
    parameters : sequence of mapping
        In the order of the spec, each with `name`, `distribution` and the fields of that distribution.
    replicate_bundles : int
        Bundles of a replicate, a power of two.
    case : int, optional
        Index of the base input studied.
    groups : mapping of str to sequence of str, optional
        Names of the parameters that vary together, by the name of their group.
    dependence : mapping, optional
        How parameters depend on each other: its ``kind`` and the fields of that kind. Pick-freeze becomes
        the conditional design where parameters of different factors are correlated.

    Returns
    -------
    Sampler
        Bundle index -> rows.

    Raises
    ------
    DesignError
        If a name is unknown, a field is wrong, or the design cannot be made; the message names the
        place.

    Examples
    --------
    >>> sampler = assemble(
    ...     {"method": "pick-freeze", "sequence": "sobol", "both_ways": True, "seed": 0},
    ...     [
    ...         {"name": "alpha", "distribution": "normal", "mean": 3.0, "sd": 0.5},
    ...         {"name": "Re", "distribution": "loguniform", "low": 5e5, "high": 5e6},
    ...         {"name": "chord", "distribution": "constant", "value": 1.0},
    ...     ],
    ...     replicate_bundles=256,
    ... )
    >>> sampler.layout.n_rows, sampler.rows(4000, 4096).shape
    (6, (96, 6, 3))
    """
    inputs = Inputs.of(parameters, groups, dependence)
    try:
        sampler, sequence = resolve("sampler", design["method"]), resolve("sequence", design["sequence"])
    except KeyError as error:
        unknown = isinstance(error, UnknownPluginError)
        raise DesignError(f"design: {error}" if unknown else f"design.{error.args[0]}: is missing") from error
    if sampler is PickFreeze and inputs.crossing and isinstance(inputs.dependence, GaussianCopula):
        sampler = Conditional
    built: Sampler = sampler(
        inputs,
        sequence,
        replicate_bundles,
        design.get("seed"),
        both_ways=bool(design.get("both_ways", False)),
        case=case,
    )
    return built
