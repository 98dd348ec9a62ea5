"""NeuralFoil's airfoil network in torch: 23 physical inputs to lift, drag, moment and boundary layer.

The weights are those that the PyPI package `neuralfoil` ships; its code is not imported, because that pulls
in AeroSandbox. The forward pass follows NeuralFoil 0.3.3 (MIT licence, P. Sharpe,
https://github.com/peterdsharpe/NeuralFoil).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import nn

INPUTS = (
    *(f"upper_{i}" for i in range(8)),
    *(f"lower_{i}" for i in range(8)),
    *("leading_edge_weight", "TE_thickness", "alpha", "Re", "n_crit", "xtr_upper", "xtr_lower"),
)
STATIONS = 32
CHORD_STATIONS = (np.arange(STATIONS) + 0.5) / STATIONS
"""Where the boundary layer is given, x/c from the leading edge."""


def load(size: str = "xxxlarge") -> nn.Module:
    """Build the network of one size.

    Parameters
    ----------
    size : str
        ``"xxsmall"`` to ``"xxxlarge"``: NeuralFoil's names.

    Returns
    -------
    torch.nn.Module
        Float64; takes a batch of `INPUTS`, see `NeuralFoil.forward`.
    """
    package = find_spec("neuralfoil")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the weights come with NeuralFoil: pip install neuralfoil==0.3.3 --no-deps")
    folder = Path(package.origin).parent / "nn_weights_and_biases"
    path, training = folder / f"nn-{size}.npz", folder / "scaled_input_distribution.npz"
    if not path.is_file():
        sizes = sorted(file.stem.removeprefix("nn-") for file in folder.glob("nn-*.npz"))
        raise ValueError(f"no size '{size}'; NeuralFoil has {', '.join(sizes)}")
    return NeuralFoil(path, training).double()


class NeuralFoil(nn.Module):
    """The network, its symmetry about zero incidence and its confidence.

    Parameters
    ----------
    path : Path
        ``nn-<size>.npz``: ``net.<i>.weight`` and ``net.<i>.bias``.
    training : Path
        Mean and inverse covariance of the encoded training inputs.
    """

    mean: torch.Tensor
    precision: torch.Tensor
    mirror: torch.Tensor
    mirror_sign: torch.Tensor
    mirror_out: torch.Tensor
    mirror_out_sign: torch.Tensor

    def __init__(self, path: Path, training: Path) -> None:
        super().__init__()
        self.files = (path, training)
        with np.load(path) as arrays:
            numbers = sorted({int(name.split(".")[1]) for name in arrays})
            layers = [_linear(arrays[f"net.{i}.weight"], arrays[f"net.{i}.bias"]) for i in numbers]
        activated: list[nn.Module] = [part for layer in layers[:-1] for part in (layer, nn.SiLU())]
        self.net = nn.Sequential(*activated, layers[-1])
        with np.load(training) as arrays:
            self.register_buffer("mean", torch.from_numpy(arrays["mean_inputs_scaled"]))
            self.register_buffer("precision", torch.from_numpy(arrays["inv_cov_inputs_scaled"]))
        for name, (order, sign) in {"mirror": _mirrored_inputs(), "mirror_out": _mirrored_outputs()}.items():
            self.register_buffer(name, torch.tensor(order))
            self.register_buffer(f"{name}_sign", torch.tensor(sign))

    def forward(self, inputs: torch.Tensor) -> dict[str, torch.Tensor | dict[str, torch.Tensor]]:
        """Evaluate a batch.

        Parameters
        ----------
        inputs : tensor, shape (batch, 23)
            CST weights of upper and lower side from the leading edge, leading-edge weight, trailing-edge
            thickness / chord, incidence in degrees, Reynolds number, critical amplification factor,
            x/c of forced transition on either side.

        Returns
        -------
        dict
            ``CL``, ``CD``, ``CM``, ``LD``, ``confidence`` (0 to 1), ``top_xtr``, ``bottom_xtr`` of shape
            (batch,); ``boundary_layer`` with ``theta`` (momentum thickness / chord), ``H`` (shape factor),
            ``ue`` (edge velocity / free stream) of shape (batch, 2, 32): side (upper, lower) x station.
        """
        encoded = _encode(inputs)
        flipped = encoded[:, self.mirror] * self.mirror_sign
        direct = self._raw(encoded)
        # The mean of the case and of its mirror image, mirrored back: an airfoil upside down lifts downwards.
        fused = (direct + self._raw(flipped)[:, self.mirror_out] * self.mirror_out_sign) / 2
        lift, drag = fused[:, 1] / 2, torch.exp((fused[:, 2] - 2) * 2)
        layer = fused[:, 6:].reshape(-1, 2, 3, STATIONS)
        speed = layer[:, :, 2]
        thickness_re = 10 ** layer[:, :, 0] - 0.1
        return {
            "CL": lift,
            "CD": drag,
            "CM": fused[:, 3] / 20,
            "LD": lift / drag,
            "confidence": torch.sigmoid(fused[:, 0]),
            "top_xtr": fused[:, 4].clamp(0, 1),
            "bottom_xtr": fused[:, 5].clamp(0, 1),
            "boundary_layer": {
                "theta": thickness_re / (speed.abs() * inputs[:, 19, None, None]),
                "H": 2.6 * torch.exp(layer[:, :, 1]),
                "ue": speed,
            },
        }

    def _raw(self, encoded: torch.Tensor) -> torch.Tensor:
        """Apply the layers; lower the confidence with the distance from the training data."""
        away = encoded - self.mean
        distance = ((away @ self.precision) * away).sum(1)
        raw: torch.Tensor = self.net(encoded)
        raw[:, 0] -= distance / (2 * encoded.shape[1])
        return raw


def _linear(weight: np.ndarray, bias: np.ndarray) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    return layer


def _encode(inputs: torch.Tensor) -> torch.Tensor:
    """Scale 23 physical inputs to the network's 25: incidence becomes sin 2a, cos a and sin^2 a."""
    shape, thickness, alpha, reynolds = inputs[:, :17], inputs[:, 17:18], inputs[:, 18:19], inputs[:, 19:20]
    n_crit, trips = inputs[:, 20:21], inputs[:, 21:]
    angle = torch.deg2rad(alpha)
    angles = [torch.sin(2 * angle), torch.cos(angle), 1 - torch.cos(angle) ** 2]
    return torch.cat(
        [shape, thickness * 50, *angles, (torch.log(reynolds) - 12.5) / 3.5, (n_crit - 9) / 4.5, trips], dim=1
    )


def _mirrored_inputs() -> tuple[list[int], list[float]]:
    """Exchange the sides; negate weights, leading-edge weight and sin 2a."""
    order = [*range(8, 16), *range(8), *range(16, 23), 24, 23]
    sign = [-1.0] * 17 + [1.0, -1.0] + [1.0] * 6
    return order, sign


def _mirrored_outputs() -> tuple[list[int], list[float]]:
    """Exchange the sides' transition and boundary layer; negate CL, CM and the edge velocities."""
    side = 3 * STATIONS
    order = [0, 1, 2, 3, 5, 4, *range(6 + side, 6 + 2 * side), *range(6, 6 + side)]
    one = [1.0] * (2 * STATIONS) + [-1.0] * STATIONS
    return order, [1.0, -1.0, 1.0, -1.0, 1.0, 1.0, *one, *one]
