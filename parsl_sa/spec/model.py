"""The trained network of a study: which file, how it is loaded, and where it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from parsl_sa.spec.fields import Device, PlugIn, Section
from parsl_sa.spec.preprocess import PreprocessSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsl_sa.spec.parts import Finding, Part

# Loaders whose path names a function of a Python file.
_CODE_LOADERS = frozenset({"python"})


class ModelSpec(Section):
    """The trained network."""

    loader: Annotated[str, PlugIn("loader")] = Field(
        description='How the file is loaded: "python" calls a function of a Python file that returns a '
        'torch module or a plain callable, "exported" reads a torch.export file; "live" is written by '
        "`Study.from_function` and means a function of that Python process."
    )
    path: str = Field(
        min_length=1,
        description="File of the model, relative to the spec. For the python loader a file and the "
        'function to call: "model.py:load".',
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Keyword arguments of the function; free of form."
    )
    dtype: Literal["auto", "float32", "float64"] = Field(
        default="auto", description='dtype of the model\'s input; "auto" takes that of its weights.'
    )
    device: Device = Field(
        default="cpu", description='Where it runs: "cpu", "cuda", or "cuda:N" with N the GPU.'
    )
    arrays: Literal["auto", "torch", "numpy"] = Field(
        default="auto",
        description='What a plain callable takes, torch tensors or NumPy arrays; "auto" sees which of the '
        "two its code uses. A torch module takes tensors.",
    )

    preprocess: PreprocessSpec = Field(
        default=PreprocessSpec(),
        description="What the network expects of its inputs, so that parameters and base inputs are stated "
        "as "
        "the user knows them.",
    )

    @property
    def file(self) -> str:
        """The file part of `path`."""
        return self._halves()[0]

    @property
    def function(self) -> str:
        """The function part of `path`; empty for a loader that calls none."""
        return self._halves()[1]

    def _halves(self) -> tuple[str, str]:
        if self.loader not in _CODE_LOADERS:
            return self.path, ""
        file, _, function = self.path.rpartition(":")
        return file, function

    def at(self, base_dir: Path) -> ModelSpec:
        """Return it with its path made absolute.

        Parameters
        ----------
        base_dir : Path
            Folder that a relative path starts from: that of the spec's file.
        """
        file = str((base_dir / Path(self.file).expanduser()).resolve())
        return self.model_copy(update={"path": f"{file}:{self.function}" if self.function else file})

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """Yield what is wrong between fields that are sound one by one."""
        loader, path = part.get("loader"), part.get("path")
        if loader not in _CODE_LOADERS or path is None:
            return
        file, _, function = path.rpartition(":")
        if not file or not function.isidentifier():
            yield part.finding(
                f"must be a Python file and a function in it, such as 'model.py:load'; it is '{path}'", "path"
            )
