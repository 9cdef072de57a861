"""Columns of a regression on the conditions of subjects."""

import numpy as np
import pytest

from dipy_tractogen.norms.design import FLAT, Design


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    return {
        "age": rng.uniform(20, 80, 30),
        "sex": np.array(["F", "M"] * 15),
        "site": np.array(["one"] * 30),
        "weight": np.full(30, 70.0),
    }


def test_what_does_not_vary_has_no_column(values):
    design = Design.of(values)
    # A mean and a line, two sexes, and the functions of the age.
    assert (design.groups[:2] == FLAT).all()
    assert np.bincount(design.groups[2:]).tolist() == [2, 8]
    assert design.matrix(values, 30).shape == (30, len(design.groups))


def test_a_smooth_curve_is_a_sum_of_the_columns(values):
    design = Design.of({"age": values["age"]})
    X = design.matrix(values, 30)
    curve = np.sin(values["age"] / 20)
    left = curve - X @ np.linalg.lstsq(X, curve, rcond=None)[0]
    assert np.abs(left).max() < 0.02


def test_beyond_the_range_columns_are_straight(values):
    design = Design.of({"age": values["age"]})
    for ages in (np.array([-10.0, 0.0, 10.0]), np.array([90.0, 100.0, 110.0])):
        bend = np.diff(design.matrix({"age": ages}, 3), n=2, axis=0)
        np.testing.assert_allclose(bend, 0, atol=1e-8)


def test_without_conditions_there_is_a_mean():
    design = Design.of({})
    np.testing.assert_array_equal(design.matrix({}, 3), np.ones((3, 1)))


def test_three_ages_make_a_straight_line():
    design = Design.of({"age": np.array([20.0, 30.0, 40.0, 40.0])})
    assert design.groups.tolist() == [FLAT, FLAT]


def test_an_unknown_category_is_said(values):
    design = Design.of(values)
    with pytest.raises(ValueError, match="sex X is not in the model"):
        design.matrix({**values, "sex": np.full(30, "X")}, 30)
