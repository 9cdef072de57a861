import numpy as np
import pytest

from dipy_tractogen.nn.losses import (
    kl_by_dimension,
    reconstruction_weight,
    squared_error,
)
from dipy_tractogen.streamlines.geometry import cosine_basis


@pytest.mark.parametrize(("reduction", "counted"), [("effective", 8), ("sum", 50)])
def test_weight_makes_nats_of_an_error(reduction, counted):
    # Every point two millimetres off, where one is accepted.
    nats = reconstruction_weight(50, 1.0, reduction) * 50 * 2.0**2
    assert nats == pytest.approx(counted * 2)


def test_weight_of_the_mean_and_of_another_sigma():
    assert reconstruction_weight(50, 1.0, "mean") == pytest.approx(1 / 100)
    weights = [reconstruction_weight(50, sigma, "sum") for sigma in (1.0, 2.0)]
    assert weights[0] == pytest.approx(4 * weights[1])


def test_error_of_points_is_that_of_all_coefficients():
    points, others = np.random.default_rng(0).normal(size=(2, 5, 20, 3))
    basis = cosine_basis(20, 20)
    np.testing.assert_allclose(
        squared_error(points, others),
        squared_error(basis @ points, basis @ others),
        rtol=1e-4,
    )


def test_kl_against_a_numerical_integral():
    mean, log_var = 0.7, -1.2
    x = np.linspace(-12, 12, 200001)
    deviation = np.exp(log_var / 2)
    q = np.exp(-(((x - mean) / deviation) ** 2) / 2) / deviation / np.sqrt(2 * np.pi)
    ratio = -(((x - mean) / deviation) ** 2) / 2 - np.log(deviation) + x**2 / 2
    expected = np.trapezoid(q * ratio, x)
    kl = kl_by_dimension(np.array([[mean]]), np.array([[log_var]]))
    np.testing.assert_allclose(kl, [[expected]], rtol=1e-4)
    assert np.asarray(kl_by_dimension(np.zeros((1, 2)), np.zeros((1, 2)))).sum() == 0
