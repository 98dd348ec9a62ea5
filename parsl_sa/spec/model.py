"""The trained network of a study: which file, how it is loaded, and where it runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from parsl_sa.errors import Fault, SpecError
from parsl_sa.spec.classes import Classes, ClassesError, read_classes
from parsl_sa.spec.fields import Device, PlugIn, Section
from parsl_sa.spec.model_files import kind_of
from parsl_sa.spec.preprocess import PreprocessSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsl_sa.spec.parts import Finding, Part

AUTO = "auto"
_PYTHON = "python"
_STATE_DICT = "state-dict"
# Loaders that may meet an estimator of scikit-learn.
_ESTIMATORS = frozenset({AUTO, _PYTHON, "sklearn", "live"})
_CODE = re.compile(r"(?P<file>.+\.py):(?P<function>[^:/]*)")
_FORM = "must be a Python file and a function in it, such as 'model.py:load'"


class ModelSpec(Section):
    """The trained network. [Models](models.md) has an example of each loader."""

    loader: Annotated[str, PlugIn("loader", also=(AUTO,))] = Field(
        default=AUTO,
        description='How the file is loaded: "python" calls a function of a Python file that returns a '
        'torch module, an estimator or a plain callable; "exported" reads a torch.export file; "onnx" an '
        "ONNX "
        'file; "huggingface" a folder of Hugging Face; "state-dict" weights into an `architecture`; '
        '"torchscript" a TorchScript file; "sklearn" and "pickle" what was pickled, with `trust`. "live" is '
        'written by `Study.from_function` and means a function of that Python process. "auto" tells from '
        "the file.",
    )
    path: str = Field(
        min_length=1,
        description="File or folder of the model, relative to the spec. For the python loader a file and the "
        'function to call: "model.py:load".',
    )
    architecture: str | None = Field(
        default=None,
        description="The function or class that makes the module which a file of weights is loaded into: "
        '"net.py:Net".',
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Keyword arguments of the function; free of form."
    )
    key: str = Field(
        default="",
        description="Which entry of a checkpoint holds the weights, or the prefix of their names: "
        '"ema.state_dict". Needed only where there are several.',
    )
    method: str = Field(
        default="",
        description="Which method of an estimator is studied; empty: predict_proba of a classifier "
        "(decision_function where it has none), predict of anything else.",
    )
    mode: Literal["eval", "dropout"] = Field(
        default="eval",
        description='"eval" switches dropout off and freezes batch normalisation; "dropout" leaves dropout '
        "active, with masks that are a function of the batch, for studies of MC dropout.",
    )
    trust: bool = Field(
        default=False,
        description="Allow a file to run code of its own while it is loaded, which every pickle and some "
        "folders of Hugging Face do. Only for files whose makers you trust.",
    )
    dtype: Literal["auto", "float32", "float64"] = Field(
        default="auto",
        description='dtype of the model\'s input; "auto" takes that of its weights, float32 for halves.',
    )
    device: Device = Field(
        default="auto",
        description='Where it runs: "cpu", "cuda", or "cuda:N" with N the GPU. "auto" leaves a module where '
        "the function that made it put it, and loads files for the CPU.",
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

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where its files are, once its paths are absolute: its own folder, and that of its architecture."""
        file = Path(self.file)
        maker = (Path(self.architecture.rpartition(":")[0]).parent,) if self.architecture else ()
        return (file if file.is_dir() else file.parent, *maker)

    def _halves(self) -> tuple[str, str]:
        if self.loader == _PYTHON:
            file, _, function = self.path.rpartition(":")
            return file, function
        code = _CODE.fullmatch(self.path) if self.loader == AUTO else None
        return (code["file"], code["function"]) if code else (self.path, "")

    def at(self, base_dir: Path) -> ModelSpec:
        """Return it with absolute paths, and with the loader that its file asks for.

        Parameters
        ----------
        base_dir : Path
            Folder that a relative path starts from: that of the spec's file.

        Raises
        ------
        SpecError
            At ``model.loader``, if it is "auto" and the file does not tell.
        """
        file = str(_absolute(self.file, base_dir))
        made: dict[str, Any] = {
            "path": f"{file}:{self.function}" if self.function else file,
            "loader": self.resolved_loader(base_dir),
        }
        if self.architecture is not None:
            source, _, function = self.architecture.rpartition(":")
            made["architecture"] = f"{_absolute(source, base_dir)}:{function}"
        if isinstance(self.classes, str):
            made["classes"] = str(_absolute(self.classes, base_dir))
        return self.model_copy(update=made)

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

    def resolved_loader(self, base_dir: Path) -> str:
        """Return the loader, told from the file where it is "auto"; see `at`."""
        return loader_of(self.path, self.architecture, base_dir) if self.loader == AUTO else self.loader

    def science(self) -> dict[str, Any]:
        """Return what results depend on: not its folder, its device, nor whether it is trusted."""
        plain = self.model_dump(mode="json", include={"loader", "options", "dtype", "arrays"})
        later = {"key", "method", "mode", "scores", "preprocess"}  # studies without them keep their digest
        chosen = self.model_dump(mode="json", include=later, exclude_defaults=True)
        maker = self.architecture.rpartition(":")[2] if self.architecture else ""
        return {
            **plain,
            "function": self.function,
            **{key: value for key, value in chosen.items() if value},
            **({"architecture": maker} if maker else {}),
            **({"classes": list(self.class_names())} if self.classes is not None else {}),
        }

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """Yield what is wrong between fields that are sound one by one."""
        loader, path, architecture = part.get("loader"), part.get("path"), part.get("architecture")
        by_code = path is not None and (loader == _PYTHON or (loader == AUTO and _CODE.fullmatch(path)))
        file, _, function = (path or "").rpartition(":")
        if by_code and (not file or not function.isidentifier()):
            yield part.finding(f"{_FORM}; it is '{path}'", "path")
        if architecture is not None and not architecture.rpartition(":")[2].isidentifier():
            yield part.finding(f"{_FORM.replace('load', 'Net')}; it is '{architecture}'", "architecture")
        if loader == _STATE_DICT and architecture is None and "architecture" not in part.broken:
            text = "is missing: weights alone do not say what to compute; name what makes the module"
            yield part.finding(f'{text}, such as "net.py:Net"', "architecture")
        if architecture is not None and loader not in {None, AUTO, _STATE_DICT}:
            yield part.finding(f"is for the loader '{_STATE_DICT}', not for '{loader}'", "architecture")
        if part.get("method") and loader not in {None, *_ESTIMATORS}:
            yield part.finding(f"is for estimators, which the loader '{loader}' does not give", "method")


def loader_of(path: str, architecture: str | None, base_dir: Path) -> str:
    """Tell from a model's file which loader reads it.

    Parameters
    ----------
    path : str
        The spec's ``model.path``.
    architecture : str or None
        The spec's ``model.architecture``.
    base_dir : Path
        Folder that a relative path starts from.

    Raises
    ------
    SpecError
        At ``model.path`` if there is no file, or one that no loader reads; at ``model.architecture`` for
        weights without one; at ``model.loader`` if the file does not tell.
    """
    if _CODE.fullmatch(path):
        return _PYTHON
    if architecture is not None:
        return _STATE_DICT
    file = _absolute(path, base_dir)
    if not file.exists():
        raise _fault("path", f"no file {file} (paths are relative to the spec)")
    kind = kind_of(file)
    if kind is None:
        raise _fault("loader", f"{file.name} does not tell which loader reads it; name one")
    if not kind.loader:
        raise _fault("path", f"{file.name} is {kind.words}; {kind.cure}")
    if kind.loader == _STATE_DICT:
        text = f"is missing: {file.name} is {kind.words}, which does not say what to compute; name what makes"
        raise _fault("architecture", f'{text} the module, such as "net.py:Net"')
    return kind.loader


def _absolute(file: str, base_dir: Path) -> Path:
    return (base_dir / Path(file).expanduser()).resolve()


def _fault(key: str, message: str) -> SpecError:
    return SpecError([Fault(f"model.{key}", message)])
