"""Models: load a trained network, check what it gives, and evaluate it in batches of a fixed size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsl_sa.models.batch import BatchChoice, choose_batch
from parsl_sa.models.evaluator import Evaluator
from parsl_sa.models.hardware import hardware
from parsl_sa.models.inputs import Assembler, assembler, pictures
from parsl_sa.models.load import load
from parsl_sa.models.probing import check_order
from parsl_sa.models.protocol import Model
from parsl_sa.models.provenance import hashes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Assembler",
    "BatchChoice",
    "Evaluator",
    "Model",
    "assembler",
    "choose_batch",
    "evaluator",
    "hardware",
    "hashes",
    "load",
    "pictures",
]


def evaluator(
    model: Mapping[str, Any],
    inputs: Mapping[str, Any],
    outputs: Sequence[Mapping[str, Any]],
    classes: Sequence[str] = (),
    scores: str = "logits",
) -> Evaluator:
    """Load the model of a spec, with its inputs and outputs.

    Parameters
    ----------
    model, inputs : mapping
        What `StudySpec.model_plain` and `StudySpec.inputs_plain` return, with absolute paths.
    outputs : sequence of mapping
        What `StudySpec.outputs_plain` returns.
    classes : sequence of str
        Names of the classes of a classifier.
    scores : str
        What a classifier returns: ``"logits"`` or ``"probabilities"``.

    Raises
    ------
    ModelError
        If a file is missing or cannot be used; the message names the place in the spec.
    """
    loaded = load(model, Path())
    check_order(loaded, inputs)
    return Evaluator(loaded, outputs, assembler(inputs, loaded), classes, scores)
