import matplotlib
from matplotlib.collections import LineCollection
import numpy as np
import pytest

from dipy_tractogen.viz import grid
from dipy_tractogen.viz.grid import GridRow, plot_grid


def lines(nb_streamlines, size, seed=0):
    """Streamlines along y, `size` mm long, spread over x and hardly over z."""
    rng = np.random.default_rng(seed)
    points = np.zeros((nb_streamlines, 20, 3), dtype=np.float32)
    points[..., 1] = np.linspace(0, size, 20)
    points[..., 0] += rng.uniform(-20, 20, (nb_streamlines, 1))
    points[..., 2] += rng.uniform(-1, 1, (nb_streamlines, 1))
    return points


@pytest.fixture
def sheets(monkeypatch):
    """Every sheet that is made, to look at its figure."""
    made = []

    class Sheet(grid._Sheet):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(grid, "_Sheet", Sheet)
    return made


def rows():
    behind = lines(40, 80)
    return [
        GridRow("short", [lines(5, 40), lines(6, 60)], ["40 mm", "60 mm"], behind, "a"),
        GridRow("long", [lines(7, 70), None], behind=behind, bundle="a"),
        GridRow("other", [lines(4, 30), lines(4, 35)]),
    ]


def drawn(sheet):
    """Numbers of lines of each collection, cell by cell."""
    return [
        [len(one.get_segments()) for one in axes.collections]
        for axes in sheet.figure.axes
    ]


def test_every_cell_shows_its_streamlines_and_those_behind(sheets, tmp_path):
    path = plot_grid(rows(), tmp_path / "grid.png", column_titles=["first", "second"])
    assert path.read_bytes().startswith(b"\x89PNG")
    assert drawn(sheets[0]) == [[40, 5], [40, 6], [40, 7], [40], [4], [4]]
    texts = {text.get_text() for text in sheets[0].figure.texts}
    assert {"first", "second", "short", "long", "other", "40 mm", "60 mm"} <= texts


def test_rows_of_a_bundle_share_plane_scale_and_colour(sheets, tmp_path):
    plot_grid(rows(), tmp_path / "grid.png", column_titles=["first", "second"])
    axes = sheets[0].figure.axes
    limits = [(one.get_xlim(), one.get_ylim()) for one in axes]
    assert limits[0] == limits[1] == limits[2] == limits[3] != limits[4]
    assert np.ptp(limits[0][1]) >= 80
    colours = [tuple(one.collections[-1].get_colors()[0]) for one in axes]
    assert colours[0] == colours[2] != colours[4]
    for one in axes:
        assert one.get_aspect() == 1
        assert all(isinstance(each, LineCollection) for each in one.collections)


def test_lines_are_seen_in_the_two_widest_axes(sheets, tmp_path):
    plot_grid([GridRow("one", [lines(3, 50)])], tmp_path / "g.png", column_titles=["x"])
    (segment, *_) = sheets[0].figure.axes[0].collections[0].get_segments()
    np.testing.assert_allclose(np.ptp(segment, axis=0).max(), 50, rtol=1e-5)


def test_few_of_many_are_drawn(sheets, tmp_path):
    row = GridRow("many", [lines(90, 50)], behind=lines(90, 50))
    path = tmp_path / "grid.png"
    plot_grid([row], path, column_titles=["x"], max_streamlines=10)
    assert drawn(sheets[0]) == [[20, 10]]


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


def test_existing_pictures_are_kept(tmp_path):
    path = tmp_path / "grid.png"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        plot_grid(rows(), path, column_titles=["first", "second"])
    assert path.read_text() == "mine"
    plot_grid(rows(), path, column_titles=["first", "second"], force=True)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_backend_of_the_user_stays(tmp_path):
    before = matplotlib.get_backend()
    plot_grid(rows(), tmp_path / "grid.png", column_titles=["first", "second"])
    assert matplotlib.get_backend() == before


def test_long_names_are_broken_after_underscores(sheets, tmp_path):
    row = GridRow("Left_Cingulum_Hippocampus", [lines(3, 50)])
    plot_grid([row], tmp_path / "grid.png", column_titles=["x_1 of 2"])
    texts = [text.get_text() for text in sheets[0].figure.texts]
    assert "Left_Cingulum_\nHippocampus" in texts
    assert "x_1 of 2" in texts
