import numpy as np

from dipy_tractogen.sampling.samplers.prior import PriorSampler

Z = np.random.default_rng(0).normal(7, 0.1, size=(200, 4))
CONDITIONS = np.column_stack([np.repeat([0, 3], 100), np.tile([1.0, 2.0], 100)])


def test_latents_are_standard_normal_whatever_was_trained():
    drawn, conditions = PriorSampler().fit(Z, CONDITIONS).sample(20000, [3, np.nan])
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(drawn.T), np.eye(4), atol=0.05)
    assert abs(conditions[:, 1].mean() - 1.5) < 0.05


def test_prior_of_a_model_is_told_combination_and_numbers():
    def draw(strata, numbers, rng):
        return strata[:, None] + np.tile(numbers, (1, 4))

    sampler = PriorSampler(draw=draw).fit(Z, CONDITIONS)
    for stratum in (0, 3):
        drawn, conditions = sampler.sample(50, [stratum, np.nan], seed=1)
        np.testing.assert_allclose(drawn - stratum, conditions[:, [1] * 4], rtol=1e-5)
