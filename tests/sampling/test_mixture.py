import numpy as np
import pytest

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
