import numpy as np
import pytest

from dipy_tractogen.metrics.disentanglement import (
    disentanglement,
    latent_units,
    mutual_information,
    rank_correlations,
    streamline_attributes,
)

RNG = np.random.default_rng(0)
FACTORS = RNG.uniform(-1, 1, size=(4000, 3))
NAMES = ("length", "curvature", "x")
ATTRIBUTES = dict(zip(NAMES, FACTORS.T))


def means(report):
    return {
        name: np.mean(list(given.values())) if isinstance(given, dict) else given
        for name, given in report.items()
    }


def test_one_dimension_an_attribute_is_perfect():
    z = np.column_stack([FACTORS * (1, -2, 3), np.zeros(4000)])
    report = disentanglement(z, ATTRIBUTES)
    for measure in ("interpretability", "scc"):
        np.testing.assert_allclose(list(report[measure].values()), 1, atol=1e-9)
    found = means(report)
    for measure in ("mig", "sap", "modularity"):
        assert 0.97 < found[measure] <= 1


def test_a_curve_is_seen_by_ranks_and_not_by_lines():
    report = disentanglement(np.exp(4 * FACTORS), ATTRIBUTES)
    np.testing.assert_allclose(list(report["scc"].values()), 1, atol=1e-9)
    assert max(report["interpretability"].values()) < 0.7


def test_rotated_latents_are_entangled():
    one, two, three = FACTORS.T
    z = np.column_stack([one + two, one - two, three])
    report = disentanglement(z, ATTRIBUTES)
    for measure in ("mig", "sap"):
        assert report[measure]["length"] < 0.1
        assert report[measure]["x"] > 0.9
    assert report["interpretability"]["length"] == pytest.approx(0.5, abs=0.05)
    assert report["modularity"] < 0.8


def test_attribute_in_two_dimensions_has_no_gap():
    z = np.column_stack([FACTORS[:, 0], FACTORS[:, 0] + 1, FACTORS[:, 1]])
    report = disentanglement(z, ATTRIBUTES)
    assert report["sap"]["length"] == pytest.approx(0, abs=1e-9)
    assert report["mig"]["length"] == pytest.approx(0, abs=1e-9)
    assert report["sap"]["curvature"] > 0.9


def test_independent_latents_say_nothing():
    found = means(disentanglement(RNG.normal(size=(4000, 3)), ATTRIBUTES))
    for measure in ("interpretability", "scc", "mig", "sap"):
        assert found[measure] < 0.06


def test_mutual_information_of_a_copy_is_the_entropy():
    bits = RNG.integers(0, 2, size=(1000, 1))
    share = bits.mean()
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert mutual_information(bits, bits)[0, 0] == pytest.approx(entropy)


def test_rank_correlations_have_a_sign_and_see_curves():
    z = np.column_stack([-np.exp(FACTORS[:, 0]), FACTORS[:, 1], np.ones(4000)])
    expected = [[-1, 0, 0], [0, 1, 0], [0, 0, 0]]
    np.testing.assert_allclose(rank_correlations(z, FACTORS), expected, atol=0.06)


def test_constants_do_no_harm():
    z = np.column_stack([FACTORS[:, 0], np.full(4000, 5.0)])
    report = disentanglement(z, {**ATTRIBUTES, "fixed": np.ones(4000)})
    assert "fixed" not in report["scc"]
    assert disentanglement(np.zeros((9, 2)), {"a": np.arange(9)})["modularity"] == 0
    assert disentanglement(z, {})["mig"] == {}


@pytest.mark.parametrize("z", [np.zeros((2, 2)), np.full((5, 2), np.nan)])
def test_too_little_is_refused(z):
    with pytest.raises(ValueError, match="three or more, all finite"):
        disentanglement(z, {"a": np.arange(len(z))})


def test_attributes_of_a_straight_streamline():
    points = np.linspace((0, 0, 0), (30, 0, 0), 31)[None] + (1, 2, 3)
    found = {k: v[0] for k, v in streamline_attributes(points).items()}
    expected = {"length": 30, "curvature": 0, "tortuosity": 1, "x": 16, "y": 2, "z": 3}
    assert found == pytest.approx(expected, abs=1e-6)


def test_lengths_are_along_all_points_where_these_are_given():
    zigzag = np.zeros((1, 61, 3))
    zigzag[0, :, 0], zigzag[0, 1::2, 1] = np.arange(61) * 0.5, 0.3
    found = streamline_attributes(zigzag[:, ::2], zigzag)
    size = 60 * np.hypot(0.5, 0.3)
    assert found["length"] == pytest.approx(size)
    assert found["tortuosity"] == pytest.approx(size / 30)
    assert found["curvature"] == pytest.approx(0)


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
