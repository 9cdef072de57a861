import numpy as np
from numpy.testing import assert_allclose
import pytest

from dipy_tractogen.metrics.reconstruction import (
    point_errors,
    summarize_errors,
)


def test_error_of_shifted_streamlines_is_the_shift(lines):
    original = lines([0, 10])
    moved = original + np.array([[[3, 0, 4]], [[0, 1, 0]]])
    assert_allclose(point_errors(original, moved), [5, 1], rtol=1e-6)


def test_one_point_off_is_averaged_over_the_streamline(lines):
    moved = lines([0])
    moved[0, 7, 2] = 10
    assert_allclose(point_errors(lines([0]), moved), [10 / 20])


def test_order_of_points_matters(lines):
    assert point_errors(lines([0]), lines([0])[:, ::-1])[0] > 10


def test_summary():
    found = summarize_errors(np.arange(101.0))
    assert found == pytest.approx({"mean": 50, "p95": 95})
    assert summarize_errors(np.zeros(0)) == {"mean": None, "p95": None}


def test_different_shapes_are_refused(lines):
    with pytest.raises(ValueError, match=r"\(2, 20, 3\) and \(1, 20, 3\)"):
        point_errors(lines([0, 1]), lines([0]))
