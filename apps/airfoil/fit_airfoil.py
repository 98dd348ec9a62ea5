"""Fit the network's 18 shape parameters to NACA 2412; prints the nominal values that spec.json uses.

Run it as `python apps/airfoil/fit_airfoil.py`. The airfoil is taken from its defining formulas [1]_, the
shape parameters are Kulfan's class/shape transformation with a leading-edge mode [2]_.

References
----------
.. [1] Jacobs, Ward and Pinkerton (1933), NACA Report 460, the four-digit series.
.. [2] Kulfan (2008), Journal of Aircraft 45(1), 142-158. doi:10.2514/1.29958
"""

from __future__ import annotations

from math import comb

import numpy as np
import numpy.typing as npt

WEIGHTS = 8
Array = npt.NDArray[np.float64]


def naca(camber: float, position: float, thickness: float, n_points: int = 400) -> tuple[Array, Array]:
    """Return the points of a cambered four-digit NACA airfoil with its open trailing edge.

    Parameters
    ----------
    camber, position, thickness : float
        Largest camber, where it is, and largest thickness, in chords: 0.02, 0.4, 0.12 for NACA 2412.
    n_points : int
        Points of either side, dense at both edges.

    Returns
    -------
    upper, lower : ndarray, shape (n_points, 2)
        x/c and y/c, from the leading edge.
    """
    x = (1 - np.cos(np.linspace(0, np.pi, n_points))) / 2
    half = 5 * thickness * (0.2969 * np.sqrt(x) - 0.1260 * x - 0.3516 * x**2 + 0.2843 * x**3 - 0.1015 * x**4)
    scale = np.where(x < position, camber / position**2, camber / (1 - position) ** 2)
    offset = np.where(x < position, 0.0, 1 - 2 * position)
    line = scale * (offset + 2 * position * x - x**2)
    slope = np.arctan(2 * scale * (position - x))
    across = np.stack([-half * np.sin(slope), half * np.cos(slope)], axis=1)
    middle = np.stack([x, line], axis=1)
    return middle + across, middle - across


def basis(x: Array) -> Array:
    """Return the shape functions of one side, (n, 8): Bernstein polynomials times sqrt(x) (1 - x)."""
    degree = WEIGHTS - 1
    columns = [comb(degree, i) * x**i * (1 - x) ** (degree - i) for i in range(WEIGHTS)]
    return np.stack(columns, axis=1) * (np.sqrt(x) * (1 - x))[:, None]


def leading_edge_mode(x: Array) -> Array:
    """Return the mode that moves both sides together near the leading edge."""
    return x * (1 - x) ** (WEIGHTS + 0.5)


def normalise(upper: Array, lower: Array) -> tuple[Array, Array]:
    """Move the foremost point to the origin and the middle of the trailing edge to (1, 0).

    The camber line's slope puts the nose of a NACA airfoil a little in front of x = 0 and above y = 0; for
    NACA 2412 that turns the chord by 0.08 degrees, which the study's incidence then refers to.
    """
    outline = np.concatenate([upper[::-1], lower])
    nose = int(outline[:, 0].argmin())
    chord = (upper[-1] + lower[-1]) / 2 - outline[nose]
    turn = np.array([[chord[0], -chord[1]], [chord[1], chord[0]]]) / (chord @ chord)
    moved = np.clip((outline - outline[nose]) @ turn, [0, -1], [1, 1])
    return moved[: nose + 1][::-1], moved[nose:]


def fit(upper: Array, lower: Array) -> tuple[dict[str, float], float]:
    """Fit all 18 shape parameters at once by linear least squares.

    Returns
    -------
    parameters : dict
        ``upper_0`` .. ``lower_7``, ``leading_edge_weight``, ``TE_thickness``.
    error : float
        Largest distance in y/c between the fit and the points.
    """
    x, z = upper[:, 0], lower[:, 0]
    above = [basis(x), np.zeros((len(x), WEIGHTS)), leading_edge_mode(x)[:, None], x[:, None] / 2]
    below = [np.zeros((len(z), WEIGHTS)), basis(z), leading_edge_mode(z)[:, None], -z[:, None] / 2]
    matrix = np.concatenate([np.concatenate(above, axis=1), np.concatenate(below, axis=1)])
    target = np.concatenate([upper[:, 1], lower[:, 1]])
    found = np.linalg.lstsq(matrix, target, rcond=None)[0]
    names = [f"{side}_{i}" for side in ("upper", "lower") for i in range(WEIGHTS)]
    names += ["leading_edge_weight", "TE_thickness"]
    error = float(np.abs(matrix @ found - target).max())
    return dict(zip(names, found.tolist(), strict=True)), error


def main() -> None:
    """Print the fit."""
    parameters, error = fit(*normalise(*naca(0.02, 0.4, 0.12)))
    for name, value in parameters.items():
        print(f"{name:20s} {value:9.5f}")
    print(f"largest error {error:.1e} chord")


if __name__ == "__main__":
    main()
