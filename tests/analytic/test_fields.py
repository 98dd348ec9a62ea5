"""The field of two waves, cell by cell."""

from __future__ import annotations

import numpy as np

from parsl_sa.analytic import ishigami, ishigami_field, rotating_pair, scaled


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


def test_every_cell_of_the_ishigami_field_is_a_function_of_its_own():
    x = np.random.default_rng(0).uniform(-np.pi, np.pi, (20, 3))
    field = ishigami_field((0.0, 0.1))
    np.testing.assert_allclose(field(x)[:, 1], ishigami()(x), rtol=1e-13)
    np.testing.assert_allclose(field.ST[:, 1], ishigami().ST, rtol=1e-15)
    assert field.ST[2, 0] == 0.0


def test_a_scaled_function_keeps_its_indices_where_it_varies():
    field = scaled(ishigami(), (0.0, -2.0))
    np.testing.assert_array_equal(field.S1[:, 1], ishigami().S1)
    assert np.isnan(field.ST[:, 0]).all()
    x = np.ones((1, 3))
    assert field(x).tolist() == [[0.0, -2.0 * ishigami()(x)[0]]]
    assert field.variance.tolist() == [0.0, 4.0 * float(ishigami().variance)]
