"""A model that takes its time: the Ishigami function and a small field, behind a pause in every forward."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

PLACES = 11
SLOWER = "PARSL_SA_TEST_SLOWER"


def load(
    pause_s: float = 0.0, raise_above: float | None = None, nan_above: float | None = None
) -> Callable[[npt.NDArray[np.float64]], dict[str, Any]]:
    """Return the model.

    Parameters
    ----------
    pause_s : float
        Sleep of one forward, in s; the variable `SLOWER` multiplies it, which the plan does not see.
    raise_above, nan_above : float, optional
        It raises if x1 is above the one, and gives NaN in one place of the field where x2 is above the other.
    """
    slower = float(os.environ.get(SLOWER, "1"))

    def model(x: npt.NDArray[np.float64]) -> dict[str, Any]:
        time.sleep(pause_s * slower)
        x1, x2, x3 = x.T
        if raise_above is not None and (x1 > raise_above).any():
            raise ValueError("x1 is more than this model can bear")
        y = (1 + 0.1 * x3**4) * np.sin(x1) + 7 * np.sin(x2) ** 2
        field = np.cos(x1[:, None] + np.linspace(0, 3, PLACES)) * x2[:, None]
        field[:, 3] = 2.5  # its indices are undefined: NaN is a result like others
        if nan_above is not None:
            field[x2 > nan_above, 5] = np.nan
        return {"y": y, "field": field}

    return model
