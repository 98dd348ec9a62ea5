"""The trained network of a study: which file, how it is loaded, and where it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from parsl_sa.errors import Fault
from parsl_sa.spec.classes import Classes, ClassesError, read_classes
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
        "as the user knows them.",
    )
    classes: Classes = Field(
        default=None,
        description="Names of a classifier's classes in the order of its scores, for targets and results: a "
        "list, or a .txt file with one a line or a .json list, relative to the spec.",
    )
    scores: Literal["logits", "probabilities"] = Field(
        default="logits",
        description="What a classifier returns. One score an input is that of class 1 of two: its logit z, "
        "where class 0 has -z, or its probability. Classes stand along axis 1.",
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
        classes = self.classes
        if isinstance(classes, str):
            classes = str((base_dir / Path(classes).expanduser()).resolve())
        path = f"{file}:{self.function}" if self.function else file
        return self.model_copy(update={"path": path, "classes": classes})

    def file_faults(self) -> Iterator[Fault]:
        """Yield what is wrong with the file of class names."""
        try:
            read_classes(self.classes)
        except ClassesError as error:
            yield Fault("model.classes", str(error))

    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes; none where the spec states none.

        Raises
        ------
        ClassesError
            If they stand in a file that cannot be read.
        """
        return read_classes(self.classes)

    def with_class_names(self) -> ModelSpec:
        """Return it with the names instead of their file, so that the study keeps them."""
        return self.model_copy(update={"classes": self.class_names() or None})

    def classifier(self) -> dict[str, Any]:
        """Return what is said of a classifier, for a digest; nothing where nothing is said."""
        said: dict[str, Any] = {} if self.scores == "logits" else {"scores": self.scores}
        return said if self.classes is None else {**said, "classes": list(self.class_names())}

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
