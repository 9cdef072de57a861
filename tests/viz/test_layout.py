import pytest

from dipy_tractogen.viz.cameras import VIEWS, Frame
from dipy_tractogen.viz.layout import arrange, check_size, round_length

FRAMES = [
    Frame(VIEWS["left"], (0, 0, 0), 160.0, 110.0),
    Frame(VIEWS["back"], (0, 0, 0), 120.0, 110.0),
    Frame(VIEWS["top"], (0, 0, 0), 120.0, 160.0),
]
NAMES = [f"Left_Cingulum_{i}" for i in range(20)]


def rectangles(layout):
    return [
        (cell.left, cell.top, cell.left + cell.width, cell.top + cell.height)
        for cell in layout.cells
    ]


@pytest.mark.parametrize("size", [None, (1200, 900), (900, 1500), (3000, 1000)])
@pytest.mark.parametrize("nb_panels", [1, 2, 3])
@pytest.mark.parametrize("legend", [[], ["AF_L"], NAMES], ids=len)
def test_cells_are_inside_and_apart(size, nb_panels, legend):
    layout = arrange(FRAMES, nb_panels, size=size, legend=legend)
    assert (layout.width, layout.height) == size or size is None
    assert size is not None or (layout.width <= 1600 and layout.height <= 2000)
    found = rectangles(layout)
    assert len(found) == 3 * nb_panels
    for i, (left, top, right, bottom) in enumerate(found):
        assert left >= 0
        assert right <= layout.width
        assert top >= layout.title_height
        assert bottom <= layout.height - layout.footer_height
        for other in found[i + 1 :]:
            apart_x = right < other[0] or other[2] < left
            apart_y = bottom < other[1] or other[3] < top
            assert apart_x or apart_y


def test_an_automatic_picture_keeps_its_limits_with_a_high_legend():
    tall = [Frame(VIEWS["left"], (0, 0, 0), 90.0, 180.0)] * 3
    layout = arrange(tall, 2, legend=NAMES)
    assert layout.legend.rows > 3
    assert layout.height <= 2000


def test_all_cells_have_one_scale():
    layout = arrange(FRAMES, 2, size=(1000, 1000))
    for cell in layout.cells:
        assert cell.width / cell.frame.width == pytest.approx(layout.pixels_per_mm)
        assert cell.height / cell.frame.height == pytest.approx(layout.pixels_per_mm)


def test_several_panels_are_columns_and_views_of_one_stand_side_by_side():
    two = arrange(FRAMES[:1] * 2, 2).cells
    assert [cell.panel for cell in two] == [0, 1, 0, 1]
    assert two[0].top == two[1].top < two[2].top
    one = arrange(FRAMES[:2], 1).cells
    assert one[0].top == one[1].top
    assert one[0].left < one[1].left


def test_legend_has_room_for_every_entry():
    layout = arrange(FRAMES[:1], 2, size=(800, 700), legend=NAMES)
    columns = -(-len(NAMES) // layout.legend.rows)
    assert layout.legend.left + columns * layout.legend.entry <= layout.width
    assert layout.legend.rows * 1.5 * layout.text < layout.footer_height


def test_too_small_for_its_content():
    with pytest.raises(ValueError, match="too small for 3 panels in 3 views"):
        arrange(FRAMES, 3, size=(200, 200), legend=NAMES)


@pytest.mark.parametrize("size", [(100, 500), (500, 20000), (500,), (1, 2, 3)])
def test_size_out_of_range(size):
    with pytest.raises(ValueError, match="from 200 to 10000 pixels"):
        check_size(size)


@pytest.mark.parametrize("size", [None, [], (200, 10000)])
def test_size_within_range(size):
    check_size(size)


@pytest.mark.parametrize(
    ("longest", "length"), [(1, 1), (1.9, 1), (5, 5), (49, 20), (99.9, 50), (0.3, 0.2)]
)
def test_round_length(longest, length):
    assert round_length(longest) == pytest.approx(length)
