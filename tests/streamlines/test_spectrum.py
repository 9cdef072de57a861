import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
import pytest

from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.geometry import cosine_basis, resample
from dipy_tractogen.streamlines.spectrum import (
    BANDS,
    comparable_points,
    in_direction_of_bundle,
    shape_features,
    texture_features,
)


def zigzags(counts, step):
    """Make streamlines of so many points, with steps in mm and bends at each point."""
    points = []
    for count in counts:
        x = np.arange(count) * step * 0.8
        y = np.arange(count) % 2 * step * 0.6
        points.append(np.stack([x, y, 0 * x], axis=1))
    return as_sequence(np.concatenate(points).astype(np.float32), np.array(counts))


def test_the_coarser_set_and_one_of_its_step_are_not_interpolated():
    sets = [zigzags([40, 30], 1.0), zigzags([35, 45], 0.95)]
    found, step = comparable_points(sets)
    assert step == pytest.approx(1)
    for points, given in zip(found, sets):
        assert_array_equal(points, resample(given, 128))


def test_the_finer_set_loses_what_is_below_the_step_of_the_other():
    (coarse, fine), step = comparable_points(
        [zigzags([40, 30], 1.0), zigzags([400, 300], 0.1)]
    )
    assert step == pytest.approx(1)
    # Ten bends of 0.06 mm a step are cut.
    assert np.ptp(coarse[..., 1]) == pytest.approx(0.6, abs=0.02)
    assert np.ptp(fine[..., 1]) < 0.07
    assert_allclose(fine[0, -1], [399 * 0.08, 0.06, 0], atol=1e-4)


def test_one_number_of_points_is_that_of_both_sets():
    fine = zigzags([400, 200], 0.1)
    found, _ = comparable_points([zigzags([20, 20], 2.0), fine])
    assert_array_equal(found[1], resample(resample(fine, 20), 128))


def test_features_are_coefficients_energies_and_curvature():
    rng = np.random.default_rng(0)
    coefficients = rng.normal(size=(3, 128, 3)) * [[[1.0]], [[2.0]], [[3.0]]]
    points = cosine_basis(128, 128).T @ coefficients
    assert_allclose(
        shape_features(points), coefficients[:, :24].reshape(3, -1), atol=1e-5
    )
    found = texture_features(points)
    assert found.shape == (3, 12)
    assert (BANDS[0][0], BANDS[-1][1]) == (24, 127)
    for place, (first, last) in enumerate(BANDS):
        energy = (coefficients[:, first : last + 1] ** 2).sum(axis=(1, 2))
        assert_allclose(found[:, place], np.log(energy), rtol=1e-4)


def test_curvature_of_a_circle():
    angles = np.linspace(0, np.pi, 128)
    circle = 10 * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    mean, deviation, largest, median = texture_features(circle[None])[0, 8:]
    assert_allclose([mean, largest, median], 0.1, rtol=1e-3)
    assert deviation < 1e-4


def test_directions_do_not_depend_on_how_streamlines_are_stored():
    points = np.random.default_rng(0).normal(size=(30, 20, 3)).cumsum(axis=1)
    labels = np.arange(30) % 2 * 7
    turned = points.copy()
    turned[::3] = turned[::3, ::-1]
    found = in_direction_of_bundle(points, labels)
    assert_array_equal(in_direction_of_bundle(turned, labels), found)
    assert not np.array_equal(found, points)
