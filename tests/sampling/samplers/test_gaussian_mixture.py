import numpy as np
import pytest
from scipy.stats import multivariate_normal

from dipy_tractogen.sampling.samplers.gaussian_mixture import ConditionalGaussianMixture

RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(3, 3)) * 3
FACTORS = np.linalg.cholesky(
    [np.cov(RNG.normal(size=(3, 9))) + 0.1 * np.eye(3) for _ in range(3)]
)
WEIGHTS = np.array([0.5, 0.3, 0.2])


@pytest.fixture(params=["own", "shared"])
def mixture(request):
    factors = FACTORS if request.param == "own" else FACTORS[:1]
    return ConditionalGaussianMixture(CENTRES, factors, WEIGHTS)


def parts(mixture, x, columns):
    """Density of each component at some columns, by scipy."""
    found = []
    for k, (centre, weight) in enumerate(zip(mixture.centres, mixture.weights)):
        factor = mixture.factors[k % len(mixture.factors)]
        covariance = (factor @ factor.T)[np.ix_(columns, columns)]
        density = multivariate_normal(centre[columns], covariance)
        found.append(weight * density.pdf(x))
    return np.array(found)


@pytest.mark.parametrize("columns", [[0], [2, 0], [0, 1, 2]])
def test_log_density_is_that_of_scipy(mixture, columns):
    x = RNG.normal(size=(7, len(columns))) * 3
    expected = np.log(parts(mixture, x, columns).sum(axis=0))
    np.testing.assert_allclose(mixture.log_density(x, columns), expected)


def test_draws_have_the_moments_of_the_mixture(mixture):
    drawn = mixture.draw(40000, (), np.zeros((40000, 0)), np.random.default_rng(1))
    mean = WEIGHTS @ CENTRES
    spread = CENTRES - mean
    inner = np.matmul(mixture.factors, mixture.factors.transpose(0, 2, 1))
    inner = np.broadcast_to(inner, (3, 3, 3))
    covariance = np.einsum("k,kij->ij", WEIGHTS, inner) + (spread.T * WEIGHTS) @ spread
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.06)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.25)


def test_draws_given_a_value_are_those_near_it_of_all_draws(mixture):
    """Against draws of everything, of which those near the value are picked."""
    rng = np.random.default_rng(2)
    drawn = mixture.draw(400_000, (), np.zeros((400_000, 0)), rng)
    value = CENTRES[0, 1] + 0.5
    near = drawn[np.abs(drawn[:, 1] - value) < 0.05]
    given = mixture.draw(len(near), [1], np.full((len(near), 1), value), rng)
    np.testing.assert_array_equal(given[:, 1], value)
    for column in (0, 2):
        np.testing.assert_allclose(
            given[:, column].mean(), near[:, column].mean(), atol=0.15
        )
        np.testing.assert_allclose(
            given[:, column].std(), near[:, column].std(), rtol=0.1
        )


def test_rows_with_values_of_their_own_are_drawn_like_single_ones(mixture):
    """The mean of the other columns follows the value."""
    values = np.repeat([[-2.0], [2.0]], 20000, axis=0)
    rng = np.random.default_rng(3)
    both = mixture.draw(40000, [0], values, rng)
    for rows in (slice(20000), slice(20000, None)):
        alone = mixture.draw(20000, [0], values[rows], rng)
        np.testing.assert_allclose(
            both[rows].mean(axis=0), alone.mean(axis=0), atol=0.1
        )


def test_reach_takes_components_that_are_farther_away():
    centres = np.array([[0.0, 0.0], [3.0, 10.0]])
    factors = np.eye(2)[None]
    values = np.zeros((5000, 1))
    shares = []
    for reach in (1.0, 3.0):
        mixture = ConditionalGaussianMixture(
            centres, factors, np.array([0.5, 0.5]), reach
        )
        drawn = mixture.draw(5000, [0], values, np.random.default_rng(0))
        shares.append(np.mean(drawn[:, 1] > 5))
    expected = 1 / (1 + np.exp([4.5, 0.5]))
    np.testing.assert_allclose(shares, expected, atol=0.02)
