"""parsl-sa: sensitivity analysis of trained neural networks on laptops and supercomputers.

`Study`, `Results` and `explain` are the whole interface of a script; they are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from parsl_sa.study import Results, Study, explain

__version__ = "0.1.0"
__all__ = ["Results", "Study", "__version__", "explain"]


def __getattr__(name: str) -> Any:
    if name in {"Results", "Study", "explain"}:
        from parsl_sa import study  # noqa: PLC0415 - `import parsl_sa` stays light

        return getattr(study, name)
    raise AttributeError(f"module 'parsl_sa' has no attribute {name!r}")
