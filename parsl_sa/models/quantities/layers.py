"""Activations of layers: forward hooks that keep what named submodules return while the model runs once."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import torch

from parsl_sa.errors import ModelError
from parsl_sa.models.quantities.labels import shown
from parsl_sa.models.selection import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import nn


@dataclass
class Activation:
    """What a layer returned in a forward.

    Parameters
    ----------
    tensor : tensor or None
        A copy of what its last run returned, of a tuple or dict the first tensor; None where there was none.
    path : str
        Where that tensor stands in what it returned; empty where it is all.
    runs : int
        How often it ran.
    """

    tensor: torch.Tensor | None = None
    path: str = ""
    runs: int = 0


class Layers:
    """Layers of a torch module by name.

    Parameters
    ----------
    module : torch.nn.Module or None
        The network; None where the model is not a module.
    places : mapping of str to str
        Names of the layers, as ``named_modules`` has them, and the place of each in the spec.

    Raises
    ------
    ModelError
        If the model has no layers to look into, or none of that name.

    Notes
    -----
    A copy is kept, since the next layer may write into its input (``ReLU(inplace=True)``). Of a layer that
    runs several times in one forward the last run counts.

    Examples
    --------
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    >>> layers = Layers(net, {"1": "outputs[0].layer"})
    >>> with layers.watch() as found:
    ...     net(torch.zeros(4, 2)).shape
    torch.Size([4, 3])
    >>> found["1"].tensor.shape, found["1"].runs
    (torch.Size([4, 3]), 1)
    """

    def __init__(self, module: nn.Module | None, places: Mapping[str, str]) -> None:
        self._places = dict(places)
        self._modules: dict[str, nn.Module] = {}
        for name, place in self._places.items():
            self._modules[name] = _find(module, name, place)

    @contextmanager
    def watch(self) -> Iterator[dict[str, Activation]]:
        """Fill a dict with the activations of the forward that runs inside."""
        found = {name: Activation() for name in self._modules}
        with ExitStack() as hooks:
            for name, module in self._modules.items():
                hooks.enter_context(module.register_forward_hook(_keeping(found[name])))
            yield found

    def tensor(self, name: str, found: Mapping[str, Activation]) -> torch.Tensor:
        """Return an activation, or say why there is none.

        Raises
        ------
        ModelError
            At the place of the layer.
        """
        activation = found[name]
        if activation.tensor is not None:
            return activation.tensor
        if activation.runs:
            raise ModelError(self._places[name], f"'{name}' returned no tensor")
        raise ModelError(
            self._places[name],
            f"'{name}' did not run by itself in the forward: it is never called, or its work is done by a "
            "fused or exported operation; name a layer around it, or return the activation from the model",
        )

    def remarks(self, found: Mapping[str, Activation]) -> Iterator[str]:
        """Yield which of several tensors were taken."""
        for name, activation in found.items():
            if activation.runs > 1:
                text = f"'{name}' runs {activation.runs} times in a forward; its last run is taken"
                yield f"{self._places[name]}: {text}"
            if activation.path:
                text = f"'{name}' returns several tensors; the first is taken, at {activation.path}"
                yield f"{self._places[name]}: {text}"


def _find(module: nn.Module | None, name: str, place: str) -> nn.Module:
    if module is None:
        raise ModelError(
            place,
            "only the layers of a torch module can be looked into, and this model is none; let it return the "
            "activation and select that, or load the network as a torch module",
        )
    there: dict[str, nn.Module] = {own: child for own, child in module.named_modules() if own}
    if name in there:
        return there[name]
    if not there:
        raise ModelError(place, f"no layer '{name}': the module has no layers inside")
    close = get_close_matches(name, there, 1)
    guess = f"did you mean '{close[0]}'? " if close else ""
    raise ModelError(place, f"no layer '{name}'; {guess}there are {shown(list(there))}")


def _keeping(activation: Activation) -> Callable[..., None]:
    def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
        activation.runs += 1
        for path, leaf in paths(output):
            if isinstance(leaf, torch.Tensor):
                activation.tensor, activation.path = leaf.detach().clone(), path
                return

    return keep
