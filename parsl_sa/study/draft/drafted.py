"""Draft a first spec by looking at a model, and at data where there are some."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa import design, models
from parsl_sa.errors import Fault, SpecError
from parsl_sa.models.inputs import assembler
from parsl_sa.models.source import user_code
from parsl_sa.spec import parse_spec, replicate_plan, resolved
from parsl_sa.study.draft import columns, images, tables
from parsl_sa.study.draft.outputs import classes_of, looks_probable, n_scores, outputs
from parsl_sa.study.draft.shapes import Taken, batch_of, taken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from parsl_sa.models import Model
    from parsl_sa.spec import StudySpec

_N, _N_MASKS = 1024, 256
_BOTH_WAYS = 20  # parameters up to which both ways is affordable for a first look


@dataclass(frozen=True)
class Draft:
    """A first spec.

    Parameters
    ----------
    plain : dict
        What the file is to hold.
    remarks : tuple of str
        What the user should look at, each with its place in the spec.
    """

    plain: dict[str, Any]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class _Inputs:
    """Parts of a spec that say what goes into the model, and what the user should look at there."""

    inputs: dict[str, Any]
    preprocess: dict[str, Any]
    remarks: tuple[str, ...]


def draft(model: Mapping[str, Any], data: Path | None, base_dir: Path, *, empirical: bool = False) -> Draft:
    """Draft a spec that runs as it is.

    Parameters
    ----------
    model : mapping
        The spec's ``model``: ``path``, relative to `base_dir`, and what the loader needs beside it.
    data : Path or None
        A table of inputs (.csv, .parquet, .npy), or for a network of images an image, a folder of images or a
        .npy file of them.
    base_dir : Path
        Folder that the spec will lie in.
    empirical : bool
        Whether columns are drawn from their own values instead of a uniform range.

    Returns
    -------
    Draft
        Its model has been loaded, and called as the study will call it.

    Raises
    ------
    SpecError
        If the model cannot be loaded or its inputs cannot be told, or the data do not fit it.
    """
    if data is not None and not data.exists():
        raise SpecError([Fault("--data", f"{data}: no such file or folder")])
    loaded = models.load(model, base_dir)
    table = tables.read(data) if data is not None and _is_table(data) else None
    sides = images.sides_of(data) if data is not None and table is None else None
    found = taken(loaded, None if table is None else len(table.names), sides)
    if data is not None and found.is_image != (table is None):
        kinds = ("images", "a table") if found.is_image else ("rows of numbers", "images")
        raise SpecError([Fault("--data", f"the model takes {kinds[0]}, and {data} holds {kinds[1]}")])
    if found.is_image:
        made = _of_images(found, data, base_dir, str(model["path"]))
    else:
        made = _of_columns(found, loaded, table, base_dir, empirical=empirical)
    plain: dict[str, Any] = {
        "spec_version": 1,
        "name": _name(str(model["path"])),
        "model": {**model, **made.preprocess, **classes_of(loaded)},
        "inputs": made.inputs,
        "design": _design(made.inputs),
        "outputs": [{"name": "y"}],
    }
    output, batch = _called(resolved(parse_spec(plain), base_dir), loaded, clean=found.is_image)
    n_classes = len(plain["model"].get("classes", ()))
    plain["outputs"], more = outputs(output, batch, n_classes, explain=found.is_image)
    if found.is_image and looks_probable(output):
        plain["model"]["scores"] = "probabilities"
    if found.is_image and data is not None:
        more = [*more, *_labelled(plain, images.class_folders(data), n_scores(output))]
    return Draft(plain, (*loaded.remarks, *found.remarks, *made.remarks, *more))


def _labelled(plain: dict[str, Any], folders: list[str], n_classes: int) -> Iterator[str]:
    """Take the names of folders for labels where there is one a class, and say so."""
    if not folders or len(folders) != n_classes:
        return
    known = plain["model"].setdefault("classes", folders)
    if sorted(known) != folders:
        return
    plain["inputs"]["base"]["labels"] = "folders"
    if known is folders:
        yield (
            "model.classes: the names of the folders, in alphabetic order as torchvision's ImageFolder has "
            "them; check that the network was trained with this order"
        )


def _is_table(data: Path) -> bool:
    """Tell whether data are rows of columns; an array of more than two axes is images."""
    if images.is_images(data):
        return False
    if data.suffix not in tables.SUFFIXES:
        known = ", ".join(tables.SUFFIXES)
        raise SpecError([Fault("--data", f"{data} is neither a table ({known}) nor an image")])
    try:
        return data.suffix != ".npy" or np.load(data, mmap_mode="r", allow_pickle=False).ndim <= 2
    except (OSError, ValueError, EOFError) as error:
        raise SpecError([Fault("--data", f"{data} is not a .npy file of numbers: {error}")]) from error


def _of_images(found: Taken, data: Path | None, base_dir: Path, path: str) -> _Inputs:
    if data is None:
        text = f"is needed: the model takes images of shape {found.only}, and a study changes yours"
        raise SpecError([Fault("--data", f"{text}; give an image, a folder of them or a .npy file")])
    return _Inputs(*images.image_inputs(data, found.only, base_dir, base_dir / path))


def _of_columns(
    found: Taken, model: Model, table: tables.Table | None, base_dir: Path, *, empirical: bool
) -> _Inputs:
    if any(len(shape) > 1 for shape in found.shapes.values()):
        text = f"it takes an input of shape {found.only}; init writes specs for rows of numbers and images"
        raise SpecError([Fault("MODEL", f"{text}: write inputs.template by hand (docs/spec.md)")])
    counts = {name: shape[0] if shape else 1 for name, shape in found.shapes.items()}
    known = tuple(getattr(getattr(model, "function", None), "columns", ())) or _by_input(counts)
    made, remarks = columns.parameters(sum(counts.values()), known, table, base_dir, empirical=empirical)
    template = _template(found, [each["name"] for each in made])
    return _Inputs({"parameters": made, **template}, {}, tuple(remarks))


def _by_input(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Name parameters after the inputs that they belong to, where there are several."""
    if len(counts) == 1:
        return ()
    names = [[name] if n == 1 else [f"{name}{index}" for index in range(n)] for name, n in counts.items()]
    return tuple(name for each in names for name in each)


def _template(found: Taken, names: list[str]) -> dict[str, Any]:
    """Deal the parameters out to the inputs, where there are several."""
    if len(found.shapes) == 1:
        return {}
    template: dict[str, Any] = {}
    for name, shape in found.shapes.items():
        count = shape[0] if shape else 1
        template[name], names = (names[:count] if shape else names[0]), names[count:]
    return {"template": template}


def _design(inputs: Mapping[str, Any]) -> dict[str, Any]:
    if "base" in inputs:
        return {"n": _N_MASKS}
    uncertain = [one for one in inputs["parameters"] if one["distribution"] != "constant"]
    return {"n": _N, "both_ways": len(uncertain) <= _BOTH_WAYS}


def _called(spec: StudySpec, model: Model, *, clean: bool) -> tuple[Any, int]:
    """Call the model as the study will; return what comes out and for how many rows."""
    assembled, batch = assembler(spec.inputs_plain(), model), batch_of(model)
    cases = np.zeros(batch, np.int64)
    if clean:
        with user_code("MODEL", "calling it with the first image", Path(spec.model.file).parent):
            return model(assembled.clean(cases)), batch
    bundles = replicate_plan(spec.design)[1]
    sampler = design.assemble(spec.design_plain(), spec.parameters_plain(), bundles)
    rows = sampler.rows(0, min(batch, bundles))[:, 0]
    with user_code("MODEL", "calling it with inputs in these ranges", Path(spec.model.file).parent):
        return model(assembled(rows[np.arange(batch) % len(rows)], cases)), batch


def _name(path: str) -> str:
    """Name a study after its model.

    Examples
    --------
    >>> _name("nets/wing drag.onnx"), _name("model.py:load"), _name("vit/")
    ('wing-drag', 'model', 'vit')
    """
    stem = re.sub(r"\.[A-Za-z0-9]+(:\w+)?$", "", Path(path).name)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:64] or "study"
