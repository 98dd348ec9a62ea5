"""From rows of parameters to what a network is called with, by perturbations or a template."""

from __future__ import annotations

from parsl_sa.models.inputs.assembler import Assembler, assembler
from parsl_sa.models.inputs.pictures import pictures

__all__ = ["Assembler", "assembler", "pictures"]
