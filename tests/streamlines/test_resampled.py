import numpy as np
import pytest

from dipy_tractogen.streamlines import resampled
from dipy_tractogen.streamlines.conditions import measured_values
from dipy_tractogen.streamlines.orientation import odd_coefficients
from dipy_tractogen.streamlines.resampled import PointSummary, ResampledPoints


@pytest.fixture
def streamlines(grid, make_streamlines):
    return make_streamlines(grid, n=23)


@pytest.fixture
def expected(streamlines):
    """Each streamline resampled by itself."""
    from dipy.tracking.streamlinespeed import set_number_of_points

    lines = [np.array(line) for line in streamlines]
    return np.array(set_number_of_points(lines, nb_points=12))


@pytest.mark.parametrize("block", [5, 100])
def test_blocks_hold_all_streamlines_in_order(
    streamlines, expected, block, monkeypatch
):
    monkeypatch.setattr(resampled, "BLOCK", block)
    points = ResampledPoints(streamlines, 12)
    rows, blocks = zip(*points.blocks())
    assert max(len(one) for one in blocks) == min(block, 23)
    assert [one.stop - one.start for one in rows] == [len(one) for one in blocks]
    np.testing.assert_array_equal(np.concatenate(blocks), expected)


def test_streamlines_come_in_the_order_asked_for(streamlines, expected):
    rows = np.array([3, 22, 3, 0])
    for given in (streamlines, expected):
        points = ResampledPoints(given, 12)
        assert len(points) == 23
        np.testing.assert_array_equal(points[rows], expected[rows])


def test_survey_is_of_all_streamlines(streamlines, expected, monkeypatch):
    monkeypatch.setattr(resampled, "BLOCK", 7)
    names = ["length", "age", "curvature"]
    survey = PointSummary(ResampledPoints(streamlines, 12), names)
    assert set(survey.values) == {"length", "curvature"}
    for name, values in measured_values(expected, names).items():
        np.testing.assert_allclose(survey.values[name], values)
    odd = odd_coefficients(expected)
    np.testing.assert_allclose(survey.odd, odd, rtol=1e-5, atol=1e-4)
    digest = PointSummary(ResampledPoints(expected, 12), []).digest.hexdigest()
    assert survey.digest.hexdigest() == digest


def test_points_that_are_no_numbers_are_refused(expected):
    expected[20, 3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        PointSummary(ResampledPoints(expected, 12), ["length"])
