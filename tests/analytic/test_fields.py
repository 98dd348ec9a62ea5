"""The field of two waves, cell by cell."""

from __future__ import annotations

import numpy as np

from parsl_sa.analytic import rotating_pair


def test_indices_follow_the_angle():
    function = rotating_pair(12)
    t = 2 * np.pi * np.arange(12) / 12
    np.testing.assert_allclose(function.S1, [np.cos(t) ** 2, np.sin(t) ** 2], rtol=0, atol=1e-15)
    np.testing.assert_allclose(function.S1.sum(axis=0), 1, rtol=1e-15)
    assert function.S1[0, 0] == 1
    assert function.S1[1, 0] == 0


def test_a_row_of_inputs_is_a_row_of_cells():
    y = rotating_pair(4)(np.array([[2.0, 3.0]]))
    np.testing.assert_allclose(y, [[2.0, 3.0, -2.0, -3.0]], rtol=1e-14)
