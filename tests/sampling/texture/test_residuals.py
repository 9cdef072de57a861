import numpy as np
import pytest

from dipy_tractogen.sampling.texture.residuals import (
    damping,
    low_pass,
    shrinking,
)


def waving(length, half_wave, nb_points=256):
    """A straight streamline with a wave of 1 mm across it."""
    at = (np.arange(nb_points) + 0.5) / nb_points
    points = np.zeros((1, nb_points, 3), dtype=np.float32)
    points[0, :, 0] = length * at
    points[0, :, 1] = np.cos(np.pi * at * round(length / half_wave))
    return points


@pytest.mark.parametrize(("half_wave", "kept"), [(10, 1), (5, 1), (2, 0.5), (1, 0.02)])
def test_only_short_waves_are_left_out(half_wave, kept):
    points = waving(20.0, half_wave)
    smooth = low_pass(points, np.array([20.0]))
    height = np.abs(smooth[0, :, 1]).max()
    assert height == pytest.approx(kept, abs=0.02)
    np.testing.assert_allclose(smooth[..., 0], points[..., 0], atol=0.3)


def test_long_streamlines_are_given_back_as_they_are():
    points = np.concatenate([waving(20.0, 1), waving(60.0, 3)])
    smooth = low_pass(points, np.array([20.0, 60.0]))
    assert (smooth[0, :, 1] != points[0, :, 1]).any()
    np.testing.assert_array_equal(smooth[1], points[1])
    assert low_pass(points[1:], np.array([60.0])) is not None
    np.testing.assert_array_equal(points[0], waving(20.0, 1)[0])


def test_residuals_shrink_on_shorter_streamlines_only():
    factors = shrinking(np.array([30.0, 60.0, 90.0]), np.full(3, 60.0))
    np.testing.assert_allclose(factors, [0.25, 1, 1])


def test_the_first_coefficients_are_damped():
    factors = damping(12)
    assert factors[0] == 0
    assert (np.diff(factors[:9]) > 0).all()
    np.testing.assert_array_equal(factors[8:], 1)
