from dataclasses import replace
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest

from dipy_tractogen.viz import grid
from dipy_tractogen.viz.cameras import VIEWS, Frame
from dipy_tractogen.viz.colours import bundle_colours
from dipy_tractogen.viz.grid import GridRow, plot_grid
from dipy_tractogen.viz.grid_page import DPI, GridPage


def lines(nb_streamlines, size, seed=0):
    """Streamlines along y, `size` mm long, spread over x and hardly over z."""
    rng = np.random.default_rng(seed)
    points = np.zeros((nb_streamlines, 20, 3), dtype=np.float32)
    points[..., 1] = np.linspace(0, size, 20)
    points[..., 0] += rng.uniform(-20, 20, (nb_streamlines, 1))
    points[..., 2] += rng.uniform(-1, 1, (nb_streamlines, 1))
    return points


class Drawn:
    """What was to be drawn, in place of drawing it."""

    def __call__(self, cells, panels, colours, **options):
        self.cells, self.panels, self.colours = cells, panels, colours
        self.options = options
        return [np.full((cell.height, cell.width, 3), 99, np.uint8) for cell in cells]

    def numbers(self):
        """Streamlines behind and in front, cell by cell."""
        return [
            (
                0 if cell.behind is None else len(self.panels[cell.behind].streamlines),
                len(self.panels[cell.panel].streamlines),
            )
            for cell in self.cells
        ]


@pytest.fixture
def drawn(monkeypatch):
    """Look at what is drawn, without rendering."""
    found = Drawn()
    monkeypatch.setattr(grid, "render_cells", found)
    return found


@pytest.fixture
def pages(monkeypatch):
    """Every page that is made, to look at its figure."""
    made = []

    class Kept(GridPage):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(grid, "GridPage", Kept)
    return made


def rows():
    behind = lines(40, 80)
    return [
        GridRow("short", [lines(5, 40), lines(6, 60)], ["40 mm", "60 mm"], behind, "a"),
        GridRow("long", [lines(7, 70), None], behind=behind, bundle="a"),
        GridRow("other", [lines(4, 30), None]),
    ]


def test_every_cell_shows_its_streamlines_and_those_behind(drawn, pages, tmp_path):
    path = plot_grid(rows(), tmp_path / "grid.png", column_titles=["first", "second"])
    assert path.read_bytes().startswith(b"\x89PNG")
    # Where there is none, those behind are shown alone; a cell without any stays empty.
    assert drawn.numbers() == [(40, 5), (40, 6), (40, 7), (0, 40), (0, 4)]
    texts = {text.get_text() for text in pages[0].figure.texts}
    assert {"first", "second", "short", "long", "other", "40 mm", "60 mm"} <= texts
    assert [image.get_array().shape[:2] for image in pages[0].figure.images] == [
        (cell.height, cell.width) for cell in drawn.cells
    ]


def test_rows_of_a_bundle_share_plane_scale_and_colour(drawn, tmp_path):
    plot_grid(rows(), tmp_path / "grid.png", column_titles=["first", "second"])
    frames = [cell.frame for cell in drawn.cells]
    assert frames[0] == frames[1] == frames[2] == frames[3] != frames[4]
    assert frames[0].view.name == "top"
    for cell in drawn.cells:
        shape = cell.width / cell.height
        assert cell.frame.width / cell.frame.height == pytest.approx(shape)
    assert min(frames[0].width, frames[0].height) > 30
    assert frames[0].height >= 80
    inks = [drawn.colours[cell.panel][0] for cell in drawn.cells]
    colours = bundle_colours(["a", "other"])
    np.testing.assert_allclose([inks[0], inks[2]], [colours["a"]] * 2)
    np.testing.assert_allclose(inks[4], colours["other"])
    grey = inks[3]
    assert np.ptp(grey) == 0
    np.testing.assert_array_equal(drawn.colours[drawn.cells[0].behind][0], grey)


def test_few_of_many_are_drawn(drawn, tmp_path):
    row = GridRow("many", [lines(90, 50)], behind=lines(90, 50))
    path = tmp_path / "grid.png"
    plot_grid([row], path, column_titles=["x"], max_streamlines=10)
    assert drawn.numbers() == [(20, 10)]
    fewer = replace(row, most=4)
    plot_grid([fewer], path, column_titles=["x"], max_streamlines=10, force=True)
    assert drawn.numbers() == [(20, 4)]


def test_mask_is_in_every_cell(drawn, tmp_path, ball):
    row = GridRow("in it", [lines(3, 20)])
    plot_grid([row], tmp_path / "g.png", column_titles=["x"], mask=ball)
    assert drawn.options["outline"] is not None
    assert drawn.cells[0].frame.width > 60


@pytest.mark.parametrize(
    ("given", "titles", "said"),
    [
        ([], ["x"], "nothing to draw"),
        ([GridRow("one", [lines(3, 5)])], [], "nothing to draw"),
        ([GridRow("one", [lines(3, 5)])], ["x", "y"], "1 cells for 2"),
        ([GridRow("one", [lines(3, 5)], ["a", "b"])], ["x"], "2 texts for 1"),
        ([GridRow("one", [None])], ["x"], "no streamline in any cell"),
    ],
)
def test_impossible_grids_are_refused(tmp_path, given, titles, said):
    with pytest.raises(ValueError, match=said):
        plot_grid(given, tmp_path / "grid.png", column_titles=titles)
    assert list(tmp_path.iterdir()) == []


def test_existing_pictures_are_kept(drawn, tmp_path):
    path = tmp_path / "grid.png"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        plot_grid(rows(), path, column_titles=["first", "second"])
    assert path.read_text(encoding="utf-8") == "mine"
    plot_grid(rows(), path, column_titles=["first", "second"], force=True)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_backend_of_the_user_stays(drawn, tmp_path):
    before = matplotlib.get_backend()
    plot_grid(rows(), tmp_path / "grid.png", column_titles=["first", "second"])
    assert matplotlib.get_backend() == before


def test_long_names_are_broken_after_underscores(drawn, pages, tmp_path):
    row = GridRow("Left_Cingulum_Hippocampus", [lines(3, 50)])
    plot_grid([row], tmp_path / "grid.png", column_titles=["x_1 of 2"])
    texts = [text.get_text() for text in pages[0].figure.texts]
    assert "Left_Cingulum_\nHippocampus" in texts
    assert "x_1 of 2" in texts


def test_many_rows_are_set_in_blocks_and_those_of_a_bundle_in_one():
    frame = Frame(VIEWS["left"], (0, 0, 0), 100.0, 100.0)
    names = [f"{number // 3}" for number in range(24)]
    given = [
        SimpleNamespace(name=name, frame=frame, texts=[""], keep=number % 3 > 0)
        for number, name in enumerate(names)
    ]
    page = GridPage(given, ["x"], "")
    assert max(page.blocks) >= 2
    assert page.blocks == sorted(page.blocks)
    by_name = {name: set() for name in names}
    for name, block in zip(names, page.blocks):
        by_name[name].add(block)
    assert all(len(blocks) == 1 for blocks in by_name.values())
    assert 0.5 < page.height / page.width < 2
    cells = [cell for row in page.cells() for cell in row]
    corners = {(cell.left, cell.top) for cell in cells}
    assert len(corners) == len(cells)
    for cell in cells:
        assert cell.left + cell.width <= page.width * DPI
        assert cell.top + cell.height <= page.height * DPI


@pytest.mark.usefixtures("rendering")
def test_streamlines_cover_those_behind_that_are_nearer(tmp_path):
    """Layers are one behind the other, wherever the streamlines are."""
    near = np.add(lines(40, 80), (0, 0, 5))
    row = GridRow("one", [lines(40, 80)], behind=near)
    path = plot_grid([row], tmp_path / "grid.png", column_titles=["x"])
    image = matplotlib.image.imread(path)[..., :3]
    blue = (image[..., 2] > image[..., 0] + 0.2).sum()
    grey = ((np.ptp(image, axis=-1) < 0.02) & (image[..., 0] < 0.9)).sum()
    assert blue > 5 * grey > 0
