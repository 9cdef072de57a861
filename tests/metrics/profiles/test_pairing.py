from dataclasses import replace

import numpy as np
import pytest

from dipy_tractogen.metrics.profiles.pairing import Features, Pairing


def features(nb_streamlines, *, seed, coupling=1.0):
    """Profiles that follow the square of one component of the shape."""
    rng = np.random.default_rng(seed)
    shape = rng.normal(size=(nb_streamlines, 5)) * (5, 3, 2, 1, 1)
    profile = rng.normal(size=(nb_streamlines, 3))
    profile[:, 0] += coupling * (shape[:, 0] / 5) ** 2
    labels = rng.integers(2, size=nb_streamlines)
    # What bundles differ in tells nothing.
    return Features(shape + 20 * labels[:, None], profile - 9 * labels[:, None], labels)


@pytest.fixture(scope="module")
def pairing():
    return Pairing(features(600, seed=0))


def test_profiles_that_follow_the_shape_are_told_from_exchanged(pairing):
    found = pairing.area_under_curve(features(600, seed=1))
    assert found["interval"][0] < found["value"] < found["interval"][1]
    assert found["interval"][0] > 0.6


def test_exchanged_profiles_are_not_told(pairing):
    one = features(600, seed=1)
    rng = np.random.default_rng(2)
    profile = one.profile.copy()
    for label in (0, 1):
        rows = np.flatnonzero(one.labels == label)
        profile[rows] = profile[rng.permutation(rows)]
    exchanged = replace(one, profile=profile)
    low, high = pairing.area_under_curve(exchanged)["interval"]
    assert low < 0.5 < high
    assert high - low < 0.1


def test_a_weaker_relation_is_told_less(pairing):
    values = [
        pairing.area_under_curve(features(600, seed=1, coupling=coupling))["value"]
        for coupling in (0.3, 1.0)
    ]
    assert values[0] < values[1] - 0.05


def test_nothing_is_learned_where_there_is_no_relation():
    none = Pairing(features(300, seed=0, coupling=0.0))
    assert abs(none.area_under_curve(features(300, seed=1))["value"] - 0.5) < 0.06


def test_same_seed_gives_the_same(pairing):
    one = features(200, seed=1)
    first, again, other = (
        pairing.area_under_curve(one, seed=seed)["value"] for seed in (0, 0, 1)
    )
    assert first == again != other
