import numpy as np
import pytest

from dipy_tractogen.sampling import arithmetic
from dipy_tractogen.sampling.arithmetic import (
    PATHS,
    linear_path,
    match,
    nearest,
    spherical_path,
)

SHARES = np.linspace(0, 1, 5)


@pytest.mark.parametrize("path", PATHS.values())
def test_paths_begin_and_end_where_they_should(path):
    first, second = np.random.default_rng(0).normal(size=(2, 7, 3))
    steps = path(first, second, SHARES)
    assert steps.shape == (7, 5, 3)
    np.testing.assert_allclose(steps[:, 0], first, atol=1e-12)
    np.testing.assert_allclose(steps[:, -1], second, atol=1e-12)


def test_a_straight_path_has_equal_steps():
    steps = linear_path(np.zeros((1, 2)), np.array([[4.0, 8.0]]), SHARES)
    np.testing.assert_allclose(np.diff(steps[0], axis=0), [[1, 2]] * 4)


def test_a_spherical_path_goes_round():
    steps = spherical_path(np.array([[2.0, 0]]), np.array([[0, 2.0]]), SHARES)
    angles = np.pi / 2 * SHARES
    expected = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    np.testing.assert_allclose(steps[0], expected, atol=1e-12)


def test_independent_normal_latents_keep_their_norm_on_the_sphere_only():
    first, second = np.random.default_rng(0).normal(size=(2, 200, 64))
    norms = {
        name: np.linalg.norm(path(first, second, np.array([0.5])), axis=-1).mean()
        for name, path in PATHS.items()
    }
    np.testing.assert_allclose(norms["spherical"], 8, rtol=0.03)
    np.testing.assert_allclose(norms["linear"], np.sqrt(32), rtol=0.03)


def test_without_a_plane_a_spherical_path_is_straight():
    """One direction, opposite ones, and no direction at all, beside an angle."""
    first = np.array([[1.0, 1], [1, 1], [0, 0], [1, 0]])
    second = np.array([[3.0, 3], [-2, -2], [1, 2], [0, 1]])
    steps = spherical_path(first, second, SHARES)
    straight = linear_path(first, second, SHARES)
    np.testing.assert_allclose(steps[:3], straight[:3])
    assert np.abs(steps[3] - straight[3]).max() > 0.1


def test_the_nearest_latents_are_found():
    among = np.array([[0.0, 0], [10, 0], [3, 0], [1, 0]])
    distances, indices = nearest(np.array([[0.4, 0], [9, 0]]), among, 2)
    np.testing.assert_array_equal(indices, [[0, 3], [1, 2]])
    np.testing.assert_allclose(distances, [[0.4, 0.6], [1, 6]])
    with pytest.raises(ValueError, match="nb_neighbours=5: give 1 to 4"):
        nearest(among, among, 5)


def test_a_match_finds_what_was_shuffled(monkeypatch):
    rng = np.random.default_rng(0)
    first = rng.normal(size=(30, 4))
    order = rng.permutation(30)
    partners = match(first[order], first + 0.001)
    np.testing.assert_array_equal(partners, order)
    # In blocks each row still has one partner, in its own block.
    monkeypatch.setattr(arithmetic, "_BLOCK", 12)
    partners = match(first[order], first)
    np.testing.assert_array_equal(np.sort(partners), np.arange(30))
    np.testing.assert_array_equal(partners // 12, np.arange(30) // 12)


def test_a_match_is_the_best_in_all_not_one_by_one():
    """The nearest to the first row is better left to the second."""
    partners = match(np.array([[0.0], [1.2]]), np.array([[1.0], [-2.0]]))
    np.testing.assert_array_equal(partners, [1, 0])


def test_sets_of_different_sizes_are_not_matched():
    with pytest.raises(ValueError, match=r"\(3, 2\) and second \(4, 2\)"):
        match(np.zeros((3, 2)), np.zeros((4, 2)))
