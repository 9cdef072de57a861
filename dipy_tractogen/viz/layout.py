"""Layout of panels and views in a picture, in rows and columns at one scale."""

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
    """A rendered scene: panel, frame, and rectangle in pixels from the top left.

    The streamlines of panel ``behind`` are behind those of the first.
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
    """Left side of the legend, width of an entry (pixels) and number of rows."""

    left: float
    entry: float
    rows: int


@dataclass(frozen=True)
class Layout:
    """Sizes and places of the parts of a picture, in pixels."""

    width: int
    height: int
    text: float
    pixels_per_mm: float
    cells: tuple[Cell, ...]
    title_height: int
    footer_height: int
    legend: Legend


def check_size(size: Sequence[int] | None) -> None:
    """Raise ValueError if a size is given that is not two numbers in `SIDE_LIMITS`."""
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
    by side. Without a size the picture is as large as the content needs, within 1600 by
    2000. `legend` holds the texts of the legend, below the panels. Raises ValueError if
    the size is out of range or too small for the panels.
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
    """Middles of things between two ends with equal space around each."""
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
    """Place the legend to the right of the scale bar; also the height of the footer."""
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
    """Return the largest of 1, 2 or 5 times a power of ten within a limit above 0."""
    power = 10.0 ** math.floor(math.log10(longest))
    return power * max(
        step for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9)
    )
