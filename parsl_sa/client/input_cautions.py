"""What a few rows of the design tell of its inputs: warnings, before the first lease."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import ModelError
from parsl_sa.spec.perturbations import MaskSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from parsl_sa.design import Sampler
    from parsl_sa.models import BatchChoice, Evaluator
    from parsl_sa.spec import StudySpec

_BUNDLES = 2048  # that trained ranges are compared with
_BYTES = 64 << 20
_TRIED = 16  # bundles in which every factor is changed
_FEWEST = 4  # changed inputs that say something
_FORWARDS = 1 << 14
_SECONDS = 2.0
_ROUNDING = 16.0  # spacings of the dtype that another place in a batch may change
_TOLD_ONE_BY_ONE = 3


def input_cautions(
    spec: StudySpec, sampler: Sampler, evaluator: Evaluator, chosen: BatchChoice
) -> Iterator[str]:
    """Tell of values outside the range that the network was trained on, and of inputs that it ignores.

    Parameters
    ----------
    spec : StudySpec
        The study.
    sampler : Sampler
        Its rows.
    evaluator : Evaluator
        Its model, probed.
    chosen : Batch
        The batch that was found best, and its time.
    """
    yield from outside_training(spec, sampler)
    yield from without_effect(spec, sampler, evaluator, chosen)


def outside_training(spec: StudySpec, sampler: Sampler) -> Iterator[str]:
    """Tell which share of the values of a parameter lies outside its `trained` range.

    Notes
    -----
    The share is that of the base points A and B of the first 2048 bundles, less of them where they take
    more than 64 MiB.
    """
    stated = [(place, item) for place, item in enumerate(spec.inputs.parameters) if item.trained is not None]
    if not stated:
        return
    bundle_bytes = 8 * sampler.layout.n_rows * len(spec.inputs.everything)
    n_bundles = min(spec.design.n, _BUNDLES, max(_FEWEST, _BYTES // bundle_bytes))
    rows = sampler.rows(0, n_bundles)[:, :2]
    for place, item in stated:
        low, high = (
            open_end if end is None else end
            for end, open_end in zip(item.trained or (), (-np.inf, np.inf), strict=True)
        )
        values = rows[..., place]
        share = float(((values < low) | (values > high)).mean())
        if share:
            closed = f"{'(' if low == -np.inf else '['}{low:g}, {high:g}{')' if high == np.inf else ']'}"
            yield (
                f"inputs.parameters[{place}]: {100 * share:.3g} % of the values of '{item.name}' lie outside "
                f"{closed}, where the network was trained; what it says there is extrapolation"
            )


def without_effect(
    spec: StudySpec, sampler: Sampler, evaluator: Evaluator, chosen: BatchChoice
) -> Iterator[str]:
    """Tell of factors whose change alone changes no output, in any of a few bundles.

    Notes
    -----
    A bundle holds for each factor a row that differs from A in this factor alone, unless it is of plain
    Monte Carlo. At most 16 bundles are evaluated, and none where four would take more than 2 s, 64 MiB
    or 16,384 forwards. Cells of a perturbation are no news where they do nothing, and are not told of; nor is
    anything where all factors do nothing, which the outputs tell.
    """
    layout, places = sampler.layout, _places(spec)
    if layout.method == "monte-carlo" or not places:
        return
    forwards = (layout.d + 1) * evaluator.n_cases
    row_bytes = evaluator.n_cells * np.dtype(evaluator.dtype).itemsize
    forward_s = chosen.forward_s / chosen.batch
    tried = min(
        _TRIED,
        sampler.replicate_bundles,
        _FORWARDS // forwards,
        _BYTES // ((layout.d + 1) * row_bytes),
        int(min(_TRIED, _SECONDS / max(forwards * forward_s, 1e-9))),
    )
    if tried < _FEWEST:
        return
    try:
        changed, moved = _tried(sampler, evaluator, tried, chosen.batch)
    except ModelError:
        return  # raised by some input, whose bundle a study drops, counts and tells
    silent = (changed.sum(axis=0) >= _FEWEST) & ~moved.any(axis=0)
    if silent.all():
        return
    named = [factor for factor, is_silent in zip(spec.factors, silent, strict=True) if is_silent]
    told = {factor: places[factor] for factor in named if factor in places}
    cure = "check that it stands where the network expects it"
    if len(told) > _TOLD_ONE_BY_ONE:
        first = ", ".join(f"'{factor}'" for factor in list(told)[:_TOLD_ONE_BY_ONE])
        yield (
            f"inputs.parameters: {first} and {len(told) - _TOLD_ONE_BY_ONE} more change no output for any of "
            f"{tried} probed inputs; check the order of the parameters"
        )
        return
    for factor, place in told.items():
        yield f"{place}: '{factor}' changes no output for any of {tried} probed inputs; {cure}"


def _places(spec: StudySpec) -> dict[str, str]:
    """Return where the factors stand in the spec, but for those that perturbations bring along.

    Seeds of a baseline are left out too: they do nothing where every cell of the mask is kept.
    """
    seeds = {one.seed for one in spec.inputs.perturbations if isinstance(one, MaskSpec)}
    written = {
        item.name: f"inputs.parameters[{place}]"
        for place, item in enumerate(spec.inputs.parameters)
        if item.name not in seeds
    }
    groups = {group: f"inputs.groups.{group}" for group in spec.inputs.groups}
    return {factor: place for factor, place in {**written, **groups}.items() if factor in spec.factors}


def _tried(
    sampler: Sampler, evaluator: Evaluator, tried: int, batch: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return in which bundles each factor changed the input, and the output; both of shape (tried, d)."""
    layout, model = sampler.layout, evaluator.model
    bundles = sampler.rows(0, tried)
    rows = np.concatenate([bundles[:, :1], bundles[:, layout.alone]], axis=1)
    flat = rows.reshape(-1, rows.shape[-1])
    size = model.fixed_batch or max(model.smallest_batch, min(batch, len(flat) * evaluator.n_cases))
    outputs = evaluator.evaluate(flat, size).reshape(tried, layout.d + 1, -1)
    changed = (rows[:, 1:] != rows[:, :1]).any(axis=2)
    return changed, np.stack([_differ(outputs[:, i + 1], outputs[:, 0]) for i in range(layout.d)], axis=1)


def _differ(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Tell which rows differ by more than rounding, in any cell."""
    with np.errstate(invalid="ignore"):
        same = (one == other) | (np.isnan(one) & np.isnan(other))
        scale = np.nan_to_num(np.abs(other), nan=0.0, posinf=0.0).max(axis=0)
        near = np.abs(one - other) <= _ROUNDING * np.finfo(other.dtype).eps * scale
    different: npt.NDArray[np.bool_] = (~(same | near)).any(axis=1)
    return different
