import numpy as np
import pytest

from dipy_tractogen.streamlines.geometry import (
    cosine_basis,
    lengths,
    mean_curvature,
    resample,
    resample_by_step,
    respace,
    tortuosity,
)


def circle(radius, share, nb_points=200):
    """Part of a circle in the plane z = 0."""
    angle = np.linspace(0, 2 * np.pi * share, nb_points)
    return radius * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)[None]


def test_resample_gives_equal_steps_and_keeps_the_ends():
    uneven = np.array([[[0, 0, 0], [1, 0, 0], [10, 0, 0]]], dtype=np.float32)
    points = resample(uneven, 11)
    assert points.shape == (1, 11, 3)
    assert points.dtype == np.float32
    np.testing.assert_allclose(points[0, :, 0], np.arange(11), atol=1e-5)


def test_resample_takes_streamlines_of_different_sizes():
    lines = [circle(10, 0.2, 30)[0], circle(20, 0.1, 70)[0]]
    points = resample(lines, 15)
    for line, one in zip(lines, points):
        np.testing.assert_allclose(one[[0, -1]], line[[0, -1]], atol=1e-4)


def test_resample_of_nothing_is_empty():
    assert resample(np.zeros((0, 5, 3)), 7).shape == (0, 7, 3)


@pytest.mark.parametrize(
    ("streamlines", "nb_points", "said"),
    [
        (circle(1, 0.5), 1, "nb_points=1"),
        ([np.zeros((1, 3)), np.zeros((4, 3))], 5, "fewer than two points"),
    ],
)
def test_resample_refuses(streamlines, nb_points, said):
    with pytest.raises(ValueError, match=said):
        resample(streamlines, nb_points)


def test_measures_of_a_half_circle():
    half = circle(10, 0.5)
    assert lengths(half)[0] == pytest.approx(10 * np.pi, rel=1e-3)
    assert mean_curvature(half)[0] == pytest.approx(0.1, rel=1e-3)
    assert tortuosity(half)[0] == pytest.approx(np.pi / 2, rel=1e-3)


def test_measures_of_a_straight_line_a_loop_and_a_point():
    line = np.linspace([0, 0, 0], [30, 40, 0], 20)[None]
    assert lengths(line)[0] == pytest.approx(50)
    assert mean_curvature(line)[0] == pytest.approx(0, abs=1e-7)
    assert tortuosity(line)[0] == pytest.approx(1)
    assert tortuosity(circle(5, 1))[0] == pytest.approx(1000)
    assert tortuosity(np.ones((1, 4, 3)))[0] == 1


def test_cosine_basis_is_orthonormal_and_holds_smooth_streamlines():
    basis = cosine_basis(64, 12)
    np.testing.assert_allclose(basis @ basis.T, np.eye(12), atol=1e-6)
    points = circle(30, 0.4, 64)[0]
    error = basis.T @ (basis @ points) - points
    assert np.linalg.norm(error, axis=1).mean() < 0.3
    whole = cosine_basis(64, 64)
    np.testing.assert_allclose(whole.T @ (whole @ points), points, atol=1e-4)


@pytest.mark.parametrize("nb_coefficients", [0, 9])
def test_cosine_basis_refuses_impossible_numbers(nb_coefficients):
    with pytest.raises(ValueError, match="give 1 to nb_points=8"):
        cosine_basis(8, nb_coefficients)


@pytest.fixture(scope="module")
def points(phantom):
    return phantom.resample(50)


def test_steps_are_equal_and_of_about_the_size(points):
    made = resample_by_step(points, 3.0)
    for each, size in zip(made, lengths(points)):
        steps = np.linalg.norm(np.diff(each, axis=0), axis=1)
        assert len(steps) == round(size / 3.0)
        # Chords: a corner between points makes one a little shorter.
        np.testing.assert_allclose(steps, size / len(steps), rtol=0.05)


def test_ends_stay_exactly(points):
    for made in (resample_by_step(points, 2.0), respace(points, nb_points=7)):
        first, last = (np.stack([each[i] for each in made]) for i in (0, -1))
        np.testing.assert_array_equal(first, points[:, 0])
        np.testing.assert_array_equal(last, points[:, -1])


def test_points_are_those_of_dipy_for_the_same_number(points):
    made = resample_by_step(points[:5], 2.0)
    for each, given in zip(made, points[:5]):
        expected = resample(given[None], len(each))[0]
        np.testing.assert_allclose(each, expected, atol=1e-3)


def test_streamline_shorter_than_a_step_and_one_without_length():
    line = np.linspace([0, 0, 0], [1, 0, 0], 5, dtype=np.float32)
    made = resample_by_step(np.stack([line, np.zeros_like(line)]), 10.0)
    np.testing.assert_array_equal(made._data, [[0, 0, 0], [1, 0, 0], [0] * 3, [0] * 3])


def test_no_spacing_leaves_the_points_as_they_are(points):
    assert respace(points) is points
    assert respace(points, 50) is points
    assert respace(points, step_size=4.0)._data.dtype == np.float32


@pytest.mark.parametrize(
    ("spacing", "said"),
    [
        ((5, 2.0), "give one of them"),
        ((1, None), "needs two"),
        ((None, 0.0), "positive number of mm"),
        ((None, float("inf")), "positive number of mm"),
    ],
)
def test_impossible_spacings_are_refused(points, spacing, said):
    with pytest.raises(ValueError, match=said):
        respace(points, *spacing)
