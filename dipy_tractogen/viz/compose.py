"""Rendered panels put together with titles, letters, legend and scale bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dipy_tractogen.utils.messages import printable

from .colours import COLOUR_MAP
from .layout import LONGEST_SCALE_BAR, Cell, Layout, round_length
from .panels import Panel
from .style import short_label

_DPI = 100
_POINTS_PER_PIXEL = 72 / _DPI


@dataclass(frozen=True)
class Key:
    """What the colours mean.

    Parameters
    ----------
    colours : mapping of str to tuple of float, optional
        Texts of the legend and their colours.
    value_name : str, optional
        What a colour bar shows.
    limits : tuple of float, optional
        Values at the ends of the colour bar; None where there is no colour bar.
    """

    colours: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    value_name: str = ""
    limits: tuple[float, float] | None = None


def compose(
    layout: Layout,
    images: Sequence[np.ndarray],
    panels: Sequence[Panel],
    key: Key,
    background: tuple[float, float, float],
):
    """Put rendered panels together.

    Parameters
    ----------
    layout : Layout
        Where everything goes.
    images : sequence of ndarray of shape (height, width, 3), uint8
        The rendered cells.
    panels : sequence of Panel
        The panels, for their titles.
    key : Key
        What the colours mean.
    background : tuple of float
        Colour behind everything.

    Returns
    -------
    matplotlib.figure.Figure
        The picture, with the Agg canvas; save it with its own ``dpi``.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(layout.width / _DPI, layout.height / _DPI),
        dpi=_DPI,
        facecolor=background,
    )
    FigureCanvasAgg(figure)
    ink = (0.0, 0.0, 0.0) if sum(background) > 1.5 else (1.0, 1.0, 1.0)
    sheet = _Sheet(figure, layout, ink)
    for cell, image in zip(layout.cells, images):
        bottom = layout.height - cell.top - cell.height
        figure.figimage(image, cell.left, bottom, origin="upper")
        sheet.letters(cell)
    for index, panel in enumerate(panels):
        sheet.title([cell for cell in layout.cells if cell.panel == index], panel)
    sheet.scale_bar()
    if key.limits is not None:
        sheet.colour_bar(key)
    elif key.colours:
        sheet.legend(key)
    return figure


class _Sheet:
    """A figure that is written on in pixels from the top left."""

    def __init__(self, figure, layout: Layout, ink: tuple[float, float, float]):
        self.figure = figure
        self.layout = layout
        self.ink = ink
        self.font = layout.text * _POINTS_PER_PIXEL

    def write(self, left: float, top: float, text: str, **style) -> None:
        style = {
            "fontsize": self.font,
            "color": self.ink,
            "ha": "center",
            "va": "center",
            **style,
        }
        where = left / self.layout.width, 1 - top / self.layout.height
        self.figure.text(*where, text, **style)

    def title(self, cells: Sequence[Cell], panel: Panel) -> None:
        text = self.layout.text
        left = min(cell.left for cell in cells)
        right = max(cell.left + cell.width for cell in cells)
        drawn, total = len(panel.streamlines), panel.nb_streamlines
        part = f"{drawn:,} of {total:,}" if drawn < total else f"{total:,}"
        longest = max(int((right - left) / (0.8 * text)), 8)
        title = printable(panel.title)
        if len(title) > longest:
            title = title[: longest - 1] + "…"
        middle = (left + right) / 2
        self.write(middle, 1.4 * text, title, fontsize=1.3 * self.font, weight="bold")
        number = f"{part} streamline{'s' if total != 1 else ''}"
        self.write(middle, 2.9 * text, number, fontsize=0.9 * self.font)

    def letters(self, cell: Cell) -> None:
        gap = 0.6 * self.layout.text
        across, down = cell.left + cell.width / 2, cell.top + cell.height / 2
        places = {
            "left": (cell.left - gap, down),
            "right": (cell.left + cell.width + gap, down),
            "top": (across, cell.top - gap),
            "bottom": (across, cell.top + cell.height + gap),
        }
        # In this font a capital I does not look like a bar.
        style = {"alpha": 0.7, "family": "DejaVu Sans Mono"}
        for side, letter in cell.frame.view.letters.items():
            self.write(*places[side], letter, **style)

    def scale_bar(self) -> None:
        from matplotlib.lines import Line2D

        layout = self.layout
        narrowest = min(cell.width for cell in layout.cells)
        length = round_length(LONGEST_SCALE_BAR * narrowest / layout.pixels_per_mm)
        left = 1.7 * layout.text
        right = left + length * layout.pixels_per_mm
        top = layout.height - layout.footer_height + 1.2 * layout.text
        height = 1 - top / layout.height
        bar = Line2D(
            (left / layout.width, right / layout.width),
            (height, height),
            color=self.ink,
            linewidth=0.18 * self.font,
            solid_capstyle="butt",
        )
        self.figure.add_artist(bar)
        label = f"{length:g} mm"
        self.write(
            (left + right) / 2, top + layout.text, label, fontsize=0.9 * self.font
        )

    def legend(self, key: Key) -> None:
        from matplotlib.patches import Rectangle

        layout, text = self.layout, self.layout.text
        top = layout.height - layout.footer_height + 0.9 * text
        for index, (name, colour) in enumerate(key.colours.items()):
            column, row = divmod(index, layout.legend.rows)
            left = layout.legend.left + column * layout.legend.entry
            middle = top + (1.5 * row + 0.5) * text
            corner = left / layout.width, 1 - (middle + 0.5 * text) / layout.height
            size = 1.2 * text / layout.width, text / layout.height
            self.figure.add_artist(Rectangle(corner, *size, color=colour, linewidth=0))
            self.write(
                left + 1.7 * text,
                middle,
                short_label(name),
                ha="left",
                va="center_baseline",
            )

    def colour_bar(self, key: Key) -> None:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        layout = self.layout
        bottom = 2.6 * layout.text / layout.height
        thickness = 0.8 * layout.text / layout.height
        axes = self.figure.add_axes((0.35, bottom, 0.3, thickness))
        scale = ScalarMappable(Normalize(*key.limits), COLOUR_MAP)
        extend = "both" if key.limits[0] < 0 else "max"
        bar = self.figure.colorbar(
            scale, cax=axes, orientation="horizontal", extend=extend
        )
        bar.set_label(
            short_label(key.value_name), fontsize=self.font, color=self.ink, labelpad=1
        )
        bar.outline.set_edgecolor(self.ink)
        axes.tick_params(colors=self.ink, labelsize=0.85 * self.font, pad=1, length=2)
