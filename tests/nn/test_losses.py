from keras import ops
import numpy as np
import pytest

from dipy_tractogen.nn.losses import (
    kl_by_dimension,
    normal_kl,
    point_penalty,
    reconstruction_weight,
    squared_error,
    with_free_bits,
)
from dipy_tractogen.streamlines.geometry import cosine_basis

from .gradients import gradient


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


def integrated_kl(mean, log_var, prior_mean, prior_log_var):
    """Integrate the KL divergence of a normal from another."""
    x = np.linspace(-12, 12, 200001)

    def log_density(mean, log_var):
        squared = (x - mean) ** 2 / np.exp(log_var)
        return -(squared + log_var + np.log(2 * np.pi)) / 2

    q, p = log_density(mean, log_var), log_density(prior_mean, prior_log_var)
    return np.trapezoid(np.exp(q) * (q - p), x)


def test_kl_against_a_numerical_integral():
    mean, log_var = np.array([[0.7]]), np.array([[-1.2]])
    kl = kl_by_dimension(mean, log_var)
    np.testing.assert_allclose(kl, [[integrated_kl(0.7, -1.2, 0, 0)]], rtol=1e-4)
    of_another = normal_kl(mean, log_var, np.array([[-1.5]]), np.array([[0.8]]))
    expected = integrated_kl(0.7, -1.2, -1.5, 0.8)
    np.testing.assert_allclose(of_another, [[expected]], rtol=1e-4)
    assert np.asarray(kl_by_dimension(np.zeros((1, 2)), np.zeros((1, 2)))).sum() == 0


POINTS = np.zeros((1, 3, 3), "float32")
MOVED = POINTS + np.array([[0, 0, 0], [3, 0, 4], [0, 1, 0]], "float32")


@pytest.mark.parametrize(
    ("kind", "huber_mm", "expected"),
    [
        ("absolute", None, [0, 2.5, 0.5]),
        ("huber", None, [0, 2, 0.125]),
        ("huber", 4.0, [0, 3, 0.125]),
        ("huber", 100.0, [0, 3.125, 0.125]),
    ],
)
def test_penalty_of_points_two_mm_being_accepted(kind, huber_mm, expected):
    found = point_penalty(POINTS, MOVED, 2.0, kind, huber_mm)
    np.testing.assert_allclose(found, [expected], atol=1e-5)


@pytest.mark.parametrize("kind", ["absolute", "huber"])
def test_gradient_is_finite_where_there_is_no_error(kind):
    real = ops.convert_to_tensor(POINTS)
    slope = gradient(lambda points: point_penalty(points, real, 1.0, kind), POINTS)
    np.testing.assert_array_equal(slope, 0)


def test_absolute_variant_draws_far_means_no_harder_than_near_ones():
    def slope(variant):
        zeros = ops.zeros((1, 2))
        return gradient(lambda z: kl_by_dimension(z, zeros, variant), [[0.5, 4.0]])

    np.testing.assert_allclose(slope("squared"), [[0.5, 4]])
    np.testing.assert_allclose(slope("absolute"), [[0.5, 0.5]])


def test_free_bits_are_free_by_dimension_and_for_the_mean_of_the_batch():
    kl = ops.convert_to_tensor([[0.1, 2.0, 0.0], [0.3, 4.0, 1.2]])
    assert float(with_free_bits(kl, 0.0)) == pytest.approx(0.2 + 3 + 0.6)
    assert float(with_free_bits(kl, 0.5)) == pytest.approx(0.5 + 3 + 0.6)
    slope = gradient(lambda kl: with_free_bits(kl, 0.5), kl)
    np.testing.assert_allclose(slope, [[0, 0.5, 0.5]] * 2)
