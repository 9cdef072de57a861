from itertools import pairwise

import keras
import numpy as np
import pytest

from dipy_tractogen.nn.terms.priors import PRIORS

NB_DRAWS = 20000


def draws(name, latent_dim, nb_labels, label, seed=0):
    prior = PRIORS[name](latent_dim, nb_labels, 0)
    labels = np.eye(nb_labels, dtype=np.float32)[np.full(NB_DRAWS, label)]
    return prior, np.asarray(prior.sample(labels, keras.random.SeedGenerator(seed)))


@pytest.mark.parametrize("label", [0, 2])
def test_normal_prior_is_standard_for_all(label):
    _, z = draws("normal", 3, 4, label)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(z.T), np.eye(3), atol=0.04)


@pytest.mark.parametrize("label", [0, 2])
def test_mixture_has_a_component_for_each_label(label):
    prior, z = draws("mixture", 3, 3, label)
    np.testing.assert_allclose(z.mean(axis=0), prior.means[label], atol=0.03)
    np.testing.assert_allclose(np.cov(z.T), np.eye(3), atol=0.04)
    np.testing.assert_allclose(prior.means @ prior.means.T, 16 * np.eye(3), atol=1e-4)


def test_more_labels_than_dimensions_have_different_components():
    means = PRIORS["mixture"](2, 5, 0).means
    assert means.shape == (5, 2)
    apart = np.linalg.norm(means[:, None] - means[None], axis=-1) + 9 * np.eye(5)
    assert apart.min() > 0.1


def test_roll_gives_each_label_a_stretch_in_their_order():
    """The distance from the centre grows along the roll."""
    radii = [np.linalg.norm(draws("swiss_roll", 2, 4, k)[1], axis=1) for k in range(4)]
    for inner, outer in pairwise(radii):
        assert np.percentile(inner, 90) < np.percentile(outer, 40)
    together = np.concatenate([draws("swiss_roll", 2, 4, k)[1] for k in range(4)])
    assert 0.7 < together.std() < 1.6


@pytest.mark.parametrize("latent_dim", [1, 3])
def test_roll_has_two_dimensions(latent_dim):
    with pytest.raises(ValueError, match=f"latent_dim={latent_dim}"):
        PRIORS["swiss_roll"](latent_dim, 3, 0)


@pytest.mark.parametrize("name", PRIORS)
def test_seed_fixes_the_draws(name):
    first, again, other = (draws(name, 2, 3, 1, seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
