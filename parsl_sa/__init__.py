"""parsl-sa: sensitivity analysis of trained neural networks on laptops and supercomputers.

`Study` and `Results` are the whole interface of a script; they are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from parsl_sa.study import Results, Study

__version__ = "0.1.0"
__all__ = ["Results", "Study", "__version__"]


def __getattr__(name: str) -> Any:
    if name in {"Results", "Study"}:
        from parsl_sa import study  # noqa: PLC0415 - `import parsl_sa` stays light

        return getattr(study, name)
    raise AttributeError(f"module 'parsl_sa' has no attribute {name!r}")
