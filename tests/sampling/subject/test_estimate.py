"""Variation of simulated subjects, whose covariances are known."""

import numpy as np
import pytest

from dipy_tractogen.sampling.subject.estimate import estimate_variation
from dipy_tractogen.sampling.subject.variation import SubjectVariation

WITHIN = np.array([[4.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.5]])
BETWEEN = np.diag([0.4, 0.0, 0.1])
SPREAD = 0.2


def simulate(nb_subjects, nb_streamlines=40, seed=0):
    """Two bundles that a subject has in common effects, and an age of each."""
    rng = np.random.default_rng(seed)
    age = rng.normal(size=nb_subjects)
    moves = rng.multivariate_normal(np.zeros(3), BETWEEN, nb_subjects)
    scales = np.exp(SPREAD * rng.normal(size=nb_subjects) - SPREAD**2)
    parts = []
    for bundle in (2, 5):
        noise = rng.multivariate_normal(
            np.zeros(3), WITHIN, (nb_subjects, nb_streamlines)
        )
        x = moves[:, None] + scales[:, None, None] * noise
        x[..., 1] += 3 * age[:, None] + bundle
        parts.append(x.reshape(-1, 3))
    subjects = np.tile(np.repeat(np.arange(nb_subjects), nb_streamlines), 2)
    return {
        "x": np.concatenate(parts),
        "variances": np.zeros((len(subjects), 3)),
        "bundles": np.repeat([2, 5], len(subjects) // 2),
        "subjects": subjects,
        "conditions": age[subjects][:, None],
    }


@pytest.fixture(scope="module")
def variation():
    return estimate_variation(**simulate(400))


def test_covariances_are_recovered(variation):
    np.testing.assert_array_equal(variation.bundles, [2, 5])
    np.testing.assert_array_equal(variation.counts, [400, 400])
    for bundle in (2, 5):
        prior = variation.prior(bundle)
        ratio = np.exp(-2 * SPREAD**2) * np.exp(2 * SPREAD**2)
        np.testing.assert_allclose(prior.within, ratio * WITHIN, atol=0.25)
        # The age explains what differs in the second number.
        np.testing.assert_allclose(prior.between, BETWEEN, atol=0.09)
        assert prior.strength == pytest.approx(1 / (2 * SPREAD**2), rel=0.3)
    assert variation.prior(3) is None


def test_drawn_subjects_differ_as_those_of_the_training(variation):
    drawn = [variation.draw(seed).bundles for seed in range(1500)]
    shifts = np.array([[one[b].shift for b in (2, 5)] for one in drawn])
    for column in (0, 1):
        np.testing.assert_allclose(np.cov(shifts[:, column].T), BETWEEN, atol=0.1)
    # What is of the subject, and not of a bundle, is common.
    common = np.corrcoef(shifts[:, 0, 0], shifts[:, 1, 0])[0, 1]
    assert common > 0.6
    covariances = np.array([one[2].covariance for one in drawn])
    np.testing.assert_allclose(covariances.mean(axis=0), WITHIN, atol=0.3)
    spreads = np.log(covariances[:, 0, 0]) / 2
    assert spreads.std() == pytest.approx(SPREAD, rel=0.25)


def test_draw_is_that_of_its_seed(variation):
    first, again, other = (variation.draw(seed).bundles[2].shift for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_few_subjects_are_shrunk_to_the_usual_variation():
    """Of four, the covariance of three numbers cannot be told."""
    prior = estimate_variation(**simulate(4, 200)).prior(2)
    white = np.linalg.inv(np.linalg.cholesky(prior.within))
    values = np.linalg.eigvalsh(white @ prior.between @ white.T)
    assert values.min() > 0.02
    assert values.max() < 1


def test_noise_of_few_streamlines_is_no_difference_of_subjects():
    data = simulate(300, 6)
    data["x"] = np.random.default_rng(1).normal(size=data["x"].shape)
    prior = estimate_variation(**data).prior(5)
    # Means of six streamlines vary by a sixth.
    assert np.trace(prior.between) / 3 < 0.02


def test_spreads_are_found_in_bundles_with_sharp_borders():
    """Deviations of uniform numbers vary less by chance than those of normal ones."""
    rng = np.random.default_rng(0)
    size = (60, 40, 8)
    scales = np.exp(0.1 * rng.normal(size=size[0]))
    x = scales[:, None, None] * rng.uniform(-1, 1, size)
    subjects = np.repeat(np.arange(size[0]), size[1])
    variation = estimate_variation(
        x.reshape(-1, size[2]),
        np.zeros((len(subjects), size[2])),
        np.zeros(len(subjects), dtype=int),
        subjects,
        np.zeros((len(subjects), 0)),
    )
    drawn = [variation.draw(seed).bundles[0].covariance for seed in range(400)]
    spreads = np.log(np.trace(np.array(drawn), axis1=1, axis2=2)) / 2
    assert spreads.std() == pytest.approx(np.log(scales).std(), rel=0.2)


def test_where_subjects_differ_most_they_are_not_drawn_nearer_to_each_other():
    """Of many columns two tell subjects apart, as the place of a bundle does."""
    found = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        moves = np.zeros((60, 14))
        moves[:, :2] = rng.normal(size=(60, 2))
        subjects = np.repeat(np.arange(60), 40)
        x = moves[subjects] + 1.5 * rng.normal(size=(len(subjects), 14))
        given = np.zeros_like(x), np.zeros(len(x), dtype=int), subjects, x[:, :0]
        between = estimate_variation(x, *given).prior(0).between
        found.append(np.trace(between[:2, :2]) / moves.var(axis=0).sum())
    # What is usual counts as five subjects.
    assert np.mean(found) == pytest.approx(60 / 65, abs=0.05)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: {"subjects": np.zeros_like(data["subjects"])},
        lambda data: {"subjects": np.full_like(data["subjects"], -1)},
        lambda data: {"subjects": np.arange(len(data["subjects"]))},
        # As many conditions as subjects explain all.
        lambda data: {"conditions": np.eye(6)[data["subjects"]]},
    ],
)
def test_too_few_subjects_tell_nothing(change):
    data = simulate(6, 5)
    assert estimate_variation(**{**data, **change(data)}) is None


def test_arrays_of_a_file_are_checked(variation):
    arrays = variation.to_arrays()
    again = SubjectVariation.from_arrays(arrays)
    np.testing.assert_array_equal(
        again.draw(3).bundles[5].shift, variation.draw(3).bundles[5].shift
    )
    wrong = {
        "bundles": arrays["bundles"][::-1],
        "within": -arrays["within"],
        "rest": np.zeros_like(arrays["rest"]),
        "loadings": arrays["loadings"][:, :1],
    }
    for name, each in wrong.items():
        with pytest.raises(ValueError, match=name):
            SubjectVariation.from_arrays({**arrays, name: each})


def test_shared_model_keeps_bundles_of_enough_subjects(variation):
    assert variation.of_bundles(np.array([5, 9]), 20).bundles.tolist() == [5]
    assert variation.of_bundles(np.array([2, 5]), 401) is None
