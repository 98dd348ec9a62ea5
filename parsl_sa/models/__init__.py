"""Models: load a trained network, check what it gives, and evaluate it in batches of a fixed size."""

from __future__ import annotations

from parsl_sa.models.batch import BatchChoice, choose_batch
from parsl_sa.models.evaluator import Evaluator
from parsl_sa.models.hardware import hardware
from parsl_sa.models.load import load
from parsl_sa.models.protocol import Model
from parsl_sa.models.provenance import hashes

__all__ = ["BatchChoice", "Evaluator", "Model", "choose_batch", "hardware", "hashes", "load"]
