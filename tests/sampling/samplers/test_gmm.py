import numpy as np
import pytest

from dipy_tractogen.sampling.samplers.gmm import CRITERIA, MixtureSampler


@pytest.fixture(scope="module")
def latents():
    """One bundle in two clumps, one in a single long one."""
    rng = np.random.default_rng(0)
    clumps = rng.normal(size=(400, 3)) * 0.3 + np.repeat(
        [[-4, 0, 0], [4, 0, 0]], 200, 0
    )
    long = rng.normal(size=(200, 3)) @ np.diag([5.0, 0.5, 0.1]) + [0, 20, 0]
    return np.concatenate([clumps, long]), np.repeat([[0.0], [1.0]], [400, 200], 0)


@pytest.fixture(scope="module")
def mixture(latents):
    return MixtureSampler(seed=0).fit(*latents)


def test_moments_of_each_bundle_are_kept(mixture, latents):
    z, conditions = latents
    for label in (0, 1):
        drawn, _ = mixture.sample(20000, [label], seed=1)
        real = z[conditions[:, 0] == label]
        scale = real.std(axis=0)
        np.testing.assert_array_less(abs(drawn.mean(0) - real.mean(0)), 0.1 * scale)
        np.testing.assert_allclose(np.cov(drawn.T), np.cov(real.T), atol=0.8)


def test_clumps_are_found_and_the_gap_between_them_is_left_out(mixture):
    assert len(mixture.strata_[0].weights) >= 2
    drawn, _ = mixture.sample(2000, [0], seed=1)
    assert np.mean(np.abs(drawn[:, 0]) < 2) < 0.01


def test_bayesian_criterion_takes_no_more_components(latents):
    strict, loose = (
        MixtureSampler(criterion=criterion).fit(*latents) for criterion in CRITERIA
    )
    for label in (0, 1):
        sizes = [len(one.strata_[label].weights) for one in (strict, loose)]
        assert sizes[0] <= sizes[1] <= 16


def test_components_are_as_few_as_asked(latents):
    one = MixtureSampler(max_components=1).fit(*latents)
    assert len(one.strata_[0].weights) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_components": 0}, "1 or more"),
        ({"criterion": "hqc"}, "accepted are bic, aic"),
    ],
)
def test_impossible_parameters_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        MixtureSampler(**given).fit(np.zeros((4, 2)))
