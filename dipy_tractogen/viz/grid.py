"""A grid of streamlines: a row for each bundle, a column for each requested value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
import textwrap

import numpy as np

from dipy_tractogen.utils.files import atomic_write

from .cameras import Frame, frame_pair
from .colours import bundle_colours, homologues
from .figures import BACKGROUNDS
from .grid_page import GridPage
from .layout import Cell
from .offscreen import render_cells
from .palette import NO_VALUE
from .panels import Panel
from .scenes import line_width, load_outline
from .style import default_style, short_label, write_figure

_BEHIND = tuple(1 - 0.5 * (1 - share) for share in NO_VALUE)
# Letters in a line of a title, a name and a text.
_TITLE_LETTERS, _NAME_LETTERS, _SMALL_LETTERS = 24, 16, 34


@dataclass(frozen=True)
class GridRow:
    """Streamlines of a bundle, for several requested values.

    Parameters
    ----------
    name : str
        Written to the left of the row.
    cells : sequence
        Streamlines for each column: ndarray of shape (n, p, 3) or ArraySequence, in
        RASMM mm; None, or no streamline, for an empty cell.
    texts : sequence of str, optional
        Written below each cell, such as the measured value.
    behind : ndarray of shape (n, p, 3) or ArraySequence, optional
        Streamlines drawn in grey behind those of every cell, such as all the real ones
        of the bundle, in RASMM mm.
    bundle : str, optional
        Name of the bundle, by default that of the row. Rows of one bundle have the same
        colour, plane, limits and scale.
    colour : tuple of float, optional
        Red, green and blue from 0 to 1, by default those of the bundle among the rows.
    most : int, optional
        Number of streamlines that are drawn in a cell of the row at most.
    """

    name: str
    cells: Sequence
    texts: Sequence[str] = ()
    behind: object = None
    bundle: str = ""
    colour: tuple[float, float, float] | None = None
    most: int | None = None


@default_style()
def plot_grid(
    rows: Sequence[GridRow],
    path: str | Path,
    *,
    column_titles: Sequence[str],
    title: str = "",
    max_streamlines: int = 150,
    view: str = "auto",
    mask: str | Path | None = None,
    seed: int = 0,
    force: bool = False,
) -> Path:
    """Render streamlines in a grid: a row for each bundle, a column for each value.

    The cells of a row show the same part of space at the same scale; a bar tells its
    millimetres. Many rows are set in blocks side by side. The scenes are those of FURY,
    drawn by one other process (`offscreen.render_cells`).

    Parameters
    ----------
    rows : sequence of GridRow
        The rows.
    path : str or Path
        The PNG file.
    column_titles : sequence of str
        Requested value of each column, such as ``"80 mm"``.
    title : str, optional
        Written above the columns, such as ``"asked length"``.
    max_streamlines : int, optional
        Number of streamlines drawn in a cell, chosen at random where it has more; twice
        as many are drawn behind.
    view : str, optional
        The side from which all rows are seen (`VIEW_CHOICES`), by default the one that
        shows the two widest axes of each bundle.
    mask : str or Path, optional
        Image that is not zero in the brain or the like, whose surface is drawn behind
        the streamlines; every cell shows all of it.
    seed : int, optional
        Seed of the choice of streamlines.
    force : bool, optional
        Overwrite the file if it exists.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If there is no row or no column, a row has another number of cells or texts than
        there are columns, no streamline in any cell, points that are not finite, or no
        streamline meets the mask.
    RenderingUnavailable
        If rendering is impossible here, or the process that draws fails.
    FileExistsError
        If the file exists and not `force`.
    """
    if not rows or not column_titles:
        raise ValueError("there is nothing to draw: give a row and a column or more.")
    if max_streamlines < 1:
        raise ValueError(f"max_streamlines={max_streamlines}: give 1 or more.")
    drawn = [
        _DrawnRow(row, len(column_titles), max_streamlines, seed=seed) for row in rows
    ]
    outline = None
    if mask:
        outline = load_outline(mask, np.concatenate([row.points() for row in drawn]))
    frames = _frames(drawn, view, outline)
    by_name = bundle_colours(row.bundle for row in drawn)
    for row in drawn:
        row.frame = frames[row.bundle]
        row.colour = row.colour or by_name[row.bundle]
    for above, row in pairwise(drawn):
        row.keep = row.bundle == above.bundle
    titles = [_wrapped(text, _TITLE_LETTERS) for text in column_titles]
    page = GridPage(drawn, titles, title)
    with atomic_write(path, force=force) as temporary:
        _draw(page, drawn, outline)
        write_figure(page.figure, temporary, path)
    return Path(path)


class _DrawnRow:
    """A row with the streamlines of it that are drawn."""

    frame: Frame
    keep = False

    def __init__(
        self, row: GridRow, nb_columns: int, max_streamlines: int, *, seed: int
    ):
        texts = row.texts or [""] * nb_columns
        for what, given in (("cells", row.cells), ("texts", texts)):
            if len(given) != nb_columns:
                raise ValueError(
                    f"{row.name}: there are {len(given)} {what} for {nb_columns} "
                    "column_titles: give one for each."
                )

        def panel(streamlines, most: int) -> Panel | None:
            if streamlines is None or len(streamlines) == 0:
                return None
            return Panel(row.name, streamlines).subsample(most, seed=seed)

        self.name = _wrapped(short_label(row.name), _NAME_LETTERS)
        self.bundle = row.bundle or row.name
        self.colour = row.colour
        self.texts = [_wrapped(text, _SMALL_LETTERS) for text in texts]
        most = min(max_streamlines, row.most or max_streamlines)
        self.cells = [panel(cell, most) for cell in row.cells]
        self.behind = panel(row.behind, 2 * max_streamlines)
        if not any(self.cells):
            raise ValueError(
                f"{row.name}: there is no streamline in any cell: leave the row out."
            )

    def points(self) -> np.ndarray:
        """All points that are drawn, (n, 3)."""
        shown = [panel for panel in (*self.cells, self.behind) if panel]
        return np.concatenate([panel.points() for panel in shown])


def _wrapped(text: str, letters: int) -> str:
    """Break long text into lines, names of bundles after their underscores."""
    lines = textwrap.wrap(text.replace("_", "_ "), letters)
    return "\n".join(line.replace("_ ", "_") for line in lines)


def _frames(rows: Sequence[_DrawnRow], view: str, outline) -> dict[str, Frame]:
    """Frame what is drawn of each bundle, a left and a right one alike."""
    parts: dict[str, list[np.ndarray]] = {}
    for row in rows:
        parts.setdefault(row.bundle, []).append(row.points())
    points = {bundle: np.concatenate(each) for bundle, each in parts.items()}
    behind = [] if outline is None else [outline.points()]
    frames = {}
    for pair in homologues(points):
        frames |= zip(pair, frame_pair([points[name] for name in pair], view, behind))
    return frames


def _draw(page: GridPage, rows: Sequence[_DrawnRow], outline) -> None:
    """Render all cells at once, and put them on the page."""
    panels: list[Panel] = []
    inks: list[np.ndarray] = []

    def add(panel: Panel, colour) -> int:
        panels.append(panel)
        inks.append(np.tile(colour, (len(panel.streamlines), 1)))
        return len(panels) - 1

    places: list[tuple[int, int]] = []
    cells: list[Cell] = []
    for index, (row, given) in enumerate(zip(rows, page.cells())):
        behind = add(row.behind, _BEHIND) if row.behind else None
        for column, (panel, cell) in enumerate(zip(row.cells, given)):
            if panel is None and behind is None:
                continue
            # An empty cell shows only the streamlines behind.
            shown = behind if panel is None else add(panel, row.colour)
            hidden = None if panel is None else behind
            cells.append(replace(cell, panel=shown, behind=hidden))
            places.append((index, column))
    fullest = max(len(panel.streamlines) for panel in panels)
    scale = min(cell.width / cell.frame.width for cell in cells)
    images = render_cells(
        cells,
        panels,
        inks,
        width=line_width(fullest, scale),
        background=BACKGROUNDS["white"],
        outline=outline,
    )
    for (row, column), cell, image in zip(places, cells, images):
        page.show(row, column, cell, image)
