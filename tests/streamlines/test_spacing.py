import numpy as np
import pytest

from dipy_tractogen.streamlines.geometry import lengths, resample
from dipy_tractogen.streamlines.spacing import resample_by_step, respaced


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
    for made in (resample_by_step(points, 2.0), respaced(points, nb_points=7)):
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
    assert respaced(points) is points
    assert respaced(points, 50) is points
    assert respaced(points, step_size=4.0)._data.dtype == np.float32


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
        respaced(points, *spacing)
