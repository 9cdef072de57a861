import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score

from dipy_tractogen.metrics.regression import (
    describe_errors,
    regression_errors,
)


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
