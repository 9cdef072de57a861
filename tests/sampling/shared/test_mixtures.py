import numpy as np
import pytest

from dipy_tractogen.sampling.shared.mixtures import GroupMixtures
from dipy_tractogen.sampling.shared.shrunk_mixture import FEWEST
from dipy_tractogen.utils.schema import SchemaError


@pytest.fixture(scope="module")
def fitted():
    """Group 1 of two clouds, group 4 of one in other units, group 5 of too few."""
    rng = np.random.default_rng(0)
    two = rng.normal(size=(200, 2)) * 0.1 + np.repeat([[0, 0], [3, -3]], 100, axis=0)
    one = rng.normal(size=(60, 2)) * [1000, 0.01] + [5, 5]
    few = rng.normal(size=(FEWEST - 1, 2))
    groups = np.repeat([1, 4, 5], [200, 60, FEWEST - 1])
    return GroupMixtures.fit(np.concatenate([two, one, few]), groups, seed=1)


def test_groups_of_few_are_left_out(fitted):
    np.testing.assert_array_equal(fitted.groups, [1, 4])
    with pytest.raises(ValueError, match="No bundle has 20 streamlines"):
        GroupMixtures.fit(np.zeros((19, 1)), np.zeros(19, int))


def test_draws_are_of_the_groups(fitted):
    x, groups = fitted.draw([400, 500], seed=2)
    np.testing.assert_array_equal(np.bincount(groups)[[1, 4]], [400, 500])
    near = np.linalg.norm(x[groups == 1, None] - [[0, 0], [3, -3]], axis=2)
    assert near.min(axis=1).max() < 0.8
    assert np.bincount(near.argmin(axis=1)).min() > 150
    np.testing.assert_allclose(x[groups == 4].std(axis=0), [1000, 0.01], rtol=0.35)


def test_components_stand_for_enough_streamlines():
    # As many small clouds as would be found without a limit.
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(16, 2)) * 50, 8, axis=0) + rng.normal(size=(128, 2))
    fitted = GroupMixtures.fit(x, np.zeros(128, int))
    assert len(fitted.parts) > 1
    assert (fitted.parts * 128 >= FEWEST - 1e-3).all()


def test_same_points_are_not_repeated():
    x, _ = GroupMixtures.fit(np.ones((30, 3)), np.zeros(30, int)).draw([50], 0)
    np.testing.assert_allclose(x, 1, atol=1e-4)


def test_arrays_are_checked(fitted):
    arrays = fitted.to_arrays("ends_")
    again = GroupMixtures.from_arrays(arrays, "ends_")
    np.testing.assert_array_equal(again.draw([9, 9], 0)[0], fitted.draw([9, 9], 0)[0])
    for name, change in (
        ("ends_factors", np.zeros_like),
        ("ends_group_of", np.flip),
        ("ends_parts", np.negative),
        ("ends_centres", lambda each: each * np.nan),
    ):
        with pytest.raises(SchemaError, match=name.split("_", 1)[1]):
            GroupMixtures.from_arrays({**arrays, name: change(arrays[name])}, "ends_")
