"""A first spec of a model, drafted by looking at it and at data: what `parsl-sa init` writes."""

from __future__ import annotations

from parsl_sa.study.draft.drafted import Draft, draft
from parsl_sa.study.draft.text import written

__all__ = ["Draft", "draft", "written"]
