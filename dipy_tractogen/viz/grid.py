"""A grid of streamlines: rows bundles, columns what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import textwrap

import numpy as np

from dipy_tractogen.streamlines.files import replacing

from .cameras import Frame, choose_views, frame_points
from .colours import bundle_colours
from .layout import round_length
from .panels import Panel
from .plots import DPI

_BEHIND = "0.8"
_FRAME = "0.88"
# Sizes in inches: width of a cell, its height as a share of that, room for names.
_CELL = 2.0
_HEIGHTS = (0.45, 1.3)
_NAMES = 1.5
_GAP = 0.1
_LINE = 0.17
_LONGEST_BAR = 0.9
# Sizes of text in points, and letters that fit into a line of it.
_TITLE, _NAME, _SMALL = 10.0, 10.0, 7.5
_TITLE_LETTERS, _NAME_LETTERS, _SMALL_LETTERS = 24, 16, 34


@dataclass(frozen=True)
class GridRow:
    """Streamlines of a bundle, for several values of what was asked.

    Parameters
    ----------
    name : str
        Written to the left of the row.
    cells : sequence
        Streamlines for each column: ndarray of shape (n, p, 3) or ArraySequence, in
        RASMM mm; None, or no streamline, for an empty cell.
    texts : sequence of str, optional
        Written below each cell, such as what was obtained.
    behind : ndarray of shape (n, p, 3) or ArraySequence, optional
        Streamlines drawn in grey behind those of every cell, such as all the real ones
        of the bundle, in RASMM mm.
    bundle : str, optional
        Name of the bundle, by default that of the row. Rows of one bundle have the same
        colour, plane, limits and scale.
    """

    name: str
    cells: Sequence
    texts: Sequence[str] = ()
    behind: object = None
    bundle: str = ""


def plot_grid(
    rows: Sequence[GridRow],
    path: str | Path,
    *,
    column_titles: Sequence[str],
    title: str = "",
    max_streamlines: int = 150,
    seed: int = 0,
    force: bool = False,
) -> Path:
    """Plot streamlines in a grid, a row a bundle and a column a value that was asked.

    The cells of a row show the same part of space at the same scale, in the plane of
    the two widest axes of what the row holds; a bar tells its millimetres.

    Parameters
    ----------
    rows : sequence of GridRow
        The rows.
    path : str or Path
        The PNG file.
    column_titles : sequence of str
        What was asked in each column, such as ``"80 mm"``.
    title : str, optional
        Written above the columns, such as ``"asked length"``.
    max_streamlines : int, optional
        Number of streamlines drawn in a cell, chosen at random where it has more; twice
        as many are drawn behind.
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
        there are columns, no streamline in any cell, or points that are not finite.
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
    frames = _frames(drawn)
    colours = bundle_colours(row.bundle for row in drawn)
    sheet = _Sheet(
        [frames[row.bundle] for row in drawn],
        [_wrapped(text, _TITLE_LETTERS) for text in column_titles],
        title,
        max((len(text.splitlines()) for row in drawn for text in row.texts), default=0),
    )
    for index, row in enumerate(drawn):
        sheet.name(index, row.name)
        for column, (cell, text) in enumerate(zip(row.cells, row.texts)):
            sheet.cell(index, column, cell, row.behind, colours[row.bundle], text)
    with replacing(path, force=force) as temporary:
        sheet.figure.savefig(temporary, dpi=DPI)
    return Path(path)


class _DrawnRow:
    """A row with the streamlines of it that are drawn."""

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

        self.name = _wrapped(row.name, _NAME_LETTERS)
        self.bundle = row.bundle or row.name
        self.texts = [_wrapped(text, _SMALL_LETTERS) for text in texts]
        self.cells = [panel(cell, max_streamlines) for cell in row.cells]
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


def _frames(rows: Sequence[_DrawnRow]) -> dict[str, Frame]:
    """Frame what is drawn of each bundle."""
    points: dict[str, list[np.ndarray]] = {}
    for row in rows:
        points.setdefault(row.bundle, []).append(row.points())
    frames = {}
    for bundle, parts in points.items():
        together = np.concatenate(parts)
        (view,) = choose_views(["auto"], together)
        frames[bundle] = frame_points(together, view)
    return frames


class _Sheet:
    """A figure that cells and texts are put on, in inches from its top left."""

    def __init__(
        self,
        frames: Sequence[Frame],
        column_titles: Sequence[str],
        title: str,
        nb_text_lines: int,
    ):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.frames = frames
        heights = [
            _CELL * np.clip(frame.height / frame.width, *_HEIGHTS) for frame in frames
        ]
        nb_lines = max(len(text.splitlines()) for text in column_titles)
        top = _GAP + _LINE * (nb_lines + (1.5 if title else 0)) + _GAP
        below = 0.75 * _LINE * nb_text_lines + 1.5 * _GAP
        ends = top + np.cumsum([height + below for height in heights])
        self.tops = [end - below - height for end, height in zip(ends, heights)]
        self.heights = heights
        self.width = _NAMES + len(column_titles) * (_CELL + _GAP) + _GAP
        self.height = float(ends[-1])
        self.figure = Figure(figsize=(self.width, self.height))
        FigureCanvasAgg(self.figure)
        for column, text in enumerate(column_titles):
            self.write(self._left(column) + _CELL / 2, top - _GAP, text, _TITLE)
        if title:
            middle = (_NAMES + self.width) / 2
            self.write(middle, _GAP + _LINE, title, _TITLE, weight="bold")

    def write(self, x: float, y: float, text: str, size: float, **style) -> None:
        """Write text, centred above a point by default."""
        style = {"ha": "center", "va": "bottom", "parse_math": False, **style}
        self.figure.text(
            x / self.width, 1 - y / self.height, text, fontsize=size, **style
        )

    def name(self, row: int, name: str) -> None:
        """Write the name of a row, the side it is seen from and its scale."""
        from matplotlib.lines import Line2D

        frame, x = self.frames[row], _NAMES / 2
        middle = self.tops[row] + self.heights[row] / 2 - _LINE / 2
        self.write(x, middle, name, _NAME)
        grey = {"color": "0.35", "va": "top"}
        view = f"seen from the {frame.view.name}"
        self.write(x, middle + 0.2 * _LINE, view, _SMALL, **grey)
        length = round_length(_LONGEST_BAR / self._scale(row))
        half, y = length * self._scale(row) / 2, middle + 1.4 * _LINE
        bar = Line2D(
            [(x - half) / self.width, (x + half) / self.width],
            [1 - y / self.height] * 2,
            color="black",
            linewidth=1.5,
            solid_capstyle="butt",
        )
        self.figure.add_artist(bar)
        self.write(x, y + 0.2 * _LINE, f"{length:g} mm", _SMALL, **grey)

    def cell(
        self,
        row: int,
        column: int,
        panel: Panel | None,
        behind: Panel | None,
        colour: tuple[float, float, float],
        text: str,
    ) -> None:
        """Draw a cell, with its text below."""
        height, left, top = self.heights[row], self._left(column), self.tops[row]
        bottom = top + height
        place = left / self.width, 1 - bottom / self.height
        axes = self.figure.add_axes(
            (*place, _CELL / self.width, height / self.height), xticks=[], yticks=[]
        )
        axes.spines[:].set_color(_FRAME)
        frame = self.frames[row]
        centre = frame.view.axes[:2] @ np.asarray(frame.centre)
        half = np.array([_CELL, height]) / self._scale(row) / 2
        (x_low, y_low), (x_high, y_high) = centre - half, centre + half
        axes.set(xlim=(x_low, x_high), ylim=(y_low, y_high), aspect="equal")
        for shown, ink, width in ((behind, _BEHIND, 0.4), (panel, colour, 0.5)):
            if shown:
                axes.add_collection(_lines(shown, frame, ink, width), autolim=False)
        self.write(left + _CELL / 2, bottom + 0.4 * _GAP, text, _SMALL, va="top")

    def _left(self, column: int) -> float:
        return _NAMES + column * (_CELL + _GAP)

    def _scale(self, row: int) -> float:
        """Inches for each mm, so that the frame of a row fits into its cells."""
        frame = self.frames[row]
        return min(_CELL / frame.width, self.heights[row] / frame.height)


def _lines(panel: Panel, frame: Frame, colour, width: float):
    from matplotlib.collections import LineCollection

    plane = frame.view.axes[:2]
    return LineCollection(
        [points @ plane.T for points in panel.streamlines],
        colors=[colour],
        linewidths=width,
        alpha=0.7,
        capstyle="round",
    )
