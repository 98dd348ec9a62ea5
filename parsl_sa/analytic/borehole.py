"""Flow of water through a borehole, with indices by quadrature."""

from __future__ import annotations

from math import pi

import numpy as np

from parsl_sa.analytic.function import Floats, Function

_BOUNDS = {
    "rw": (0.05, 0.15, "m"),
    "r": (100.0, 5e4, "m"),
    "Tu": (63070.0, 115600.0, "m2/yr"),
    "Hu": (990.0, 1110.0, "m"),
    "Tl": (63.1, 116.0, "m2/yr"),
    "Hl": (700.0, 820.0, "m"),
    "L": (1120.0, 1680.0, "m"),
    "Kw": (9855.0, 12045.0, "m/yr"),
}


def borehole() -> Function:
    """Return the flow in m3/yr, all eight inputs uniform.

    Notes
    -----
    The flow is (Hu - Hl) g(the other six), so tensor Gauss-Legendre quadrature in six dimensions (in ln r
    for r) gives mean, variance and indices; they are tabulated to 10 decimals, and the tests compute
    them again.

    References
    ----------
    .. [1] Morris, Mitchell and Ylvisaker (1993), Bayesian design and analysis of computer experiments,
       Technometrics 35, 243-255. doi:10.1080/00401706.1993.10485320
    """
    return Function(
        name="borehole",
        parameters=tuple(
            {"name": name, "distribution": "uniform", "low": low, "high": high, "unit": unit}
            for name, (low, high, unit) in _BOUNDS.items()
        ),
        evaluate=_flow,
        mean=np.asarray(77.6513165257),
        variance=np.asarray(2078.9284735960),
        S1=np.array(
            [
                0.8289214189,
                0.0000011042,
                0.0000000000,
                0.0413850371,
                0.0000052981,
                0.0413850371,
                0.0393419927,
                0.0095216005,
            ]
        ),
        ST=np.array(
            [
                0.8668340111,
                0.0000023220,
                0.0000000000,
                0.0541096141,
                0.0000107272,
                0.0541096141,
                0.0520773092,
                0.0127307837,
            ]
        ),
    )


def _flow(x: Floats) -> Floats:
    rw, r, Tu, Hu, Tl, Hl, L, Kw = x.T
    y: Floats = 2 * pi * (Hu - Hl) / (np.log(r / rw) * (1 / Tu + 1 / Tl) + 2 * L / (rw**2 * Kw))
    return y
