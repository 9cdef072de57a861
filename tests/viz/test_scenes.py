import numpy as np
import pytest

from dipy_tractogen.viz import RenderingUnavailable, display, scenes
from dipy_tractogen.viz.cameras import VIEWS, Frame
from dipy_tractogen.viz.panels import Panel

LINE = np.zeros((1, 10, 3), dtype=np.float32)
LINE[0, :, 0] = np.linspace(-10, 10, 10)
RED = np.array([[1.0, 0, 0]])


def draw(size=(120, 60), width=40.0, **options):
    frame = Frame(VIEWS["top"], (0, 0, 0), width, width * size[1] / size[0])
    streamlines = Panel("line", LINE).streamlines
    return scenes.draw_streamlines(streamlines, RED, frame, size, width=3, **options)


@pytest.mark.usefixtures("rendering")
def test_a_line_is_where_the_frame_says():
    image = draw()
    assert image.shape == (60, 120, 3)
    assert image.dtype == np.uint8
    rows, columns = np.nonzero(image[..., 1] < 128)
    assert rows.mean() == pytest.approx(29.5, abs=1)
    assert columns.min() == pytest.approx(30, abs=2)
    assert columns.max() == pytest.approx(89, abs=2)
    assert image[30, 60, 0] > 150
    assert image[30, 60, 1] < 60


@pytest.mark.usefixtures("rendering")
def test_background():
    np.testing.assert_array_equal(draw(background=(0, 0, 0))[0, 0], 0)
    np.testing.assert_array_equal(draw()[0, 0], 255)


def test_without_a_display_nothing_is_rendered(monkeypatch):
    monkeypatch.setattr(display, "_why_not", lambda: "no display")
    with pytest.raises(RenderingUnavailable, match="no display"):
        draw()


def test_lines_are_thinner_where_there_are_more():
    widths = [scenes.line_width(number, 10.0) for number in (1, 100, 500, 3000, 10**6)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > widths[2] > widths[-1]
    assert scenes.line_width(1, 2.0) < widths[0]
