import numpy as np
import pytest

from dipy_tractogen.viz import Panel, offscreen, scenes
from dipy_tractogen.viz.cameras import VIEWS, Frame
from dipy_tractogen.viz.layout import Cell

LINE = np.zeros((1, 10, 3), dtype=np.float32)
LINE[0, :, 0] = np.linspace(-10, 10, 10)
RED = np.array([[1.0, 0, 0]])


@pytest.mark.usefixtures("rendering")
def test_a_line_is_where_the_frame_says():
    """Drawn in another process: this one may have loaded TensorFlow."""
    frame = Frame(VIEWS["top"], (0, 0, 0), 40.0, 20.0)
    cells, panels = [Cell(0, frame, 0, 0, 120, 60)], [Panel("line", LINE)]
    white = (1.0, 1.0, 1.0)
    (image,) = offscreen.render_cells(cells, panels, [RED], width=3, background=white)
    assert image.shape == (60, 120, 3)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image[0, 0], 255)
    rows, columns = np.nonzero(image[..., 1] < 128)
    assert rows.mean() == pytest.approx(29.5, abs=1)
    assert columns.min() == pytest.approx(30, abs=2)
    assert columns.max() == pytest.approx(89, abs=2)
    assert image[30, 60, 0] > 150
    assert image[30, 60, 1] < 60


def test_lines_are_thinner_where_there_are_more():
    widths = [scenes.line_width(number, 10.0) for number in (1, 100, 500, 3000, 10**6)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > widths[2] > widths[-1]
    assert scenes.line_width(1, 2.0) < widths[0]
