import numpy as np
import pytest

from dipy_tractogen.sampling.samplers.kde import KernelSampler
from dipy_tractogen.sampling.samplers.rejection import RejectionSampler


@pytest.fixture(scope="module")
def ring():
    """A ring, which one Gaussian fills."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, size=500)
    radius = 3 + rng.normal(0, 0.2, size=500)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def test_draws_are_those_of_the_kernel_density_not_of_the_proposal(ring):
    given = {"bandwidth": 0.15, "seed": 0}
    rejection = RejectionSampler(max_components=1, **given).fit(ring)
    kernels = KernelSampler(**given).fit(ring)
    drawn, expected = (
        np.linalg.norm(one.sample(5000, seed=1)[0], axis=1)
        for one in (rejection, kernels)
    )
    proposed = rejection.strata_[0].proposal
    inside = proposed.draw(5000, (), np.zeros((5000, 0)), np.random.default_rng(1))
    assert np.mean(np.linalg.norm(inside, axis=1) < 1.5) > 0.15
    assert np.mean(drawn < 1.5) < 0.01
    np.testing.assert_allclose(
        np.quantile(drawn, [0.1, 0.5, 0.9]),
        np.quantile(expected, [0.1, 0.5, 0.9]),
        atol=0.06,
    )


def test_acceptance_rate_is_that_of_the_proposals(ring):
    sampler = RejectionSampler(max_components=1, bandwidth=0.15).fit(ring)
    assert np.isnan(sampler.acceptance_rate_)
    sampler.sample(2000, seed=1)
    assert 0.1 < sampler.acceptance_rate_ < 0.7
    better = RejectionSampler(bandwidth=0.15).fit(ring)
    better.sample(2000, seed=1)
    assert better.acceptance_rate_ > 2 * sampler.acceptance_rate_


def test_what_is_never_accepted_is_drawn_from_the_target(ring, caplog):
    sampler = RejectionSampler(bandwidth=0.15).fit(ring)
    sampler.strata_[0].log_bound = np.inf
    drawn, _ = sampler.sample(20, seed=1)
    assert np.abs(np.linalg.norm(drawn, axis=1) - 3).max() < 1.5
    assert "20 of 20 latents were not accepted" in caplog.text


@pytest.mark.parametrize("given", [{"max_components": 0}, {"bandwidth": -1}])
def test_impossible_parameters_are_refused(given, ring):
    with pytest.raises(ValueError, match=next(iter(given))):
        RejectionSampler(**given).fit(ring)
