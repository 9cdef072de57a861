import numpy as np
import pytest
from scipy.stats import multivariate_normal

from dipy_tractogen.sampling.mixture import LatentMixture

NAMES = ("left", "right")


@pytest.fixture(scope="module")
def latents():
    """One bundle in two clumps, one in a single long one."""
    rng = np.random.default_rng(0)
    clumps = rng.normal(size=(400, 3)) * 0.3 + np.repeat(
        [[-4, 0, 0], [4, 0, 0]], 200, 0
    )
    long = rng.normal(size=(200, 3)) @ np.diag([5.0, 0.5, 0.1]) + [0, 20, 0]
    return np.concatenate([clumps, long]), np.repeat([0, 1], [400, 200])


@pytest.fixture(scope="module")
def mixture(latents):
    return LatentMixture(seed=0).fit(*latents, NAMES)


def test_moments_of_each_bundle_are_kept(mixture, latents):
    z, labels = latents
    for label in (0, 1):
        drawn = mixture.sample(20000, label, seed=1)
        real = z[labels == label]
        scale = real.std(axis=0)
        np.testing.assert_array_less(abs(drawn.mean(0) - real.mean(0)), 0.1 * scale)
        np.testing.assert_allclose(np.cov(drawn.T), np.cov(real.T), atol=0.8)


def test_clumps_are_found_and_the_gap_between_them_is_left_out(mixture):
    assert len(mixture.weights[0]) >= 2
    drawn = mixture.sample(2000, 0, seed=1)
    assert np.mean(np.abs(drawn[:, 0]) < 2) < 0.01


def test_dimensions_that_are_not_active_are_standard_normal(latents):
    z, labels = latents
    active = np.array([True, False, True])
    part = LatentMixture(seed=0).fit(z, labels, NAMES, active=active)
    drawn = part.sample(20000, 1, seed=1)
    np.testing.assert_allclose(drawn[:, 1].mean(), 0, atol=0.03)
    np.testing.assert_allclose(drawn[:, 1].std(), 1, atol=0.03)
    np.testing.assert_allclose(drawn[:, 0].std(), z[labels == 1, 0].std(), rtol=0.05)
    copy = LatentMixture.from_arrays(part.to_arrays(), NAMES)
    np.testing.assert_array_equal(copy.sample(9, 0, 5), part.sample(9, 0, 5))


def test_nothing_active_leaves_the_prior(latents):
    z, labels = latents
    none = LatentMixture().fit(z, labels, NAMES, active=np.zeros(3, dtype=bool))
    assert np.abs(none.sample(20000, 0, seed=1).std(axis=0) - 1).max() < 0.03


def test_seed_fixes_the_draw(mixture):
    first, again, other = (mixture.sample(5, 1, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_arrays_give_the_same_mixture(mixture):
    copy = LatentMixture.from_arrays(mixture.to_arrays(), NAMES)
    np.testing.assert_array_equal(copy.sample(9, 0, 5), mixture.sample(9, 0, 5))
    assert copy.bundle_names == NAMES


@pytest.mark.parametrize("nb_latents", [1, 2, 5])
def test_tiny_bundles_are_drawn_near_their_latents(nb_latents):
    z = np.random.default_rng(0).normal(size=(nb_latents, 6))
    small = LatentMixture().fit(z, np.zeros(nb_latents, dtype=int), ["only"])
    drawn = small.sample(200, 0, seed=0)
    assert np.isfinite(drawn).all()
    assert np.abs(drawn - z.mean(axis=0)).max() < 6


def test_latents_that_do_not_vary_are_kept():
    z = np.tile([1.0, -2.0], (50, 1))
    same = LatentMixture().fit(z, np.zeros(50, dtype=int), ["only"])
    np.testing.assert_allclose(same.sample(100, 0, 0), z[[0] * 100], atol=0.01)


def test_bundle_without_latents_is_refused(latents):
    z, labels = latents
    with pytest.raises(ValueError, match="Bundle third has no streamlines"):
        LatentMixture().fit(z, labels, [*NAMES, "third"])


def test_latents_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        LatentMixture().fit(np.full((4, 2), np.nan), np.zeros(4, dtype=int), ["only"])


def conditional(mean, covariance, at, value):
    """Moments of the other dimension of a Gaussian in the plane."""
    other = 1 - at
    gain = covariance[other, at] / covariance[at, at]
    variance = covariance[other, other] - gain * covariance[other, at]
    return mean[other] + gain * (value - mean[at]), variance


@pytest.mark.parametrize("at", [0, 1])
def test_what_is_known_settles_the_rest(at):
    """One Gaussian, whose conditional is known."""
    rng = np.random.default_rng(0)
    covariance = np.array([[4.0, 1.5], [1.5, 1.0]])
    z = rng.multivariate_normal([1, 2], covariance, 4000)
    one = LatentMixture(max_components=1).fit(z, np.zeros(len(z), int), ["only"])
    values = np.full((20000, 1), 3.0)
    drawn = one.sample(20000, 0, 1, ([at], values))
    np.testing.assert_array_equal(drawn[:, at], np.float32(3))
    mean, variance = conditional(z.mean(axis=0), np.cov(z.T), at, 3.0)
    assert drawn[:, 1 - at].mean() == pytest.approx(mean, abs=0.05)
    assert drawn[:, 1 - at].var() == pytest.approx(variance, rel=0.05)


def test_what_is_known_chooses_the_component(mixture):
    known = np.repeat([[-4.0], [4.0]], 500, axis=0)
    drawn = mixture.sample(1000, 0, 1, ([0], known))
    np.testing.assert_array_equal(drawn[:, 0], known[:, 0])
    # A place that one clump has is not drawn from the other.
    density = mixture.log_density(0, [0], np.array([[-4.0], [0.0], [4.0]]))
    assert density[1] < density.min(initial=0, where=[True, False, True]) - 5


def test_each_draw_may_have_its_own_known_values(mixture):
    known = np.linspace(-6, 6, 50)[:, None]
    drawn = mixture.sample(50, 1, 1, ([0], known))
    np.testing.assert_array_equal(drawn[:, 0], known[:, 0].astype(np.float32))


def test_log_density_is_that_of_the_mixture(mixture):
    """Against the sum over the components of two of the three dimensions."""
    places = np.random.default_rng(0).normal(size=(20, 2)) * 4
    expected = sum(
        weight
        * multivariate_normal(
            mean[[2, 0]], (factor @ factor.T)[np.ix_([2, 0], [2, 0])]
        ).pdf(places)
        for weight, mean, factor in zip(
            mixture.weights[0], mixture.means[0], mixture.factors[0]
        )
    )
    found = mixture.log_density(0, [2, 0], places)
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-6, atol=1e-300)
    np.testing.assert_allclose(
        mixture.log_density(0, [], np.zeros((4, 0))), 0, atol=1e-9
    )


def test_only_active_dimensions_can_be_known(latents):
    z, labels = latents
    active = np.array([True, False, True])
    part = LatentMixture(seed=0).fit(z, labels, NAMES, active=active)
    drawn = part.sample(10, 1, 1, ([2], np.full((10, 1), 0.1)))
    np.testing.assert_array_equal(drawn[:, 2], np.float32(0.1))
    with pytest.raises(ValueError, match=r"\[1\] are not all active"):
        part.sample(10, 1, 1, ([1], np.zeros((10, 1))))
