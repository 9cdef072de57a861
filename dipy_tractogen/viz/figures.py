"""Pictures of bundles: panels side by side with titles, legend and scale."""

from __future__ import annotations

from collections.abc import Sequence
import logging
from pathlib import Path

import numpy as np

from dipy_tractogen.utils.files import atomic_write
from dipy_tractogen.utils.messages import check_choice

from .cameras import choose_views, frame_points
from .colours import bundle_colours, direction_colours, value_colours
from .compose import Key, compose
from .layout import arrange
from .offscreen import render_cells
from .panels import Panel
from .scenes import Outline, line_width, load_outline
from .style import default_style, short_label, write_figure

logger = logging.getLogger("dipy_tractogen")

COLOUR_CHOICES = ("bundle", "direction", "value")
BACKGROUNDS = {"white": (1.0, 1.0, 1.0), "black": (0.0, 0.0, 0.0)}
_DIRECTIONS = {
    "left to right": (0.9, 0.1, 0.1),
    "posterior to anterior": (0.1, 0.7, 0.1),
    "inferior to superior": (0.1, 0.1, 0.9),
}


def _panels(given) -> list[Panel]:
    """Return the panels of a sequence of them, or of streamlines alone."""
    is_list = isinstance(given, (list, tuple))
    if is_list and not any(
        isinstance(one, np.ndarray) and one.ndim < 3 for one in given
    ):
        return [Panel.of(one) for one in given]
    return [Panel.of(list(given) if is_list else given)]


@default_style()
def render_bundles(
    panels: Sequence,
    path: str | Path,
    *,
    color_by: str = "bundle",
    views: Sequence[str] = ("auto",),
    size: tuple[int, int] | None = None,
    max_streamlines: int = 3000,
    seed: int = 0,
    background: str = "white",
    value_name: str = "value",
    mask: str | Path | None = None,
    force: bool = False,
) -> Path:
    """Render bundles into a PNG, offscreen: one column a panel, one row a view.

    The views of a single panel stand side by side. All panels have the same camera,
    scale and colours, so that they can be compared. A panel with more than
    `max_streamlines` shows a random part of them, and its title says so. The scenes are
    those of FURY :footcite:p:`Garyfallidis2021`, drawn by another process, so that a
    program that has loaded TensorFlow can render too.

    Parameters
    ----------
    panels : sequence, or streamlines
        What to show, panel by panel: a `Panel`, a tuple of its arguments (title,
        streamlines, labels, bundle names, values), or streamlines (RASMM mm) as a
        BundleSet, StatefulTractogram, ArraySequence, list of arrays or path. One of
        these alone is one panel.
    path : str or Path
        The PNG file.
    color_by : str, optional
        "bundle", "direction" (of the streamline at each point) or "value" (the number
        of each streamline or point; panels without values are grey).
    views : sequence of str, optional
        "left", "right", "front", "back", "top", "bottom"; "all" is left, back and top;
        "auto" shows the two widest axes of the data.
    size : tuple of int, optional
        Width and height in pixels; by default what the content needs.
    max_streamlines : int, optional
        Number of streamlines drawn in a panel, about.
    seed : int, optional
        Seed of the choice of streamlines.
    background : str, optional
        "white" or "black".
    value_name : str, optional
        What the values are, with their unit; written at the colour bar.
    mask : str or Path, optional
        Image that is not zero in the brain or the like, whose surface is drawn behind
        the streamlines; the picture shows all of it.
    force : bool, optional
        Overwrite the file if it exists.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If there is no panel, an argument is not one of those accepted, or no streamline
        meets the mask.
    RenderingUnavailable
        If rendering is impossible here, or the process that draws fails.
    FileExistsError
        If the file exists and not `force`.

    References
    ----------
    .. footbibliography::
    """
    check_choice("color_by", color_by, COLOUR_CHOICES)
    check_choice("background", background, BACKGROUNDS)
    if max_streamlines < 1:
        raise ValueError(f"max_streamlines={max_streamlines}: give 1 or more.")
    panels = _panels(panels)
    if not panels:
        raise ValueError("there is no panel to draw: give one or more.")
    path = Path(path)
    drawn, outline, points = select_streamlines(panels, max_streamlines, seed, mask)
    frames = [frame_points(points, view) for view in choose_views(views, points)]
    key, colours = colour_panels(drawn, color_by, value_name)
    layout = arrange(
        frames, len(panels), size=size, legend=tuple(map(short_label, key.colours))
    )
    fullest = max(len(panel.streamlines) for panel in drawn)
    width = line_width(fullest, layout.pixels_per_mm)
    with atomic_write(path, force=force) as temporary:
        images = render_cells(
            layout.cells,
            drawn,
            colours,
            width=width,
            background=BACKGROUNDS[background],
            outline=outline,
        )
        figure = compose(layout, images, drawn, key, BACKGROUNDS[background])
        write_figure(figure, temporary, path)
    return path


def compare_bundles(
    first,
    second,
    path: str | Path,
    *,
    titles: tuple[str, str] = ("real", "synthetic"),
    **options,
) -> Path:
    """Render two `BundleSet`s side by side; options are those of `render_bundles`."""
    return render_bundles(list(zip(titles, (first, second))), path, **options)


def select_streamlines(
    panels: Sequence[Panel], max_streamlines: int, seed: int, mask: str | Path | None
) -> tuple[list[Panel], Outline | None, np.ndarray]:
    """Return the panels as they are drawn, the outline of a mask, and all points.

    Streamlines are chosen at random where there are many, and this is logged.
    """
    drawn = [panel.subsample(max_streamlines, seed=seed) for panel in panels]
    for panel, fewer in zip(panels, drawn):
        if fewer is not panel:
            logger.info(
                "%s: %d of %d streamlines are drawn, chosen at random with seed %d.",
                panel.title,
                len(fewer.streamlines),
                panel.nb_streamlines,
                seed,
            )
    points = np.concatenate([panel.points() for panel in drawn])
    outline = load_outline(mask, points) if mask else None
    if outline is not None:
        points = np.concatenate([points, outline.points()])
    return drawn, outline, points


def colour_panels(
    panels: Sequence[Panel], color_by: str, value_name: str
) -> tuple[Key, list[np.ndarray]]:
    """Choose colours that mean the same in all panels.

    Returns the key, and for each panel RGB (n, 3) or (total points, 3) from 0 to 1.
    Raises ValueError if no panel has a value to colour by.
    """
    if color_by == "bundle":
        by_name = bundle_colours(name for panel in panels for name in panel.shown_names)
        # Names without a streamline need a row of the table, too.
        tables = [
            np.array([by_name.get(name, (0, 0, 0)) for name in panel.bundle_names])
            for panel in panels
        ]
        colours = [table[panel.labels] for table, panel in zip(tables, panels)]
        return Key(colours=by_name), colours
    if color_by == "direction":
        colours = [
            direction_colours(panel.points(), np.asarray(panel.streamlines._lengths))
            for panel in panels
        ]
        return Key(colours=_DIRECTIONS), colours
    values = [
        np.full(len(panel.streamlines), np.nan)
        if panel.values is None
        else panel.values
        for panel in panels
    ]
    known = np.concatenate(values)
    known = known[np.isfinite(known)]
    if known.size == 0:
        raise ValueError("color_by='value': no panel has a finite value to colour by.")
    low = min(0.0, float(np.percentile(known, 2)))
    high = max(float(np.percentile(known, 98)), low + 1e-6)
    key = Key(value_name=value_name, limits=(low, high))
    return key, [value_colours(one, low, high) for one in values]
