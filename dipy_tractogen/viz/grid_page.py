"""The page of a grid of pictures: blocks of rows with names, titles and texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .cameras import Frame
from .compose import Page
from .layout import Cell, round_length

DPI = 150
"""Dots per inch of the page."""

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
# A page that would be higher than so many times its width has blocks side by side.
_HIGHEST = 1.7
_MOST_BLOCKS = 6


class GridPage(Page):
    """A figure with rows of cells in one or several blocks side by side.

    A row has a ``name``, a ``frame`` for its cells, ``texts`` below them, and ``keep``:
    whether it stays in the block of the row above. Texts may have several lines.
    """

    def __init__(self, rows: Sequence, column_titles: Sequence[str], title: str):
        self.rows = rows
        self.nb_columns = len(column_titles)
        nb_lines = max(len(text.splitlines()) for text in column_titles)
        self._top = _GAP + _LINE * (nb_lines + (1.5 if title else 0)) + _GAP
        self._block = _NAMES + self.nb_columns * (_CELL + _GAP) + _GAP
        self.heights = [_cell_height(row.frame) for row in rows]
        for nb_blocks in range(1, _MOST_BLOCKS + 1):
            width, height = self._place(nb_blocks)
            if height <= _HIGHEST * width:
                break
        size = np.rint(np.array([width, height]) * DPI) / DPI
        super().__init__(*size.tolist(), dpi=DPI, per_inch=1)
        for block in range(max(self.blocks) + 1):
            for column, text in enumerate(column_titles):
                middle = self._left(block, column) + _CELL / 2
                self.write(middle, self._top - _GAP, text, _TITLE, va="bottom")
        if title:
            style = {"va": "bottom", "weight": "bold"}
            middle = (_NAMES + self.width) / 2
            self.write(middle, _GAP + _LINE, title, _TITLE, **style)
        for index in range(len(rows)):
            self._write_name(index)

    def cells(self) -> list[list[Cell]]:
        """Return a cell for each column of each row, their panels numbered from 0."""
        found = []
        for index, row in enumerate(self.rows):
            width, height = round(_CELL * DPI), round(self.heights[index] * DPI)
            scale = self._scale(index) * DPI
            frame = replace(row.frame, width=width / scale, height=height / scale)
            lefts = [
                round(self._left(self.blocks[index], column) * DPI)
                for column in range(self.nb_columns)
            ]
            top, first = round(self.tops[index] * DPI), index * self.nb_columns
            found.append(
                [
                    Cell(first + column, frame, left, top, width, height)
                    for column, left in enumerate(lefts)
                ]
            )
        return found

    def show(self, row: int, column: int, cell: Cell, image: np.ndarray) -> None:
        """Put the image (height, width, 3) of a cell into its place, with its text."""
        self.image(cell, image)
        left, top = cell.left / DPI, cell.top / DPI
        width, height = cell.width / DPI, cell.height / DPI
        edge = {"edgecolor": _FRAME, "facecolor": "none"}
        self.rectangle(left, top, width, height, **edge)
        below, text = top + height + 0.4 * _GAP, self.rows[row].texts[column]
        self.write(left + width / 2, below, text, _SMALL, va="top")

    def _place(self, nb_blocks: int) -> tuple[float, float]:
        """Fill blocks of about one height from the top; return width and height."""
        needed = [
            height + _height_below(row.texts)
            for height, row in zip(self.heights, self.rows)
        ]
        share = sum(needed) / nb_blocks
        self.blocks, self.tops = [], []
        block, y = 0, self._top
        for row, height in zip(self.rows, needed):
            # A block is full where the middle of the next row would be too low.
            full = y - self._top + height / 2 > share
            if full and not row.keep and block < nb_blocks - 1:
                block, y = block + 1, self._top
            self.blocks.append(block)
            self.tops.append(y)
            y += height
        ends = [top + size for top, size in zip(self.tops, needed)]
        return (max(self.blocks) + 1) * self._block, max(ends)

    def _left(self, block: int, column: int) -> float:
        return block * self._block + _NAMES + column * (_CELL + _GAP)

    def _scale(self, row: int) -> float:
        """Inches for each mm, so that the frame of a row fits into its cells."""
        frame = self.rows[row].frame
        return min(_CELL / frame.width, self.heights[row] / frame.height)

    def _write_name(self, row: int) -> None:
        """Write the name of a row, the side it is seen from and its scale."""
        name, view = self.rows[row].name, self.rows[row].frame.view.name
        x = self._left(self.blocks[row], 0) - _NAMES / 2
        middle = self.tops[row] + self.heights[row] / 2 - _LINE / 2
        self.write(x, middle, name, _NAME, va="bottom")
        grey = {"color": "0.35", "va": "top"}
        self.write(x, middle + 0.2 * _LINE, f"seen from the {view}", _SMALL, **grey)
        length = round_length(_LONGEST_BAR / self._scale(row))
        half, y = length * self._scale(row) / 2, middle + 1.4 * _LINE
        self.bar(x - half, x + half, y, 1.5)
        self.write(x, y + 0.2 * _LINE, f"{length:g} mm", _SMALL, **grey)


def _cell_height(frame: Frame) -> float:
    return float(_CELL * np.clip(frame.height / frame.width, *_HEIGHTS))


def _height_below(texts: Sequence[str]) -> float:
    """Room for the texts below the cells of a row."""
    nb_lines = max(len(text.splitlines()) for text in texts)
    return 0.75 * _LINE * nb_lines + 1.5 * _GAP
