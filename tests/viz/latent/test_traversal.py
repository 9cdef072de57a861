from matplotlib.image import imread
import numpy as np
from PIL import Image, ImageSequence
import pytest

from dipy_tractogen.viz.latent.traversal import TraversalStep, render_traversal

BLUE, PINK = (0.0, 0.3, 0.9), (0.9, 0.0, 0.5)


def walk(nb_steps=5):
    """Lines that go from left to right as the steps go, and from blue to pink."""
    line = np.linspace((0, 0, 0), (0, 0, 40), 12)[None] + np.zeros((6, 1, 1))
    steps = []
    for share in np.linspace(0, 1, nb_steps):
        colour = tuple((1 - share) * np.array(BLUE) + share * np.array(PINK))
        moved = (line + np.array((60 * share, 0, 0))).astype(np.float32)
        steps.append(TraversalStep(moved, f"{share:.0%} right", f"{share:.0%}", colour))
    return steps


def coloured_columns(image):
    """Where an image has colour, apart from the legend below."""
    height = image.shape[0]
    upper = image[int(0.15 * height) : int(0.8 * height)].astype(float)
    return np.flatnonzero((np.ptp(upper, axis=-1) > 60).any(axis=0))


@pytest.mark.usefixtures("rendering")
def test_a_row_and_an_animation_of_one_camera(tmp_path):
    png, gif = render_traversal(
        walk(),
        tmp_path / "row.png",
        tmp_path / "walk.gif",
        every=2,
        legend={"left": BLUE, "right": PINK},
        view="back",
    )
    with Image.open(gif) as animation:
        frames = [
            (np.array(frame.convert("RGB")), frame.info["duration"])
            for frame in ImageSequence.Iterator(animation)
        ]
        assert animation.info["loop"] == 0
    # To and fro, the ends once each and for longer.
    assert len(frames) == 8
    durations = [duration for _, duration in frames]
    assert [n for n, each in enumerate(durations) if each > min(durations)] == [0, 4]
    middles = [coloured_columns(image).mean() for image, _ in frames]
    assert (np.diff(middles[:5]) > 20).all()
    np.testing.assert_allclose(middles[5:], middles[3:0:-1], atol=2)
    row = np.rint(255 * imread(png)[..., :3])
    # Three columns, each with lines of a place and a colour of its own.
    thirds = np.array_split(row, 3, axis=1)
    places = [coloured_columns(third).mean() for third in thirds]
    assert (np.diff(places) > 20).all()
    assert gif.stat().st_size < 200_000


def test_what_cannot_be_drawn_is_refused(tmp_path):
    paths = tmp_path / "row.png", tmp_path / "walk.gif"
    with pytest.raises(ValueError, match="a traversal of 1 steps: give two or more"):
        render_traversal(walk()[:1], *paths, every=1, legend={})
    with pytest.raises(ValueError, match="view='up': accepted are auto"):
        render_traversal(walk(), *paths, every=1, legend={}, view="up")
    assert list(tmp_path.iterdir()) == []
