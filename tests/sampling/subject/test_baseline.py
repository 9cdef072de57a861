"""Mixtures that are moved and scaled, with and without given columns."""

import numpy as np
import pytest

from dipy_tractogen.sampling.samplers.gaussian_mixture import (
    ConditionalGaussianMixture,
)
from dipy_tractogen.sampling.subject.baseline import Baseline, covariance_map

SHIFT = np.array([3.0, -1.0])
COVARIANCE = np.array([[2.0, 0.5], [0.5, 0.3]])


@pytest.fixture(scope="module", params=[1, 4], ids=["one factor", "factors"])
def mixture(request):
    """Four components in three columns."""
    rng = np.random.default_rng(0)
    factors = np.tril(rng.normal(0, 0.3, (request.param, 3, 3))) + np.eye(3)
    return ConditionalGaussianMixture(
        rng.normal(0, 2, (4, 3)), factors, np.array([0.1, 0.2, 0.3, 0.4])
    )


def draws(mixture, columns=(), values=(), number=100_000):
    values = np.tile(values, (number, 1)) if len(columns) else np.zeros((number, 0))
    return mixture.draw(number, list(columns), values, np.random.default_rng(1))


def test_moments_are_those_of_draws(mixture):
    mean, covariance = mixture.moments()
    drawn = draws(mixture)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.05)


def test_mapped_mixture_is_that_of_mapped_draws(mixture):
    matrix, offset = np.array([[2.0, 0, 1], [0, 1, 0], [0.5, 0, 1]]), np.arange(3.0)
    mean, covariance = mixture.mapped(matrix, offset).moments()
    before = mixture.moments()
    np.testing.assert_allclose(mean, matrix @ before[0] + offset)
    np.testing.assert_allclose(covariance, matrix @ before[1] @ matrix.T)


def test_mean_and_covariance_are_those_asked_for(mixture):
    free = np.array([True, True, True])
    baseline = Baseline.of(mixture, free)
    shift, covariance = np.append(SHIFT, 1), np.diag([2.0, 0.3, 1])
    mean, found = mixture.mapped(*baseline.affine(shift, covariance)).moments()
    np.testing.assert_allclose(mean, mixture.moments()[0] + shift)
    np.testing.assert_allclose(found, covariance, atol=1e-4)


def test_given_column_is_not_changed_and_keeps_its_effect():
    """Of a normal distribution the result is exact at each value of the column."""
    factor = np.linalg.cholesky([[1, 0.5, 0.2], [0.5, 2, 0.3], [0.2, 0.3, 1]])
    mixture = ConditionalGaussianMixture(
        np.array([[1.0, 2.0, 3.0]]), factor[None], np.ones(1)
    )
    free = np.array([True, True, False])
    mapped = mixture.mapped(*Baseline.of(mixture, free).affine(SHIFT, COVARIANCE))
    for value in (1.0, 5.0):
        before, after = (draws(each, [2], [value]) for each in (mixture, mapped))
        np.testing.assert_allclose(after[:, 2], value)
        moved = after[:, :2].mean(axis=0) - before[:, :2].mean(axis=0)
        np.testing.assert_allclose(moved, SHIFT, atol=0.02)
        np.testing.assert_allclose(np.cov(after[:, :2].T), COVARIANCE, atol=0.02)


def test_map_to_the_same_covariance_is_the_identity():
    same = covariance_map(COVARIANCE, COVARIANCE)
    np.testing.assert_allclose(same, np.eye(2), atol=1e-12)
    twice = covariance_map(COVARIANCE, 4 * COVARIANCE)
    np.testing.assert_allclose(twice, 2 * np.eye(2), atol=1e-12)
