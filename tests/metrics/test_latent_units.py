import numpy as np
import pytest

from dipy_tractogen.metrics.latent_units import latent_units

RNG = np.random.default_rng(0)
MEANS = RNG.normal(size=(5000, 3)) * (2.0, 0.1, 0.0)
DEVIATIONS = np.full((5000, 3), (0.5, 1.0, 1.0))


def test_spread_is_that_of_draws_from_the_posteriors():
    units = latent_units(MEANS, DEVIATIONS)
    draws = MEANS + DEVIATIONS * RNG.normal(size=MEANS.shape)
    np.testing.assert_allclose(units["spread"], draws.std(axis=0), rtol=0.05)
    np.testing.assert_allclose(units["variance"], MEANS.var(axis=0))
    np.testing.assert_allclose(units["deviation"], (0.5, 1, 1))
    assert "kl" not in units


def test_divergence_from_a_standard_normal():
    units = latent_units(MEANS, DEVIATIONS, (np.zeros_like(MEANS), 1.0))
    # A dimension that says nothing of a streamline costs nothing.
    assert units["kl"][2] == pytest.approx(0)
    expected = 0.5 * ((MEANS[:, 0] ** 2).mean() + 0.25 - 1 - np.log(0.25))
    assert units["kl"][0] == pytest.approx(expected)


def test_divergence_from_another_normal_by_draws():
    mean, deviation, prior = np.full((1, 1), 1.0), np.full((1, 1), 0.7), (0.2, 2.0)
    found = latent_units(mean, deviation, prior)["kl"][0]
    z = 1 + 0.7 * RNG.normal(size=400_000)

    def log_density(mean, deviation):
        return -0.5 * ((z - mean) / deviation) ** 2 - np.log(deviation)

    drawn = np.mean(log_density(1, 0.7) - log_density(*prior))
    assert found == pytest.approx(drawn, abs=0.01)


def test_without_posteriors_there_are_only_variances():
    units = latent_units(MEANS)
    assert set(units) == {"variance", "spread"}
    np.testing.assert_allclose(units["spread"], MEANS.std(axis=0))
