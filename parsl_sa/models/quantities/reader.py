"""Read all quantities of interest out of one forward."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import ModelError
from parsl_sa.models.quantities.axes import check_batch_axis
from parsl_sa.models.quantities.context import NOTHING, Context
from parsl_sa.models.quantities.functions import UserFunction, load_function
from parsl_sa.models.quantities.layers import Activation, Layers
from parsl_sa.models.quantities.output import Output, asks_scores, kind_of
from parsl_sa.models.quantities.scores import LOGITS, Scores
from parsl_sa.models.quantities.source import Source, real_numbers
from parsl_sa.models.quantities.target import LABEL, PREDICTED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt
    from torch import nn

    from parsl_sa.records import Quantity


class Reader:
    """The quantities of interest of a study.

    Parameters
    ----------
    outputs : sequence of mapping
        The spec's ``outputs``: ``name``, and optionally ``select`` or ``layer``, ``slice``, ``function``,
        ``quantity``, ``target``, ``loss``, ``reduce``, ``axes``, ``dims`` and ``unit``.
    classes : sequence of str
        Names of the classes; empty where they have none.
    scores : str
        What the network returns: ``"logits"`` or ``"probabilities"``.
    module : torch.nn.Module, optional
        The network whose layers are asked for.
    base_dir : Path
        Folder that a relative path of a function starts from.

    Raises
    ------
    ModelError
        If a layer, a class, a quantity or a function does not exist.

    Examples
    --------
    >>> dog = {"name": "p", "quantity": "probability", "target": "dog"}
    >>> outputs = [dog, {"name": "H", "quantity": "entropy"}]
    >>> reader = Reader(outputs, classes=["cat", "dog"])
    >>> [array.round(3).tolist() for array in reader.read(lambda: np.array([[0.0, 0.0], [0.0, 2.0]]))]
    [[0.5, 0.881], [0.693, 0.365]]
    """

    def __init__(
        self,
        outputs: Sequence[Mapping[str, Any]],
        classes: Sequence[str] = (),
        scores: str = LOGITS,
        module: nn.Module | None = None,
        base_dir: Path = Path(),
    ) -> None:
        self._outputs = [Output(index, spec, classes) for index, spec in enumerate(outputs)]
        self._scores_of = scores_of(outputs)
        self.classes = tuple(classes)
        self._kind = scores
        # Quantities of one tensor share it: it is cut, brought to the host and logarithmised once.
        self._first: dict[Source, Output] = {}
        for output in self._outputs:
            self._first.setdefault(output.source, output)
        self._refuse_two_predictions()
        self._functions: dict[str, UserFunction] = {}
        for source, output in self._first.items():
            if source.function and source.function not in self._functions:
                place = f"{output.place}.function"
                self._functions[source.function] = load_function(source.function, base_dir, place)
        named = {source.layer: f"{one.place}.layer" for source, one in reversed(self._first.items())}
        self._layers = Layers(module, {layer: place for layer, place in named.items() if layer})
        self.remarks: tuple[str, ...] = ()
        """What `learn` found doubtful, each with its place in the spec."""

    def _refuse_two_predictions(self) -> None:
        """Refuse "predicted" of another output than that which tells the class."""
        if self._scores_of is None:
            return
        telling = self._outputs[self._scores_of]
        for output in self._outputs:
            if output.target == PREDICTED and output.source != telling.source:
                raise ModelError(
                    f"{output.place}.target",
                    f"the class is predicted by the scores of '{telling.name}', and '{output.name}' reads "
                    "others: name a class, or give it a study of its own",
                )

    @property
    def asks_label(self) -> bool:
        """Whether a quantity needs the labels of the base inputs."""
        return any(output.target == LABEL for output in self._outputs)

    @property
    def predicted_place(self) -> str:
        """Where the spec first asks for the predicted class; empty where it does not."""
        places = (output.place for output in self._outputs if output.target == PREDICTED)
        return next((f"{place}.target" for place in places), "")

    @property
    def asks_predicted(self) -> bool:
        """Whether a quantity needs the classes predicted for the base inputs."""
        return any(output.target == PREDICTED for output in self._outputs)

    @property
    def files(self) -> tuple[Path, ...]:
        """Files of the user's functions; provenance hashes them."""
        return tuple(dict.fromkeys(file for one in self._functions.values() for file in one.files))

    def read(self, call: Callable[[], Any], context: Context = NOTHING) -> list[npt.NDArray[Any]]:
        """Run a forward and compute every quantity.

        Parameters
        ----------
        call : callable
            Runs the model once on a batch, and returns what it returned.
        context : Context
            Labels and predictions of the base inputs of the rows.

        Returns
        -------
        list of ndarray
            One an output, on the host, with the batch as the first axis.

        Raises
        ------
        ModelError
            At ``outputs[i].select`` and the like, if the output is not what the spec says.
        """
        tensors, _ = self._tensors(call)
        found = []
        for output in self._outputs:
            scores = tensors[output.source]
            values = output.values(scores, context)
            found.append(output.reduced(values, output.axes(scores, values)))
        return found

    def learn(
        self, call: Callable[[], Any], batch: int, context: Context = NOTHING
    ) -> tuple[list[npt.NDArray[Any]], tuple[Quantity, ...]]:
        """Do as `read`, look closely at what comes, and learn names, axes and cells.

        Parameters
        ----------
        call : callable
            Runs the model once on a batch.
        batch : int
            Rows of that batch.
        context : Context
            Labels and predictions of the base inputs of the rows.

        Returns
        -------
        arrays : list of ndarray
            As `read` returns them.
        quantities : tuple of Quantity
            One an output, their cells one after the other.

        Raises
        ------
        ModelError
            At the field of the spec that does not fit: where the first axis is not the batch, where the shape
            is not that of ``dims``, where scores are not what ``model.scores`` or ``model.classes`` say.
        """
        tensors, activations = self._tensors(call, batch)
        remarks = list(self._layers.remarks(activations))
        arrays: list[npt.NDArray[Any]] = []
        quantities: list[Quantity] = []
        start = 0
        for index, output in enumerate(self._outputs):
            scores = tensors[output.source]
            remarks += output.check(scores, names_them=self._tells_classes(index, scores))
            values = output.values(scores, context)
            quantities.append(output.quantity(scores, values, start))
            arrays.append(output.reduced(values, output.axes(scores, values)))
            start += quantities[-1].n_cells
        self.remarks = tuple(dict.fromkeys(remarks))
        return arrays, tuple(quantities)

    def scores(self, call: Callable[[], Any], batch: int | None = None) -> Scores | None:
        """Run a forward and return the scores that tell the prediction: its classes, and how many there are.

        Parameters
        ----------
        call : callable
            Runs the model once on a batch.
        batch : int, optional
            Rows of that batch, to be checked.

        Returns
        -------
        Scores or None
            None where no output holds the scores of classes; see `scores_of`.
        """
        if self._scores_of is None:
            return None
        tensors, _ = self._tensors(call, batch)
        scores = tensors[self._outputs[self._scores_of].source]
        return scores if self._tells_classes(self._scores_of, scores) else None

    def _tells_classes(self, index: int, scores: Scores) -> bool:
        """Whether this output tells the prediction: asked for classes, or of classes that have names."""
        output, given = self._outputs[index], scores.given
        if index != self._scores_of:
            return False
        return output.is_of_scores or (
            bool(self.classes) and given.dtype.kind == "f" and not output.source.layer
        )

    def _tensors(
        self, call: Callable[[], Any], batch: int | None = None
    ) -> tuple[dict[Source, Scores], dict[str, Activation]]:
        """Run the forward and take every tensor that is asked for, each once."""
        with self._layers.watch() as activations:
            returned = call()
        found: dict[Source, Scores] = {}
        for source, output in self._first.items():
            tensor = (
                self._layers.tensor(source.layer, activations)
                if source.layer
                else source.selected(returned, output.place)
            )
            tensor = source.cut(tensor, output.place)
            if source.function:
                tensor = self._functions[source.function](tensor)
            array = real_numbers(tensor, output.place, output.name)
            if batch is not None:
                check_batch_axis(array.shape, batch, output.shape_place, output.name)
            found[source] = Scores(array, self._kind)
        return found, activations


def scores_of(outputs: Sequence[Mapping[str, Any]]) -> int | None:
    """Decide which output gives the scores that tell the prediction.

    Parameters
    ----------
    outputs : sequence of mapping
        The spec's ``outputs``.

    Returns
    -------
    int or None
        The first that asks for a quantity of classes, else the only one, which counts where the classes of
        the model have names; None where neither is there, and where that one is compared with labels that
        are numbers.

    Examples
    --------
    >>> scores_of([{"name": "y"}, {"name": "doubt", "quantity": "entropy"}]), scores_of([{"name": "y"}])
    (1, 0)
    """
    kinds = [kind_of(spec, f"outputs[{index}]") for index, spec in enumerate(outputs)]
    asking = (index for index, kind in enumerate(kinds) if asks_scores(kind, outputs[index].get("target")))
    return next(asking, 0 if len(kinds) == 1 and not kinds[0].numeric_target else None)


def result_dtype(arrays: Sequence[npt.NDArray[Any]]) -> str:
    """Return the dtype that holds every quantity without loss: float32, or float64 where one needs it.

    Examples
    --------
    >>> result_dtype([np.zeros(1, np.float32), np.zeros(1, np.uint8)]), result_dtype([np.zeros(1, np.int64)])
    ('float32', 'float64')
    """
    return str(np.result_type(np.float32, *(array.dtype for array in arrays)))
