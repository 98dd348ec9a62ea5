"""`Study`, `Run`, `Results` and `explain`: what scripts, notebooks and the command line call."""

from __future__ import annotations

from parsl_sa.study.advice import StudyWarning
from parsl_sa.study.directories import existing, finished, new_directory
from parsl_sa.study.explainer import explain
from parsl_sa.study.explanation import Explanation
from parsl_sa.study.results import Results
from parsl_sa.study.run import Run, run
from parsl_sa.study.study import Study

__all__ = [
    "Explanation",
    "Results",
    "Run",
    "Study",
    "StudyWarning",
    "existing",
    "explain",
    "finished",
    "new_directory",
    "run",
]
