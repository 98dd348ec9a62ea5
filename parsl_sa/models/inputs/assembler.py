"""Assemble what a network is called with from rows of parameters and the cases that they are for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from parsl_sa.models.inputs.bases import Bases
from parsl_sa.models.inputs.preprocess import Preprocess
from parsl_sa.models.inputs.reading import read
from parsl_sa.models.inputs.template import Tensor
from parsl_sa.models.wrapped import TORCH_DTYPES
from parsl_sa.registry import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from parsl_sa.models.perturbations import Perturbation
    from parsl_sa.models.protocol import Feed, Model


@dataclass(frozen=True)
class Assembler:
    """From rows of parameters to the inputs of a network.

    Parameters
    ----------
    n_columns : int
        Parameters of a row.
    device : str
        Where inputs are assembled.
    bases : Bases, optional
        The base inputs; None where rows of parameters are all there is.
    perturbations : tuple of Perturbation
        Applied one after the other.
    clip : tuple of float, optional
        Range that perturbed inputs are clipped to.
    preprocess : Preprocess, optional
        Steps of the perturbed base input, or of plain rows.
    tensors : mapping of str to Tensor, optional
        Named inputs; None where there is one without a name.
    base_name : str, optional
        Name under which the perturbed base input is passed.
    names : tuple of str or int
        Of the cases; empty where there is no case axis.
    labels : ndarray, shape (n_cases,), optional
        Right answers as they were written.
    files : tuple of Path
        What template and perturbations were read from; provenance hashes them.
    chosen_wrong : bool
        Whether base inputs were chosen because the model is wrong about them.
    """

    n_columns: int
    device: str = "cpu"
    bases: Bases | None = None
    perturbations: tuple[Perturbation, ...] = ()
    clip: tuple[float, float] | None = None
    preprocess: Preprocess | None = None
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    base_name: str | None = None
    names: tuple[str | int, ...] = ()
    labels: npt.NDArray[Any] | None = None
    files: tuple[Path, ...] = ()
    chosen_wrong: bool = False

    @property
    def n_cases(self) -> int:
        """Base inputs that every row is evaluated for; 1 where there is none."""
        return 1 if self.bases is None else len(self.bases)

    @property
    def plain(self) -> bool:
        """Whether the network takes the rows of parameters, or these scaled."""
        return self.bases is None and not self.tensors

    def __call__(self, rows: npt.NDArray[np.float64], cases: npt.NDArray[np.int64]) -> Feed:
        """Assemble a batch.

        Parameters
        ----------
        rows : ndarray of float64, shape (batch, n_columns)
            The parameters.
        cases : ndarray of int64, shape (batch,)
            Index of the case of each row.

        Returns
        -------
        ndarray, tensor, or mapping of str to tensor
            What the model is called with.
        """
        if self.plain and self.preprocess is None:
            return rows
        columns = torch.as_tensor(rows).to(self.device)
        feed = {name: tensor(columns) for name, tensor in self.tensors.items()}
        if self.bases is None and feed:
            main = None
        elif self.bases is None:
            main = columns
        else:
            main = self._perturbed(columns, torch.as_tensor(cases).to(self.device))
        if main is not None and self.preprocess is not None:
            main = self.preprocess(main)
        if main is not None:
            feed[self.base_name or ""] = main
        return feed[""] if set(feed) == {""} else feed

    def clean(self, cases: npt.NDArray[np.int64]) -> Feed:
        """Assemble the base inputs of some cases as they are, without perturbations.

        Parameters
        ----------
        cases : ndarray of int64, shape (batch,)
            Indices of cases.

        Raises
        ------
        ValueError
            If there are no base inputs, or parameters enter beside them.
        """
        if not self.can_be_clean or self.bases is None:
            raise ValueError("there are no inputs without parameters")
        main = self.bases.of(torch.as_tensor(cases))
        main = main if self.clip is None else main.clamp(*self.clip)
        main = main if self.preprocess is None else self.preprocess(main)
        return {self.base_name: main} if self.base_name else main

    @property
    def can_be_clean(self) -> bool:
        """Whether a base input can be evaluated without any parameter."""
        return self.bases is not None and not self.tensors

    def _perturbed(self, columns: torch.Tensor, cases: torch.Tensor) -> torch.Tensor:
        assert self.bases is not None  # noqa: S101 - asked by the caller
        inputs = self.bases.of(cases)
        for one in self.perturbations:
            inputs = one(inputs, columns, cases)
        return inputs if self.clip is None else inputs.clamp(*self.clip)


def assembler(plain: Mapping[str, Any], model: Model) -> Assembler:
    """Build the assembler of a study.

    Parameters
    ----------
    plain : mapping
        What `StudySpec.inputs_plain` returns: ``columns``, ``base``, ``perturbations``, ``template`` and
        ``preprocess``; the last four may be missing.
    model : Model
        Whose dtype and device inputs get.

    Raises
    ------
    ModelError
        If a base input or a file cannot be read, or its parts do not fit each other.
    """
    columns = list(plain["columns"])
    base, template = plain.get("base"), plain.get("template") or {}
    tensors = {
        name: Tensor.of(entry, columns, f"inputs.template.{name}" if name else "inputs.template")
        for name, entry in template.items()
        if not entry.get("base")
    }
    base_name = next((name for name, entry in template.items() if entry.get("base")), None)
    if base is None:
        preprocess = _preprocess(plain, "F", (len(columns),), model.device) if not template else None
        return Assembler(
            len(columns), model.device, preprocess=preprocess, tensors=tensors, files=_files(plain)
        )
    found = read(base)
    bases = Bases(found.arrays, base["layout"], model.device, TORCH_DTYPES[model.dtype])
    perturbations = tuple(
        resolve("perturbation", entry["kind"]).of(entry, columns, bases, f"inputs.perturbations[{index}]")
        for index, entry in enumerate(plain.get("perturbations") or ())
    )
    return Assembler(
        len(columns),
        model.device,
        bases,
        perturbations,
        None if base.get("clip") is None else (float(base["clip"][0]), float(base["clip"][1])),
        _preprocess(plain, bases.axes, bases.shape, model.device),
        tensors,
        base_name,
        found.names if found.several else (),
        found.labels,
        _files(plain),
        bool(base.get("chosen_wrong")),
    )


def _files(plain: Mapping[str, Any]) -> tuple[Path, ...]:
    """Return the files of template and perturbations; those of base inputs have a digest in the spec."""
    entries = [*(plain.get("template") or {}).values(), *(plain.get("perturbations") or ())]
    return tuple(Path(entry[key]) for entry in entries for key in ("file", "segments") if entry.get(key))


def _preprocess(
    plain: Mapping[str, Any], axes: str, shape: tuple[int, ...], device: str
) -> Preprocess | None:
    written = plain.get("preprocess")
    return None if written is None else Preprocess.of(written, axes, shape, device)
