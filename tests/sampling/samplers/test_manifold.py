import numpy as np
import pytest

from dipy_tractogen.sampling.samplers.kde import KernelSampler
from dipy_tractogen.sampling.samplers.manifold import ManifoldSampler


@pytest.fixture(scope="module")
def circle():
    """A thin circle of radius 3, not evenly filled."""
    rng = np.random.default_rng(0)
    angle = 2 * np.pi * rng.beta(2, 3, size=600)
    radius = 3 + rng.normal(0, 0.05, size=600)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def test_thin_bent_sheets_stay_thin(circle):
    spread = {}
    for sampler in (ManifoldSampler(), KernelSampler(bandwidth="silverman")):
        drawn, _ = sampler.fit(circle).sample(4000, seed=1)
        radius = np.linalg.norm(drawn, axis=1)
        spread[type(sampler)] = np.abs(radius - 3).mean()
    real = np.abs(np.linalg.norm(circle, axis=1) - 3).mean()
    assert spread[ManifoldSampler] < 3 * real
    assert spread[KernelSampler] > 5 * real


def test_variance_is_not_widened(circle):
    drawn, _ = ManifoldSampler().fit(circle).sample(20000, seed=1)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(circle.T), atol=0.25)


def test_draws_are_new(circle):
    """They lie about as far from the latents as latents from each other."""
    drawn, _ = ManifoldSampler().fit(circle).sample(600, seed=1)
    distance = np.linalg.norm(drawn[:, None] - circle, axis=2).min(axis=1)
    among = np.linalg.norm(circle[:, None] - circle, axis=2)
    np.fill_diagonal(among, np.inf)
    assert np.median(distance) > 0.5 * np.median(among.min(axis=1))


def test_a_small_cluster_keeps_its_gap_and_its_share():
    """It has fewer latents than there are neighbours."""
    rng = np.random.default_rng(0)
    large, small = rng.normal(size=(400, 4)), 0.3 * rng.normal(size=(15, 4))
    small[:, 0] += 20
    x = np.concatenate([large, small])
    drawn, _ = ManifoldSampler().fit(x).sample(8300, seed=1)
    between = (drawn[:, 0] > 6) & (drawn[:, 0] < 17)
    assert between.mean() < 0.001
    assert np.sum(drawn[:, 0] >= 17) == pytest.approx(300, rel=0.2)


def test_posteriors_widen_each_kernel(circle):
    deviations = np.tile([0.01, 0.5], (len(circle), 1))
    flat = np.column_stack([circle[:, 0], np.zeros(len(circle))])
    drawn, _ = ManifoldSampler().fit(flat, deviations=deviations).sample(5000, seed=1)
    assert drawn[:, 1].std() == pytest.approx(0.5, rel=0.05)


def test_latents_follow_a_number_to_its_ends_and_across_a_gap():
    """They do so though other things move them ten times as far."""
    rng = np.random.default_rng(0)
    age = np.concatenate([rng.uniform(-1.7, -0.3, 350), rng.uniform(0.3, 1.7, 350)])
    z = rng.normal(size=(700, 5))
    z[:, 0] += 0.5 * age
    conditions = np.column_stack([np.zeros(700), age])
    sampler = ManifoldSampler().fit(z, conditions, deviations=np.full(z.shape, 0.1))
    asked = np.array([-1.6, -1, 0, 1, 1.6])
    drawn = [sampler.sample(4000, [0, one], seed=1)[0] for one in asked]
    slope, _ = np.polyfit(asked, [one[:, 0].mean() for one in drawn], 1)
    real, _ = np.polyfit(age, z[:, 0], 1)
    assert slope == pytest.approx(real, rel=0.15)
    for one in drawn:
        np.testing.assert_allclose(one.std(axis=0), 1, atol=0.2)


@pytest.mark.parametrize("given", [{"width": 0}, {"width": 1}, {"neighbours": 0}])
def test_impossible_parameters_are_refused(given):
    with pytest.raises(ValueError, match=next(iter(given))):
        ManifoldSampler(**given).fit(np.zeros((4, 2)))


def test_means_follow_a_given_number_up_to_its_limits():
    """Where latents change with a number, and no kernels are beyond its limits."""
    rng = np.random.default_rng(0)
    age = rng.uniform(-1.7, 1.7, 1000)
    z = 0.5 * rng.normal(size=(1000, 4))
    z[:, 0] += age
    sampler = ManifoldSampler().fit(z, np.column_stack([np.zeros(1000), age]))
    rows = np.repeat([[0, -1.7], [0, 1.7]], 4000, axis=0)
    expected = np.polyval(np.polyfit(age, z[:, 0], 1), [-1.7, 1.7])
    alone = [sampler.sample(4000, rows[at], seed=1)[0] for at in (0, -1)]
    for drawn in (np.concatenate(alone), sampler.sample(8000, rows, seed=2)[0]):
        means = drawn[:, 0].reshape(2, -1).mean(axis=1)
        np.testing.assert_allclose(means, expected, atol=0.08)


def test_curves_over_a_number_are_kept():
    """Fifty subjects, of an age each, and a latent that is greatest in the middle."""
    rng = np.random.default_rng(0)
    age = np.repeat(np.linspace(-1.7, 1.7, 50), 8)
    latents = rng.normal(size=(400, 16))
    latents[:, 0] = -(age**2) + 0.3 * latents[:, 0]
    conditions = np.column_stack([np.zeros(400), age])
    options = {"deviations": np.full((400, 16), 0.3)}
    asked = np.linspace(-1.6, 1.6, 7)

    def bend(sampler):
        sampler.fit(latents, conditions, **options)
        known = [np.array([0, each]) for each in asked]
        means = [sampler.sample(2000, each, seed=1)[0][:, 0].mean() for each in known]
        return np.polyfit(asked, means, 2)[0]

    curved, straight = (bend(ManifoldSampler(curved=each)) for each in (True, False))
    assert curved == pytest.approx(-1, abs=0.05)
    assert abs(straight + 1) > 2 * abs(curved + 1)


def test_few_ages_have_no_curve():
    rng = np.random.default_rng(0)
    age = np.repeat([-1.0, 0.0, 1.0], 30)
    latents = rng.normal(size=(90, 3)) + age[:, None]
    conditions = np.column_stack([np.zeros(90), age])
    drawn = [
        ManifoldSampler(curved=curved)
        .fit(latents, conditions)
        .sample(50, np.array([0, 0.5]), seed=1)[0]
        for curved in (True, False)
    ]
    np.testing.assert_array_equal(*drawn)
