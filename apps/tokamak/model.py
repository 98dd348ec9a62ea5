"""QLKNN_7_11, a network for turbulent transport in tokamaks: ten plasma scalars to eight fluxes.

The weights are the ONNX file that the PyPI package `fusion-surrogates` ships [1]_; its code is not imported,
because that pulls in JAX. ONNX Runtime evaluates the file as it is.

References
----------
.. [1] https://github.com/google-deepmind/fusion_surrogates (Apache-2.0). Method: van de Plassche et al.
   (2020), Fast modeling of turbulent transport in fusion plasmas using neural networks, Phys. Plasmas 27,
   022310. doi:10.1063/1.5134126
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

INPUTS = ("Ati", "Ate", "Ane", "Ani", "q", "smag", "x", "Ti_Te", "LogNuStar", "normni")
"""Columns of the network, in its order; `spec.json` says what they are."""

WEIGHTS = Path("qlknn", "models", "qlknn_7_11.onnx")

Array = npt.NDArray[np.float32]


def load() -> Qlknn:
    """Find the weights and start ONNX Runtime."""
    package = find_spec("fusion_surrogates")
    if package is None or package.origin is None:
        raise ModuleNotFoundError(
            "the weights come with fusion-surrogates: pip install fusion-surrogates==0.4.7 --no-deps"
        )
    return Qlknn(Path(package.origin).parent / WEIGHTS)


class Qlknn:
    """The network as a function of a batch.

    Parameters
    ----------
    path : Path
        The ONNX file.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # A rank of a study has its own core: one thread is faster here, and always gives the same bits.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.files = (path,)
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._outputs = [output.name for output in self._session.get_outputs()]

    def __call__(self, inputs: npt.NDArray[np.float64]) -> dict[str, Array]:
        """Evaluate a batch.

        Parameters
        ----------
        inputs : ndarray, shape (batch, 10)
            Columns as in `INPUTS`.

        Returns
        -------
        dict of str to ndarray of float32, shape (batch,)
            Heat fluxes of ions and electrons (``efi``, ``efe``) and particle fluxes (``pfe``) by the mode
            that drives them (``ITG``, ``TEM``, ``ETG``), in gyro-Bohm units; the heat fluxes of all modes
            together, ``efi`` and ``efe``; ``gamma_max``, the largest growth rate; and ``inward``, 1 where
            ``efi`` is negative, else 0.
        """
        found = self._session.run(self._outputs, {"input": inputs.astype(np.float32)})
        flux = {name: column[:, 0] for name, column in zip(self._outputs, found, strict=True)}
        ions = flux["efiITG"] + flux["efiTEM"]
        electrons = flux["efeITG"] + flux["efeTEM"] + flux["efeETG"]
        return {"efi": ions, "efe": electrons, "inward": (ions < 0).astype(np.float32), **flux}
