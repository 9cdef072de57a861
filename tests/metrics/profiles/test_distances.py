import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from dipy_tractogen.metrics.profiles.distances import (
    PROFILE_MEASURES,
    profile_distances,
    profile_estimates,
)


@pytest.mark.parametrize("numbers", [(7, 7), (5, 8), (1, 3)])
def test_wasserstein_distance_is_that_of_scipy(numbers):
    rng = np.random.default_rng(0)
    ours, theirs = (rng.normal(number, size=(number, 6)) for number in numbers)
    expected = [wasserstein_distance(*pair) for pair in zip(ours.T, theirs.T)]
    found = profile_distances(ours, theirs)["w1"]
    assert found == pytest.approx(np.mean(expected))


def test_shift_is_a_difference_of_means_and_not_of_covariances():
    profiles = np.random.default_rng(1).normal(size=(20, 10))
    found = profile_distances(profiles + 0.25, profiles)
    assert list(found) == list(PROFILE_MEASURES)
    assert found["mean_difference"] == pytest.approx(0.25)
    assert found["w1"] == pytest.approx(0.25)
    assert found["covariance"] == pytest.approx(0, abs=1e-12)


def test_covariance_is_relative_to_the_reference():
    profiles = np.random.default_rng(1).normal(size=(20, 10))
    found = profile_distances(2 * profiles, profiles)
    assert found["covariance"] == pytest.approx(3)
    found = profile_distances(profiles, 2 * profiles)
    assert found["covariance"] == pytest.approx(0.75)


def test_order_along_the_bundle_shows_in_the_covariance_alone():
    """The same values at each node, of other streamlines."""
    smooth = np.random.default_rng(2).normal(size=(500, 1)) + np.zeros((500, 8))
    rng = np.random.default_rng(3)
    rough = np.stack([rng.permutation(column) for column in smooth.T], axis=1)
    found = profile_distances(rough, smooth)
    assert found["w1"] == pytest.approx(0, abs=1e-12)
    assert found["covariance"] > 0.9


@pytest.mark.parametrize(
    ("shapes", "missing"),
    [(((0, 4), (3, 4)), list(PROFILE_MEASURES)), (((1, 4), (3, 4)), ["covariance"])],
)
def test_too_few_streamlines_have_no_measure(shapes, missing):
    found = profile_distances(*(np.ones(shape) for shape in shapes))
    assert [name for name, value in found.items() if value is None] == missing


def test_constants_have_no_covariance():
    found = profile_distances(np.ones((3, 4)), np.ones((3, 4)))
    assert found == {"mean_difference": 0, "w1": 0, "covariance": None}


@pytest.mark.parametrize("name", PROFILE_MEASURES)
def test_influences_are_what_one_more_of_a_streamline_changes(name):
    rng = np.random.default_rng(4)
    ours, theirs = rng.normal(size=(60, 5)), rng.normal(0.8, 1.5, size=(80, 5))
    found = profile_estimates(ours, theirs)[name]
    assert found.value == profile_distances(ours, theirs)[name]
    repeated = [
        [
            profile_distances(np.concatenate([ours, [one]]), theirs)[name]
            for one in ours
        ],
        [profile_distances(ours, np.concatenate([theirs, [o]]))[name] for o in theirs],
    ]
    for influences, changed in zip((found.candidates, found.reference), repeated):
        changes = np.array(changed) - found.value
        assert np.corrcoef(influences, changes)[0, 1] > 0.99
        assert influences.std() == pytest.approx(changes.std(), rel=0.12)
