from matplotlib.image import imread
import numpy as np
import pytest

from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.viz import (
    Panel,
    bundle_colours,
    compare_bundles,
    figures,
    render_bundles,
)

NAMES = ("AF_L", "CC", "CST_R")
SIZE = (640, 480)


def tube(axis, centre, nb_streamlines=30):
    rng = np.random.default_rng(axis)
    points = rng.normal(0, 2, (nb_streamlines, 1, 3)) + np.asarray(centre)
    points = np.repeat(points, 20, axis=1)
    points[..., axis] += np.linspace(-30, 30, 20)
    return points.astype(np.float32)


POINTS = np.concatenate(
    [tube(2, (-30, 0, 20)), tube(0, (0, -10, -20)), tube(2, (30, 0, 0))]
)
LABELS = np.repeat([0, 1, 2], 30)


def hue_share(image, colour):
    """Share of the pixels that are a shade of a colour, between white and black."""
    chroma = image - image.mean(axis=-1, keepdims=True)
    wanted = np.asarray(colour) - np.mean(colour)
    norms = np.linalg.norm(chroma, axis=-1)
    cosine = chroma @ wanted / np.maximum(norms, 1e-9) / np.linalg.norm(wanted)
    return float(np.mean((norms > 0.1) & (cosine > 0.985)))


def halves(image):
    top, bottom = int(0.12 * image.shape[0]), int(0.85 * image.shape[0])
    middle = image.shape[1] // 2
    return image[top:bottom, :middle, :3], image[top:bottom, middle:, :3]


@pytest.mark.usefixtures("rendering")
def test_two_panels_with_the_same_colours_and_camera(tmp_path):
    first = Panel("real", POINTS, LABELS, NAMES)
    second = ("synthetic", POINTS[LABELS != 1], LABELS[LABELS != 1], NAMES)
    path = render_bundles(
        [first, second], tmp_path / "a.png", views=["back"], size=SIZE
    )
    image = imread(path)
    assert image.shape[:2] == SIZE[::-1]
    left, right = halves(image)
    colours = bundle_colours(NAMES)
    for name in ("AF_L", "CST_R"):
        shown = hue_share(left, colours[name])
        assert shown > 0.001
        assert hue_share(right, colours[name]) == pytest.approx(shown, rel=0.2)
    assert hue_share(left, colours["CC"]) > 0.001
    assert hue_share(right, colours["CC"]) == 0
    np.testing.assert_array_equal(image[0, 0, :3], 1)


@pytest.mark.usefixtures("rendering")
def test_left_is_on_the_left_from_the_back_and_on_the_right_from_the_front(tmp_path):
    """The views of a single panel stand side by side."""
    path = render_bundles(
        [("real", POINTS, LABELS, NAMES)],
        tmp_path / "a.png",
        views=["back", "front"],
        size=SIZE,
    )
    back, front = halves(imread(path))
    colour = bundle_colours(NAMES)["AF_L"]
    middle = back.shape[1] // 2
    assert hue_share(back[:, :middle], colour) > 0.001
    assert hue_share(back[:, middle:], colour) == 0
    assert hue_share(front[:, :middle], colour) == 0
    assert hue_share(front[:, middle:], colour) > 0.001


@pytest.mark.usefixtures("rendering")
def test_directions_on_black(tmp_path):
    path = render_bundles(
        [("real", POINTS)],
        tmp_path / "a.png",
        color_by="direction",
        views=["back"],
        background="black",
        size=SIZE,
    )
    image = imread(path)[..., :3]
    np.testing.assert_array_equal(image[0, 0], 0)
    assert hue_share(image, (1, 0, 0)) > 0.001
    assert hue_share(image, (0, 0, 1)) > 0.001


@pytest.fixture
def drawn(monkeypatch):
    """What reaches the renderer, without rendering."""
    calls = []

    def note(cells, panels, colours, **options):
        calls.append((panels, colours))
        return blank(cells, panels, colours)

    monkeypatch.setattr(figures, "render_cells", note)
    return calls


def test_values_have_colours_and_the_lack_of_them_is_grey(drawn, tmp_path):
    valued = Panel("valued", POINTS, values=np.linspace(0, 1, len(POINTS)))
    panels = [Panel("without", POINTS), valued]
    render_bundles(panels, tmp_path / "a.png", color_by="value")
    ((_, (grey, coloured)),) = drawn
    assert grey.shape == coloured.shape == (len(POINTS), 3)
    np.testing.assert_array_equal(grey, grey[:1, :1].repeat(3, 1).repeat(90, 0))
    assert np.ptp(coloured, axis=1).min() > 0.1
    assert len(np.unique(coloured, axis=0)) > 50


def test_a_picture_can_be_repeated(drawn, tmp_path):
    """The renderer gives one image twice, see test_offscreen.py."""
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        panels = [("real", POINTS, LABELS, NAMES)]
        render_bundles(panels, tmp_path / f"{name}.png", max_streamlines=20, seed=seed)
    shown = [panels[0].points() for panels, _ in drawn]
    np.testing.assert_array_equal(shown[0], shown[1])
    assert not np.array_equal(shown[0], shown[2])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_compare_bundles_takes_sets_of_bundles(drawn, tmp_path):
    bundles = BundleSet(POINTS, LABELS, NAMES, Reference.covering(POINTS))
    path = compare_bundles(bundles, bundles, tmp_path / "a.png", views=["top"])
    ((panels, _),) = drawn
    assert [panel.title for panel in panels] == ["real", "synthetic"]
    height, width = imread(path).shape[:2]
    assert width <= 1600
    assert height <= 2000


@pytest.mark.usefixtures("drawn")
def test_names_are_not_read_as_formulas(tmp_path):
    panel = Panel("cost $5_", POINTS, LABELS, ("_hidden", "$a_b^{", "\\frac"))
    assert render_bundles([panel], tmp_path / "a.png").exists()


def blank(cells, panels, colours, **options):
    return [np.full((cell.height, cell.width, 3), 255, np.uint8) for cell in cells]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"color_by": "hue"}, "color_by='hue': accepted are bundle, direction, value"),
        ({"color_by": "value"}, "no panel has a finite value"),
        ({"views": ["up"]}, "view='up': accepted are"),
        ({"background": "red"}, "background='red': accepted are white, black"),
        ({"max_streamlines": 0}, "max_streamlines=0"),
        ({"size": (1, 1)}, "from 200 to 10000"),
    ],
)
def test_bad_arguments_leave_no_file(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        render_bundles([("real", POINTS)], tmp_path / "a.png", **options)
    with pytest.raises(ValueError, match="no panel"):
        render_bundles([], tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("drawn")
def test_existing_picture_is_kept(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        render_bundles([("real", POINTS)], path)
    assert path.read_text(encoding="utf-8") == "mine"
    render_bundles([("real", POINTS)], path, force=True)
    assert imread(path).ndim == 3


def test_a_failure_while_drawing_leaves_no_file(tmp_path, monkeypatch):
    def fail(*args, **options):
        raise OSError("no display")

    monkeypatch.setattr(figures, "render_cells", fail)
    with pytest.raises(OSError, match="no display"):
        render_bundles([("real", POINTS)], tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_what_is_left_out_is_logged_and_titled(drawn, tmp_path, monkeypatch, caplog):
    texts = []
    compose = figures.compose

    def spy(*args):
        figure = compose(*args)
        texts.extend(text.get_text() for text in figure.texts)
        return figure

    monkeypatch.setattr(figures, "compose", spy)
    with caplog.at_level("INFO", logger="dipy_tractogen"):
        render_bundles(
            [("real", POINTS, LABELS, NAMES)], tmp_path / "a.png", max_streamlines=30
        )
    ((panels, _),) = drawn
    assert [len(panel.streamlines) for panel in panels] == [30]
    assert "30 of 90 streamlines" in caplog.text
    assert {"real", "30 of 90 streamlines", *NAMES} <= set(texts)
    assert any(text.endswith(" mm") for text in texts)
