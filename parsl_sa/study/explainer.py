"""`parsl_sa.explain`: which parts of an input a network's answer rests on, with intervals."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import Fault, SpecError
from parsl_sa.study.explanation import Explanation
from parsl_sa.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

METHODS = ("sobol", "occlusion")
_OUTPUT = "answer"
_CELLS = 7  # a side, where no grid is given


def explain(
    model: Callable[..., Any],
    x: Any,
    target: str | int | None = "predicted",
    *,
    method: str = "sobol",
    grid: int | Sequence[int] | None = None,
    baseline: str | float | Sequence[float] | None = None,
    quantity: str = "log-odds",
    n: int | None = None,
    layout: str | None = None,
    classes: Sequence[str] = (),
    scores: str = "logits",
    arrays: str = "auto",
    preprocess: Mapping[str, Any] | None = None,
    seed: int = 0,
    directory: str | Path | None = None,
    progress: bool = False,
    **spec: Any,
) -> Explanation:
    """Explain what a network makes of an input, by masking cells of it.

    Parameters
    ----------
    model : callable
        A `torch.nn.Module` or a function of one batch of inputs.
    x : array or tensor
        One input as the model takes it, without the batch axis, or several along a first axis: an image
        of shape (channels, rows, columns) or (rows, columns, channels), a grey one of (rows, columns), or a
        row of features.
    target : str, int or None
        The class that is explained: an index, one of `classes`, or ``"predicted"``, the class of the input as
        it is. None explains the output itself, as for a regression.
    method : str
        ``"sobol"``: indices of first and total order of cells that are blended with the baseline (Fel et al.
        2021). ``"occlusion"``: what the answer loses when one cell is taken away (Zeiler and Fergus 2014).
    grid : int or sequence of int, optional
        Cells along each axis but the channels, or one number for all; by default 5 to 8, so that all are
        alike, or one a feature of up to 64.
    baseline : str, float or sequence of float, optional
        What a masked cell becomes: ``"blur"``, ``"zero"``, ``"mean"``, ``"noise"``, a number, or for a row of
        features one number each; by default "blur", and "zero" for a row, between whose features nothing can
        be blurred.
    quantity : str
        What is explained of the target: ``"log-odds"``, ``"logit"``, ``"margin"``, ``"probability"``; or
        ``"entropy"``, the doubt between all classes. A probability is flat where the network is sure, and
        its map undefined there: take log-odds.
    n : int, optional
        Base points. By default 256 for Sobol' indices; for occlusion 1, which is exact, and 64 where the
        baseline is noise.
    layout : str, optional
        Axes of one input, such as "CHW", "HWC", "HW" or "F"; by default told from the shape of `x`.
    classes : sequence of str
        Names of the classes, in the order of the model's scores.
    scores : str
        What a classifier returns: ``"logits"`` or ``"probabilities"``.
    arrays : str
        What a plain function takes: ``"torch"`` tensors, ``"numpy"`` arrays; "auto" sees which its code uses.
    preprocess : mapping, optional
        Steps between `x` and what the model takes, as ``model.preprocess`` of a spec has them, such as
        ``{"scale": 1 / 255, "mean": [...], "sd": [...]}`` for an image of 0 to 255. The axes are kept.
    seed : int
        Of the design, and of noise.
    directory : str or Path, optional
        Where the study is kept, its input beside it; by default nowhere.
    progress : bool
        Whether to show progress.
    **spec
        Further parts of a spec, such as ``stop={"budget": {"seconds": 60}}``.

    Returns
    -------
    Explanation
        Maps with intervals and flags, and the picture of them.

    Raises
    ------
    SpecError
        With every fault found, before the model is evaluated many times.

    References
    ----------
    .. [1] Fel, Cadene, Chalvidal, Cord, Vigouroux, Serre (2021), Look at the variance! Efficient black-box
       explanations with Sobol-based sensitivity analysis, NeurIPS 34. arXiv:2111.04138
    .. [2] Zeiler, Fergus (2014), Visualizing and understanding convolutional networks, ECCV.
       doi:10.1007/978-3-319-10590-1_53

    Examples
    --------
    >>> import numpy as np
    >>> def dark_corner(x):  # a function that looks at one quarter of an image alone
    ...     return x[:, :4, :4].sum(axis=(1, 2))
    >>> image = np.random.default_rng(0).uniform(size=(8, 8))
    >>> found = explain(dark_corner, image, target=None, grid=[2, 2], n=128, arrays="numpy")
    >>> found.maps["ST"].values.round(1).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    import numpy as np  # noqa: PLC0415 - `import parsl_sa` stays light

    inputs = np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
    axes = _layout(inputs.shape, layout)
    cells = _grid(inputs.shape[-len(axes) :], axes, grid)
    if baseline is None:
        baseline = "zero" if axes == "F" else "blur"
    if method not in METHODS:
        raise SpecError([Fault("method", f"must be one of {', '.join(METHODS)}; it is '{method}'")])
    with tempfile.TemporaryDirectory(prefix="parsl-sa-explain-") as scratch:
        # a study that is kept goes on to need its inputs
        saved = Path(scratch) / "x.npy" if directory is None else Path(f"{directory}-input.npy").resolve()
        saved.parent.mkdir(parents=True, exist_ok=True)
        np.save(saved, inputs)
        given_baseline = baseline if isinstance(baseline, str | int | float) else [float(b) for b in baseline]
        mask: dict[str, Any] = {"kind": "mask", "grid": cells, "baseline": given_baseline}
        drawn = method == "occlusion" and baseline == "noise"
        if method == "occlusion":
            mask["distribution"] = "switch"
        if drawn:
            mask["seed"] = "noise"
        elif baseline == "noise":
            mask["seed"] = seed
        given = {
            "base": {"path": str(saved), "layout": axes},
            "perturbations": [mask],
            **({"parameters": [_NOISE]} if drawn else {}),
        }
        design = {"method": "pick-freeze", "both_ways": False} if method == "sobol" else {"method": _ONE}
        study = Study.from_function(
            model,
            given,
            n=n if n is not None else _points(method, drawn=drawn),
            outputs=[_output(target, quantity)],
            name="explanation",
            model={
                "preprocess": {"layout": "keep", **(preprocess or {})},
                "scores": scores,
                "arrays": arrays,
                **({"classes": list(classes)} if classes else {}),
            },
            design={**design, "seed": seed, **spec.pop("design", {})},
            **spec,
        )
        kept = Path(directory) if directory is not None else Path(scratch) / "study"
        results = study.launch(kept, progress=progress)
        ds = results[_OUTPUT].load()
        return Explanation(ds, results.attrs, inputs, axes)


_ONE = "one-at-a-time"
_NOISE = {"name": "noise", "distribution": "integer", "low": 0, "high": 1_000_000}


def _points(method: str, *, drawn: bool) -> int:
    return 256 if method == "sobol" else 64 if drawn else 1


def _output(target: str | int | None, quantity: str) -> dict[str, Any]:
    if quantity == "entropy" and target in {None, "predicted"}:
        return {"name": _OUTPUT, "quantity": quantity}
    if target is None:
        return {"name": _OUTPUT}
    return {"name": _OUTPUT, "quantity": quantity, "target": target}


def _layout(shape: tuple[int, ...], layout: str | None) -> str:
    """Tell the axes of one input from its shape.

    Examples
    --------
    >>> [_layout(shape, None) for shape in [(3, 32, 32), (10, 32, 32, 3), (28, 28), (4,)]]
    ['CHW', 'HWC', 'HW', 'F']
    """
    if layout is not None:
        return layout
    if len(shape) in {3, 4}:
        last, first = shape[-1], shape[-3]
        if first in {1, 3, 4} and last not in {1, 3, 4}:
            return "CHW"
        if last in {1, 3, 4} and first not in {1, 3, 4}:
            return "HWC"
    if len(shape) == 1:
        return "F"
    if len(shape) == 2 and min(shape) > 1:
        return "HW"
    text = f"cannot be told from the shape {shape}; say which axes one input has, such as 'CHW', 'HWC' or 'F'"
    raise SpecError([Fault("layout", text)])


def _grid(shape: tuple[int, ...], axes: str, grid: int | Sequence[int] | None) -> list[int]:
    if isinstance(grid, int):
        return [grid] * len(axes.replace("C", ""))
    if grid is not None:
        return [int(count) for count in grid]
    lengths = [n for axis, n in zip(axes, shape, strict=True) if axis != "C"]
    if axes == "F" and lengths[0] <= _CELLS * _CELLS + 15:
        return lengths
    return [_cells(length) for length in lengths]


def _cells(length: int) -> int:
    """Choose the cells along an axis so that all are alike, where that can be.

    Examples
    --------
    >>> [_cells(length) for length in (224, 32, 25, 4, 13)]
    [7, 8, 5, 4, 7]
    """
    if length <= _CELLS:
        return length
    return next((count for count in (7, 8, 6, 5) if length % count == 0), _CELLS)
