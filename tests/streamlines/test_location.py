import numpy as np
import pytest

from dipy_tractogen.streamlines.location import Location


@pytest.fixture
def place():
    """Straight lines of 30 mm along x, from y 0 to y 100."""
    points = np.zeros((101, 31, 3), dtype=np.float32)
    points[..., 0] = np.arange(31)
    points[..., 1] = np.arange(101)[:, None]
    points[..., 2] = -5
    return Location.of(points)


def test_length_and_place(place):
    assert place.median_length_mm == pytest.approx(30)
    assert place.centre_mm == (15, 50, -5)
    assert place.low_mm == pytest.approx((0, 1, -5))
    assert place.high_mm == pytest.approx((30, 99, -5))
    assert place.describe() == (
        "median length 30.0 mm, centre (15, 50, -5) mm, x 0 to 30, y 1 to 99, z -5 to "
        "-5 mm"
    )


def test_array_and_plain_values(place):
    assert Location.from_array(place.to_array()) == place
    assert place.to_dict()["centre_mm"] == [15, 50, -5]
    with pytest.raises(ValueError, match="ten numbers"):
        Location.from_array(np.zeros(9))


def test_nothing_has_no_place():
    with pytest.raises(ValueError, match="one or more"):
        Location.of(np.zeros((0, 3, 3), dtype=np.float32))
