"""The loader `huggingface`: a model of transformers in a folder on disk; the network is never asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import ModelError
from parsl_sa.models.extras import require
from parsl_sa.models.feeding import feed
from parsl_sa.models.located import locate, require_trust
from parsl_sa.models.protocol import InputTensor
from parsl_sa.models.source import user_code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from parsl_sa.models.protocol import Model

_CLASS = "auto_class"
# Keywords of from_pretrained that are not the user's to set, and what decides instead.
_REFUSED = {
    "trust_remote_code": "code of the folder runs with model.trust alone",
    "local_files_only": "the network is never asked",
    "weights_only": "weights are read without running anything of them; there is no other way",
}
_KEPT = (".safetensors", ".bin", ".py")
_LISTED = 5


def load(model: Mapping[str, Any], base_dir: Path) -> Model:
    """Load a folder that `save_pretrained` wrote, or a snapshot of the hub.

    Parameters
    ----------
    model : mapping
        The spec's ``model``; ``path`` is the folder. Of ``options``, ``auto_class`` names the class of
        transformers (``"AutoModelForImageClassification"``), else the folder's config does; all others are
        keywords of ``from_pretrained``, but for those that say what may run or be fetched.
    base_dir : Path
        Folder that a relative path starts from.

    Returns
    -------
    Model
        Fed with tensors: its main input (``pixel_values``, ``input_ids``), or several by name. Its output is
        a dataclass, of which the spec selects ``logits`` or another field.

    Raises
    ------
    ModelError
        At ``model.loader``, if transformers is missing; at ``model.path``, if the folder lacks weights that
        the class has, which would then be random; at ``model.options.auto_class``; at ``model.options.KEY``,
        if it is not the user's to set; at ``model.trust``, if the folder brings code of its own.
    """
    path = locate(model, base_dir, "huggingface", form="a folder of Hugging Face", options=True)
    transformers = require("transformers", "huggingface", "huggingface")
    try:
        config = json.loads((path / "config.json").read_text())
    except (ValueError, OSError) as error:
        raise ModelError("model.path", f"{path / 'config.json'} cannot be read: {error}") from error
    options = dict(model.get("options") or {})
    for key, reason in _REFUSED.items():
        if key in options:
            raise ModelError(f"model.options.{key}", f"cannot be set: {reason}; remove it")
    remarks: list[str] = []
    own_code = bool(config.get("auto_map"))
    if own_code:
        remarks.append(
            require_trust(model, f"{path.name} brings code of its own, which runs when it is loaded")
        )
    kind = _class(transformers, config, options.pop(_CLASS, None), own_code=own_code)
    options = {"dtype": "auto", **options, "local_files_only": True, "weights_only": True}
    options["trust_remote_code"] = own_code
    _hide_progress(transformers)
    with user_code("model.path", f"{kind.__name__}.from_pretrained of {path.name}", path):
        module, told = kind.from_pretrained(str(path), output_loading_info=True, **options)
    _refuse_random(told, kind.__name__, path.name)
    files = sorted(file for file in path.iterdir() if file.suffix in _KEPT)
    return feed(module, model, (path / "config.json", *files), (_main_input(module),), remarks)


def _class(transformers: Any, config: Mapping[str, Any], named: str | None, *, own_code: bool) -> Any:
    """Return the class that the options or the folder name."""
    place = f"model.options.{_CLASS}"
    if named is not None:
        kind = getattr(transformers, str(named), None)
        if kind is None or not hasattr(kind, "from_pretrained"):
            raise ModelError(
                place, f"transformers has no model '{named}', such as AutoModelForImageClassification"
            )
        return kind
    if own_code:
        auto = [name for name in config["auto_map"] if name.startswith("AutoModel")]
        if auto:
            return getattr(transformers, auto[-1])
    architectures = config.get("architectures") or []
    kind = getattr(transformers, architectures[0], None) if architectures else None
    if kind is None:
        has = (
            f"names {architectures[0]}, which this transformers lacks"
            if architectures
            else "names no architecture"
        )
        raise ModelError(place, f"is needed: config.json {has}; such as AutoModelForImageClassification")
    return kind


def _refuse_random(told: Mapping[str, Any], kind: str, folder: str) -> None:
    """Refuse a model of which transformers made up weights that the folder does not hold."""
    made_up = sorted(map(str, [*told.get("missing_keys", ()), *told.get("mismatched_keys", ())]))
    if made_up:
        listed = ", ".join(made_up[:_LISTED]) + (", ..." if len(made_up) > _LISTED else "")
        raise ModelError(
            "model.path",
            f"{folder} lacks weights of {kind}, which would be random: {listed}; take the folder of the "
            "model trained "
            f"for this, or another class (model.options.{_CLASS})",
        )


def _main_input(module: Any) -> InputTensor:
    """Describe the input that the class calls its main one."""
    name, config = str(module.main_input_name), module.config
    if name == "pixel_values":
        size = getattr(config, "image_size", None)
        sides = tuple(size) if isinstance(size, list | tuple) else (size, size)
        return InputTensor(name, (None, getattr(config, "num_channels", None), *sides), "float32")
    return InputTensor(name, (None, None), "int64" if name == "input_ids" else "float32")


def _hide_progress(transformers: Any) -> None:
    """Keep bars of progress out of logs."""
    transformers.utils.logging.disable_progress_bar()
