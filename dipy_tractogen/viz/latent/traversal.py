"""A traversal of a latent space: its steps in a row, and as an animation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dipy_tractogen.utils.files import atomic_write
from dipy_tractogen.utils.moved import renamed

from ..cameras import choose_views, frame_points
from ..compose import Key, compose
from ..figures import BACKGROUNDS
from ..layout import arrange
from ..offscreen import render_cells
from ..panels import Panel
from ..scenes import line_width
from ..style import default_style, save_figure, short_label

_FILM_SIZE = (560, 440)
_MILLISECONDS = 90
# Frames stay for longer at both ends.
_MILLISECONDS_AT_ENDS = 700
_COLOURS = 64


@dataclass(frozen=True)
class TraversalStep:
    """Streamlines (n, p, 3) in RASMM mm at one step; as many at each.

    ``title`` tells where it is, such as ``"z3 = +1.5 SD"``, and ``short_title`` the
    same for a narrow column.
    """

    streamlines: np.ndarray
    title: str
    short_title: str
    colour: tuple[float, float, float]


@default_style()
def render_traversal(
    steps: Sequence[TraversalStep],
    png: str | Path,
    gif: str | Path,
    *,
    every: int,
    legend: Mapping[str, tuple[float, float, float]],
    view: str = "auto",
    force: bool = False,
) -> tuple[Path, Path]:
    """Render a traversal: some steps in a row, and all to and fro as an animation.

    All steps have the same camera and scale, and are drawn by one process
    (`render_cells`).

    Parameters
    ----------
    steps : sequence of TraversalStep
        Two steps or more.
    png : str or Path
        The PNG file of the row.
    gif : str or Path
        The GIF file of the animation, which repeats.
    every : int
        The row has the first step and each so many after it.
    legend : mapping of str to tuple of float
        What the colours stand for.
    view : str, optional
        Name of the view (`VIEW_CHOICES`); by default the one that shows the two widest
        axes.
    force : bool, optional
        Overwrite files that exist.

    Returns
    -------
    png, gif : Path
        The files.

    Raises
    ------
    ValueError
        If there are fewer than two steps, or no such view.
    RenderingUnavailable
        If rendering is impossible here, or the process that draws fails.
    FileExistsError
        If a file exists and not `force`.
    """
    if len(steps) < 2:
        raise ValueError(f"a traversal of {len(steps)} steps: give two or more.")
    behind = BACKGROUNDS["white"]
    panels = [Panel(step.title, step.streamlines) for step in steps]
    points = np.concatenate([panel.points() for panel in panels])
    (seen,) = choose_views([view], points)
    frame = frame_points(points, seen)
    in_row = range(0, len(steps), every)
    row = arrange([frame], len(in_row), legend=tuple(map(short_label, legend)))
    film = arrange([frame], 1, size=_FILM_SIZE, legend=tuple(map(short_label, legend)))
    cells = [
        *(replace(cell, panel=index) for cell, index in zip(row.cells, in_row)),
        *(replace(film.cells[0], panel=index) for index in range(len(steps))),
    ]
    images = render_cells(
        cells,
        panels,
        [np.tile(step.colour, (len(step.streamlines), 1)) for step in steps],
        width=line_width(len(steps[0].streamlines), row.pixels_per_mm),
        background=behind,
    )
    key = Key(colours=legend)
    shown = [
        Panel(steps[index].short_title, steps[index].streamlines) for index in in_row
    ]
    figure = compose(row, images[: len(in_row)], shown, key, behind)
    save_figure(figure, png, force=force)
    frames = [
        _pixels(compose(film, [image], [panel], key, behind))
        for image, panel in zip(images[len(in_row) :], panels)
    ]
    _write_gif(frames, gif, force=force)
    return Path(png), Path(gif)


def _pixels(figure) -> np.ndarray:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()


def _write_gif(frames: Sequence[np.ndarray], path: str | Path, *, force: bool) -> None:
    """Write frames to and fro, all with the same few colours."""
    from PIL import Image

    pictures = [Image.fromarray(frame) for frame in frames]
    # One palette for all frames: the still parts would flicker otherwise.
    some = frames[0], frames[len(frames) // 2], frames[-1]
    together = Image.fromarray(np.concatenate(some))
    palette = together.quantize(_COLOURS, dither=Image.Dither.NONE)
    pictures = [
        each.quantize(palette=palette, dither=Image.Dither.NONE) for each in pictures
    ]
    there_and_back = [*pictures, *pictures[-2:0:-1]]
    durations = [_MILLISECONDS] * len(there_and_back)
    for end in (0, len(pictures) - 1):
        durations[end] = _MILLISECONDS_AT_ENDS
    with atomic_write(path, force=force) as temporary:
        there_and_back[0].save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=there_and_back[1:],
            duration=durations,
            loop=0,
            optimize=True,
        )


__getattr__ = renamed(
    __name__, {"render_walk": "render_traversal", "WalkStep": "TraversalStep"}
)
