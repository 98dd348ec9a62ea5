"""Evaluate a model on many rows in batches of one size, and find out beforehand whether that will work."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import ModelError
from parsl_sa.models import probing
from parsl_sa.models.clean import Clean
from parsl_sa.models.provenance import hashes
from parsl_sa.models.quantities import Reader, result_dtype
from parsl_sa.models.quantities.scores import LOGITS
from parsl_sa.records import CASE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from parsl_sa.models.inputs import Assembler
    from parsl_sa.models.protocol import Model
    from parsl_sa.records import Quantity


class Evaluator:
    """The quantities of interest of a model, as rows of cells.

    Parameters
    ----------
    model : Model
        As `parsl_sa.models.load` returns it.
    outputs : sequence of mapping
        The spec's ``outputs``, as `parsl_sa.models.quantities.Reader` takes them.
    assembler : Assembler
        From rows of parameters to the model's inputs.
    classes : sequence of str
        Names of the classes of a classifier.
    scores : str
        What a classifier returns: ``"logits"`` or ``"probabilities"``.

    Notes
    -----
    Where there are several base inputs, every row is evaluated for each of them, and every quantity has an
    axis `case` before its own. A batch counts forwards: pairs of a row and a case.

    Examples
    --------
    >>> from parsl_sa.models.inputs import Assembler
    >>> from parsl_sa.models.wrapped import NumpyModel
    >>> model = NumpyModel(lambda x: {"sum": x.sum(axis=1), "double": 2 * x}, dtype="float64")
    >>> outputs = [{"name": "s", "select": "sum"}, {"name": "d", "select": "double"}]
    >>> evaluator = Evaluator(model, outputs, Assembler(2))
    >>> rows = np.arange(6.0).reshape(3, 2)
    >>> [(quantity.name, quantity.shape) for quantity in evaluator.probe(rows)]
    [('s', ()), ('d', (2,))]
    >>> evaluator.evaluate(rows, batch=2)
    array([[ 1.,  0.,  2.],
           [ 5.,  4.,  6.],
           [ 9.,  8., 10.]])
    """

    def __init__(
        self,
        model: Model,
        outputs: Sequence[Mapping[str, Any]],
        assembler: Assembler,
        classes: Sequence[str] = (),
        scores: str = LOGITS,
    ) -> None:
        self.model = model
        self.assembler = assembler
        self.n_columns = assembler.n_columns
        self.n_cases = assembler.n_cases
        self.reader = Reader(outputs, classes, scores, model.module)
        self.clean = Clean(model, assembler, self.reader)
        self._quantities: tuple[Quantity, ...] = ()
        self._dtype = ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What `probe` found doubtful, each with its place in the spec."""
        return (*self.model.remarks, *self.reader.remarks)

    def hashes(self) -> dict[str, str]:
        """Digest the model's files and weights, and the files of functions, template and masks."""
        return hashes(self.model, (*self.reader.files, *self.assembler.files))

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What `probe` learnt."""
        return self._known()

    @property
    def dtype(self) -> str:
        """Which dtype results have, ``"float32"`` or ``"float64"``."""
        self._known()
        return self._dtype

    @property
    def n_cells(self) -> int:
        """Cells of all quantities together."""
        return sum(quantity.n_cells for quantity in self._known())

    def probe(self, rows: npt.NDArray[np.float64]) -> tuple[Quantity, ...]:
        """Evaluate a few rows, learn the shapes, and look for what would go wrong later.

        Parameters
        ----------
        rows : ndarray of float64, shape (m, n_columns)
            Rows of the design; cut or repeated to a batch that the model takes.

        Returns
        -------
        tuple of Quantity
            In the order of the spec.

        Raises
        ------
        ModelError
            If the model raises, takes another number of columns, or returns what cannot be used: no numbers,
            no batch axis, non-finite rows only, other values for the same rows, or values that depend on
            the other rows of the batch.
        """
        sample, arrays = self._first(rows)
        probing.check_finite(arrays, self._quantities, sample.rows)
        probing.check_rows(sample, arrays, self.model)
        return self._quantities

    def learn(self, rows: npt.NDArray[np.float64]) -> tuple[Quantity, ...]:
        """Evaluate a few rows and learn the shapes of a model that another process has probed.

        Parameters
        ----------
        rows : ndarray of float64, shape (m, n_columns)
            Rows of the design; their values do not matter, and may be non-finite for some.

        Returns
        -------
        tuple of Quantity
            In the order of the spec.

        Raises
        ------
        ModelError
            If the model raises, or returns what cannot be used whatever the values.
        """
        self._first(rows)
        return self._quantities

    def _first(self, rows: npt.NDArray[np.float64]) -> tuple[probing.Sample, list[npt.NDArray[Any]]]:
        """Evaluate the first batch; return its rows and the outputs selected."""
        if self.assembler.plain:
            probing.check_width(self.model, self.n_columns)
        rows = np.ascontiguousarray(rows, dtype=np.float64)
        fitting = probing.fitting_batch(self.model, max(len(rows), min(self.n_cases, probing.MOST_CASES)))
        picks = np.arange(fitting)
        sample = probing.Sample(rows[picks % len(rows)], picks % self.n_cases, self._forward)
        if self.reader.asks_predicted or self.reader.asks_label:
            self._try(sample)  # before base inputs are evaluated for that, so that faults are told in full
        context = self.clean.context(sample.cases)
        arrays, learnt = self.reader.learn(lambda: self._try(sample), fitting, context)
        self._quantities = self._over_cases(learnt)
        self._dtype = result_dtype(arrays)
        # Copies: a function may return the same buffer from every call.
        return sample, [array.copy() for array in arrays]

    def _try(self, sample: probing.Sample) -> Any:
        """Call the model on a sample, and word what it raises."""
        return probing.first_call(
            self.model, lambda: self._call(sample.rows, sample.cases), sample.rows, plain=self.assembler.plain
        )

    def _over_cases(self, learnt: Sequence[Quantity]) -> tuple[Quantity, ...]:
        """Give every quantity the axis of the cases, where there is one."""
        names = self.assembler.names
        if not names:
            return tuple(learnt)
        start, made = 0, []
        for quantity in learnt:
            made.append(
                replace(
                    quantity,
                    dims=(CASE, *quantity.dims),
                    shape=(len(names), *quantity.shape),
                    start=start,
                    coords={CASE: tuple(names), **quantity.coords},
                )
            )
            start += made[-1].n_cells
        return tuple(made)

    def evaluate(
        self, rows: npt.NDArray[np.float64], batch: int, into: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[Any]:
        """Evaluate rows in forwards of exactly `batch` rows.

        Parameters
        ----------
        rows : ndarray of float64, shape (m, n_columns)
            Physical inputs; never modified.
        batch : int
            Rows of every forward. The last is filled up with copies of its last row, because the last bits of
            a network's output depend on the size of the batch.
        into : ndarray of the evaluator's dtype, shape (m, n_cells), optional
            Where the results go; C-contiguous.

        Returns
        -------
        ndarray of float32 or float64, shape (m, n_cells)
            Quantities side by side, each in C order; non-finite values are passed on.

        Raises
        ------
        ModelError
            If the model does not take such a batch, or returns another shape than in the probe.
        Exception
            Whatever the model raises.
        """
        known = self._known()
        self._check_batch(batch)
        n_cases, total = self.n_cases, len(rows) * self.n_cases
        result = np.empty((len(rows), self.n_cells), dtype=self._dtype) if into is None else into
        places = [result[:, one.cells].reshape(len(rows), n_cases, one.n_cells // n_cases) for one in known]
        for first in range(0, total, batch):
            pairs = np.arange(first, min(first + batch, total))
            filled = np.minimum(np.arange(first, first + batch), total - 1)
            arrays = self._forward(rows[filled // n_cases], filled % n_cases)
            for index, (array, quantity) in enumerate(zip(arrays, known, strict=True)):
                if array.shape[:1] != (batch,) or array.size != batch * quantity.n_cells // n_cases:
                    raise ModelError(f"outputs[{index}]", _changed(quantity, array.shape, batch))
                flat = array[: len(pairs)].reshape(len(pairs), -1)
                places[index][pairs // n_cases, pairs % n_cases] = flat
        return result

    def one_forward(self, rows: npt.NDArray[np.float64], batch: int) -> None:
        """Evaluate one batch, whatever its outputs, to see what it costs.

        Parameters
        ----------
        rows : ndarray of float64, shape (m, n_columns)
            Repeated, each with the next case, to fill the batch.
        batch : int
            Rows of the forward.
        """
        self._check_batch(batch)
        picks = np.arange(batch)
        self._forward(rows[picks // self.n_cases % len(rows)], picks % self.n_cases)

    def _forward(self, rows: npt.NDArray[np.float64], cases: npt.NDArray[np.intp]) -> list[npt.NDArray[Any]]:
        """Evaluate one batch of rows, each for one case, and read the quantities."""
        return self.reader.read(lambda: self._call(rows, cases), self.clean.context(cases))

    def _call(self, rows: npt.NDArray[np.float64], cases: npt.NDArray[np.intp]) -> Any:
        return self.model(self.assembler(rows, cases))

    def _known(self) -> tuple[Quantity, ...]:
        if not self._quantities:
            raise RuntimeError("Evaluator.probe must be called first: it learns the shapes")
        return self._quantities

    def _check_batch(self, batch: int) -> None:
        model = self.model
        if batch < model.smallest_batch or (model.largest_batch is not None and batch > model.largest_batch):
            takes = f"{model.smallest_batch} to {model.largest_batch or 'any number of'} rows"
            takes = f"exactly {model.fixed_batch} rows" if model.fixed_batch else takes
            raise ModelError("model.path", f"the model takes {takes} at once, not {batch}")


def _changed(quantity: Quantity, shape: tuple[int, ...], batch: int) -> str:
    return (
        f"'{quantity.name}' has shape {shape} for a batch of {batch}, but {quantity.shape} an input when "
        "probed; a model must return the same shape for every input"
    )
