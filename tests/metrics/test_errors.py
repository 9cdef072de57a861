import numpy as np
from numpy.testing import assert_allclose
import pytest
from sklearn.metrics import mean_absolute_error, r2_score

from dipy_tractogen.metrics.errors import (
    condition_errors,
    describe_errors,
    point_errors,
    regression_errors,
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


def test_errors_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    measured = rng.normal(100, 20, 50)
    predicted = (measured + rng.normal(5, 10, 50)).astype(np.float32)
    assert regression_errors(measured, predicted) == {
        "mean_absolute_error": pytest.approx(mean_absolute_error(measured, predicted)),
        "r2": pytest.approx(r2_score(measured, predicted)),
    }


def test_equal_values_have_no_r2():
    """The variance of these comes out as 5e-33."""
    measured = np.full(3, 0.1 + 0.2)
    errors = regression_errors(measured, measured + 1)
    assert errors == {"mean_absolute_error": pytest.approx(1), "r2": None}
    described = describe_errors(measured, measured + 1)
    assert described == "mean absolute error 1, R2 undefined"


def test_description_has_the_unit():
    described = describe_errors([40, 60], [42, 62], "mm")
    assert described == "mean absolute error 2 mm, R2 0.960"


@pytest.mark.parametrize("shapes", [((3,), (3, 1)), ((3,), (2,)), ((0,), (0,))])
def test_arrays_of_other_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match="one shape"):
        regression_errors(*map(np.zeros, shapes))


LABELS = np.array([0, 0, 0, 2, 2, 5])
NAMES = {0: "AF_L", 2: "CST_R"}


@pytest.fixture
def straight(lines):
    lengths = [30, 40, 50, 60, 70, 80]
    return np.concatenate([lines([0], length=length) for length in lengths])


def test_errors_are_those_of_the_lengths(straight):
    asked = np.array([31, 39, 50, 60, 74, np.nan])
    found = condition_errors(straight, {"length": asked}, LABELS, NAMES)["length"]
    assert found["unit"] == "mm"
    assert found["n"] == 5
    assert found["mae"] == pytest.approx(6 / 5, rel=1e-4)
    expected = 1 - (1 + 1 + 16) / 5 / np.var(asked[:5])
    assert found["r2"] == pytest.approx(expected, rel=1e-4)
    assert list(found["bundles"]) == ["AF_L", "CST_R"]
    assert found["bundles"]["CST_R"]["n"] == 2
    assert found["bundles"]["CST_R"]["mae"] == pytest.approx(2, rel=1e-4)


def test_one_value_for_all_has_no_r2(straight):
    asked = {"length": np.full(6, 50.0)}
    found = condition_errors(straight, asked, LABELS, NAMES)["length"]
    assert found["r2"] is None
    assert found["mae"] == pytest.approx(90 / 6, rel=1e-4)


def test_what_is_not_known_is_left_out(straight):
    asked = {"tortuosity": np.full(6, np.nan)}
    assert condition_errors(straight, asked, LABELS, NAMES) == {}
    asked = {"tortuosity": np.array([np.nan] * 5 + [1.5])}
    found = condition_errors(straight, asked, LABELS, NAMES)["tortuosity"]
    assert found["bundles"] == {}
    assert found["mae"] == pytest.approx(0.5, rel=1e-4)
