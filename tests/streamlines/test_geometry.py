import numpy as np
import pytest

from dipy_tractogen.streamlines.geometry import (
    cosine_basis,
    lengths,
    mean_curvature,
    resample,
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
