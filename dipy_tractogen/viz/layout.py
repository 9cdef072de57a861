"""Where things go in a picture: panels and views in a grid, one scale for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
import math

from .cameras import Frame

# Width and height that an automatic picture fits into (pixels).
LARGEST_AUTOMATIC = (1600, 2000)
_NARROWEST_AUTOMATIC = 800
SIDE_LIMITS = (200, 10000)
# Longest scale bar, as a share of the width of a column.
LONGEST_SCALE_BAR = 0.2
_SMALLEST_CELL = 40
_SMALLEST_TEXT = 10.0
# Estimated width of a letter, as a share of its height.
_LETTER_WIDTH = 0.62


@dataclass(frozen=True)
class Cell:
    """One rendered scene: its panel, its frame and its rectangle (from the top left).

    Parameters
    ----------
    panel : int
        Index of the panel.
    frame : Frame
        What is shown.
    left, top, width, height : int
        Rectangle in pixels.
    behind : int, optional
        Index of another panel, whose streamlines are behind those of the first.
    """

    panel: int
    frame: Frame
    left: int
    top: int
    width: int
    height: int
    behind: int | None = None


@dataclass(frozen=True)
class Legend:
    """Where the legend begins, the width of an entry (pixels) and the rows."""

    left: float
    entry: float
    rows: int


@dataclass(frozen=True)
class Layout:
    """Sizes and places in pixels.

    Parameters
    ----------
    width, height : int
        Size of the picture.
    text : float
        Height of the text.
    pixels_per_mm : float
        Scale of all cells.
    cells : tuple of Cell
        The scenes to render.
    title_height, footer_height : int
        Heights of the strips above and below the cells.
    legend : Legend
        Place of the legend.
    """

    width: int
    height: int
    text: float
    pixels_per_mm: float
    cells: tuple[Cell, ...]
    title_height: int
    footer_height: int
    legend: Legend


def check_size(size: Sequence[int] | None) -> None:
    """Refuse a size that no picture can have.

    Parameters
    ----------
    size : sequence of int, optional
        Width and height in pixels; None or empty for an automatic size.

    Raises
    ------
    ValueError
        If it is not two whole numbers within ``SIDE_LIMITS``.
    """
    low, high = SIDE_LIMITS
    if size and (len(size) != 2 or not all(low <= side <= high for side in size)):
        raise ValueError(
            f"size={tuple(size)}: give a width and a height from {low} "
            f"to {high} pixels."
        )


def arrange(
    frames: Sequence[Frame],
    nb_panels: int,
    *,
    size: tuple[int, int] | None = None,
    legend: Sequence[str] = (),
) -> Layout:
    """Arrange panels seen in several frames, all at one scale.

    Several panels are columns, and the frames rows; the frames of one panel stand side
    by side.

    Parameters
    ----------
    frames : sequence of Frame
        What each view shows.
    nb_panels : int
        Number of panels.
    size : tuple of int, optional
        Width and height of the picture in pixels; by default as large as the content
        needs, within 1600 by 2000.
    legend : sequence of str, optional
        Texts of the legend, below the panels.

    Returns
    -------
    Layout
        Where everything goes.

    Raises
    ------
    ValueError
        If the size is out of range or too small for the panels.
    """
    check_size(size)
    if nb_panels == 1:
        grid = [[(0, frame) for frame in frames]]
    else:
        grid = [[(panel, frame) for panel in range(nb_panels)] for frame in frames]
    widths = [max(frame.width for _, frame in column) for column in zip(*grid)]
    heights = [max(frame.height for _, frame in row) for row in grid]
    width, height = size or LARGEST_AUTOMATIC
    text = max(_SMALLEST_TEXT, min(width, 1.6 * height) / 85)
    gutter = round(1.8 * text)
    title_height = round(3.4 * text)
    place, footer_height = _legend(legend, width, len(widths), text)
    strips = title_height + footer_height + 2 * gutter * len(heights)
    scale = min(
        (width - 2 * gutter * len(widths)) / sum(widths),
        (height - strips) / sum(heights),
    )
    if scale * min(max(widths), max(heights)) < _SMALLEST_CELL and size is not None:
        raise ValueError(
            f"size=({width}, {height}): too small for {nb_panels} panels in "
            f"{len(frames)} views with this legend; give a larger one."
        )
    if size is None:
        width = math.ceil(scale * sum(widths)) + 2 * gutter * len(widths)
        width = max(width, _NARROWEST_AUTOMATIC)
        place, footer_height = _legend(legend, width, len(widths), text)
        strips = title_height + footer_height + 2 * gutter * len(heights)
        # A narrower picture may need a higher legend.
        scale = min(scale, (height - strips) / sum(heights))
        height = round(scale * sum(heights)) + strips
    return Layout(
        width=width,
        height=height,
        text=text,
        pixels_per_mm=scale,
        cells=_cells(
            grid,
            scale,
            columns=_spread([scale * mm for mm in widths], 0, width),
            rows=_spread(
                [scale * mm for mm in heights], title_height, height - footer_height
            ),
        ),
        title_height=title_height,
        footer_height=footer_height,
        legend=place,
    )


def _spread(sizes: list[float], start: float, end: float) -> list[float]:
    """Middles of things that stand between two ends with equal space around each."""
    space = (end - start - sum(sizes)) / len(sizes)
    middles = []
    for size in sizes:
        middles.append(start + (space + size) / 2)
        start += space + size
    return middles


def _cells(
    grid: list[list[tuple[int, Frame]]],
    scale: float,
    *,
    columns: list[float],
    rows: list[float],
) -> tuple[Cell, ...]:
    cells = []
    for row, middle_y in zip(grid, rows):
        for (panel, frame), middle_x in zip(row, columns):
            width = max(1, int(frame.width * scale))
            height = max(1, int(frame.height * scale))
            # The frame is that of whole pixels, so that the scale is exact.
            shown = replace(frame, width=width / scale, height=height / scale)
            left, top = round(middle_x - width / 2), round(middle_y - height / 2)
            cells.append(Cell(panel, shown, left, top, width, height))
    return tuple(cells)


def _legend(
    texts: Sequence[str], width: float, nb_columns: int, text: float
) -> tuple[Legend, int]:
    """Place the legend to the right of the scale bar; also the footer's height."""
    left = 4 * text + LONGEST_SCALE_BAR * width / nb_columns
    entry = (max(map(len, texts), default=0) * _LETTER_WIDTH + 3.2) * text
    columns = max(1, min(len(texts), int((width - text - left) // entry)))
    rows = math.ceil(len(texts) / columns)
    columns = math.ceil(len(texts) / rows) if texts else 1
    centred = (width - columns * entry) / 2
    right = width - text - columns * entry
    left = max(min(centred, right), left)
    footer = max(3.6 * text, (1.5 * rows + 1.2) * text)
    return Legend(left, entry, max(rows, 1)), round(footer)


def round_length(longest: float) -> float:
    """Find the longest length of 1, 2 or 5 times a power of ten within a limit.

    Parameters
    ----------
    longest : float
        The limit, above zero.

    Returns
    -------
    float
        The round length.
    """
    power = 10.0 ** math.floor(math.log10(longest))
    return power * max(
        step for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9)
    )
