"""A sheet with names, titles and texts around cells, for a grid of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .cameras import Frame
from .layout import Cell, round_length

DPI = 150
"""Dots per inch of a sheet."""

_FRAME = "0.88"
# Sizes in inches: width of a cell, its height as a share of that, room for names.
_CELL = 2.0
_HEIGHTS = (0.45, 1.3)
_NAMES = 1.5
_GAP = 0.1
_LINE = 0.17
_LONGEST_BAR = 0.9
# Sizes of text in points.
_TITLE, _NAME, _SMALL = 10.0, 10.0, 7.5
# A sheet that would be higher than so many times its width has blocks side by side.
_HIGHEST = 1.7
_MOST_BLOCKS = 6


@dataclass(frozen=True)
class SheetRow:
    """What stands in a row beside its pictures.

    Parameters
    ----------
    name : str
        Written to the left, in lines.
    frame : Frame
        What the cells show.
    texts : sequence of str
        Written below each cell, in lines.
    keep : bool
        Whether the row stays in the block of the one above.
    """

    name: str
    frame: Frame
    texts: Sequence[str]
    keep: bool


class Sheet:
    """A figure with rows of cells in one or several blocks.

    Parameters
    ----------
    rows : sequence of SheetRow
        The rows, one or more.
    column_titles : sequence of str
        Written above each column of every block, in lines.
    title : str
        Written above all.
    """

    def __init__(
        self, rows: Sequence[SheetRow], column_titles: Sequence[str], title: str
    ):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.rows = rows
        self.nb_columns = len(column_titles)
        self._block = _NAMES + self.nb_columns * (_CELL + _GAP) + _GAP
        nb_lines = max(len(text.splitlines()) for text in column_titles)
        self._top = _GAP + _LINE * (nb_lines + (1.5 if title else 0)) + _GAP
        self.heights = [_cell_height(row.frame) for row in rows]
        self._place(self._nb_blocks())
        size = np.rint(np.array([self.width, self.height]) * DPI) / DPI
        self.width, self.height = size.tolist()
        self.figure = Figure(figsize=(self.width, self.height), dpi=DPI)
        FigureCanvasAgg(self.figure)
        for block in range(max(self.blocks) + 1):
            for column, text in enumerate(column_titles):
                middle = self._left(block, column) + _CELL / 2
                self._write(middle, self._top - _GAP, text, _TITLE)
        if title:
            middle = (_NAMES + self.width) / 2
            self._write(middle, _GAP + _LINE, title, _TITLE, weight="bold")
        for index in range(len(rows)):
            self._name(index)

    def cells(self) -> list[list[Cell]]:
        """Return the rectangles of the cells and what they show.

        Returns
        -------
        list of list of Cell
            For each row a cell a column, their panels numbered from zero.
        """
        found = []
        for index, row in enumerate(self.rows):
            width, height = round(_CELL * DPI), round(self.heights[index] * DPI)
            scale = self._scale(index) * DPI
            frame = replace(row.frame, width=width / scale, height=height / scale)
            found.append(
                [
                    Cell(
                        index * self.nb_columns + column,
                        frame,
                        round(self._left(self.blocks[index], column) * DPI),
                        round(self.tops[index] * DPI),
                        width,
                        height,
                    )
                    for column in range(self.nb_columns)
                ]
            )
        return found

    def show(self, row: int, column: int, cell: Cell, image: np.ndarray) -> None:
        """Put a picture into its cell, with its text below.

        Parameters
        ----------
        row, column : int
            Where it is.
        cell : Cell
            Its rectangle, from `cells`.
        image : ndarray of shape (height, width, 3), uint8
            The picture.
        """
        from matplotlib.patches import Rectangle

        bottom = round(self.height * DPI) - cell.top - cell.height
        self.figure.figimage(image, cell.left, bottom, origin="upper")
        left, top = cell.left / DPI, cell.top / DPI
        width, height = cell.width / DPI, cell.height / DPI
        edge = Rectangle(
            (left / self.width, 1 - (top + height) / self.height),
            width / self.width,
            height / self.height,
            edgecolor=_FRAME,
            facecolor="none",
        )
        self.figure.add_artist(edge)
        text = self.rows[row].texts[column]
        below = top + height + 0.4 * _GAP
        self._write(left + width / 2, below, text, _SMALL, va="top")

    def _below(self, index: int) -> float:
        """Room below the cells of a row."""
        nb_lines = max(len(text.splitlines()) for text in self.rows[index].texts)
        return 0.75 * _LINE * nb_lines + 1.5 * _GAP

    def _nb_blocks(self) -> int:
        """Find how many blocks make a sheet that is not too high."""
        for number in range(1, _MOST_BLOCKS):
            self._place(number)
            if self.height <= _HIGHEST * self.width:
                return number
        return _MOST_BLOCKS

    def _place(self, nb_blocks: int) -> None:
        """Fill blocks of about the same height with rows, from the top."""
        needed = [
            height + self._below(index) for index, height in enumerate(self.heights)
        ]
        share = sum(needed) / nb_blocks
        self.blocks, self.tops = [], []
        block, y = 0, self._top
        for index, row in enumerate(self.rows):
            # A block is full where the middle of the next row would be too low.
            full = y - self._top + needed[index] / 2 > share
            if full and not row.keep and block < nb_blocks - 1:
                block, y = block + 1, self._top
            self.blocks.append(block)
            self.tops.append(y)
            y += needed[index]
        ends = [top + size for top, size in zip(self.tops, needed)]
        self.height = max(ends)
        self.width = (max(self.blocks) + 1) * self._block

    def _left(self, block: int, column: int) -> float:
        return block * self._block + _NAMES + column * (_CELL + _GAP)

    def _scale(self, row: int) -> float:
        """Inches for each mm, so that the frame of a row fits into its cells."""
        frame = self.rows[row].frame
        return min(_CELL / frame.width, self.heights[row] / frame.height)

    def _write(self, x: float, y: float, text: str, size: float, **style) -> None:
        """Write text, centred above a point by default."""
        style = {"ha": "center", "va": "bottom", **style}
        self.figure.text(
            x / self.width, 1 - y / self.height, text, fontsize=size, **style
        )

    def _name(self, row: int) -> None:
        """Write the name of a row, the side it is seen from and its scale."""
        from matplotlib.lines import Line2D

        frame = self.rows[row].frame
        x = self._left(self.blocks[row], 0) - _NAMES / 2
        middle = self.tops[row] + self.heights[row] / 2 - _LINE / 2
        self._write(x, middle, self.rows[row].name, _NAME)
        grey = {"color": "0.35", "va": "top"}
        view = f"seen from the {frame.view.name}"
        self._write(x, middle + 0.2 * _LINE, view, _SMALL, **grey)
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
        self._write(x, y + 0.2 * _LINE, f"{length:g} mm", _SMALL, **grey)


def _cell_height(frame: Frame) -> float:
    return float(_CELL * np.clip(frame.height / frame.width, *_HEIGHTS))
