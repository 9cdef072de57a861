"""Rendered cells put together with titles, letters, legend and scale bars."""

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
    """Meaning of the colours: names in a legend, or the limits of a colour bar."""

    colours: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    value_name: str = ""
    limits: tuple[float, float] | None = None


class Page:
    """A figure without axes that is drawn on from the top left.

    Lengths are in pixels, or in other units of which an inch has `per_inch`.
    """

    def __init__(self, width, height, *, dpi, per_inch, background=(1.0, 1.0, 1.0)):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        size = width / per_inch, height / per_inch
        self.figure = Figure(figsize=size, dpi=dpi, facecolor=background)
        FigureCanvasAgg(self.figure)
        self._nb_pixels = round(size[1] * dpi)
        self.ink = (0.0, 0.0, 0.0) if sum(background) > 1.5 else (1.0, 1.0, 1.0)

    def write(self, left: float, top: float, text: str, size: float, **style) -> None:
        """Write text of a size in points, centred on a point by default."""
        style = {"ha": "center", "va": "center", "color": self.ink, **style}
        where = left / self.width, 1 - top / self.height
        self.figure.text(*where, text, fontsize=size, **style)

    def image(self, cell: Cell, image: np.ndarray) -> None:
        """Put the image (height, width, 3) of a cell, uint8, into its place."""
        bottom = self._nb_pixels - cell.top - cell.height
        self.figure.figimage(image, cell.left, bottom, origin="upper")

    def bar(self, left: float, right: float, top: float, thickness: float) -> None:
        """Draw a horizontal bar, `thickness` in points."""
        from matplotlib.lines import Line2D

        places = (left / self.width, right / self.width), 2 * [1 - top / self.height]
        style = {"color": self.ink, "linewidth": thickness, "solid_capstyle": "butt"}
        self.figure.add_artist(Line2D(*places, **style))

    def rectangle(self, left, top, width, height, **style) -> None:
        """Draw a rectangle."""
        from matplotlib.patches import Rectangle

        corner = left / self.width, 1 - (top + height) / self.height
        size = width / self.width, height / self.height
        self.figure.add_artist(Rectangle(corner, *size, **style))


def compose(
    layout: Layout,
    images: Sequence[np.ndarray],
    panels: Sequence[Panel],
    key: Key,
    background: tuple[float, float, float],
):
    """Return a figure of the images of the cells, to be saved with its own ``dpi``."""
    page = Page(
        layout.width, layout.height, dpi=_DPI, per_inch=_DPI, background=background
    )
    font = layout.text * _POINTS_PER_PIXEL
    for cell, image in zip(layout.cells, images):
        page.image(cell, image)
        _write_letters(page, cell, layout.text, font)
    for index, panel in enumerate(panels):
        cells = [cell for cell in layout.cells if cell.panel == index]
        _write_title(page, cells, panel, layout.text, font)
    _draw_scale_bar(page, layout, font)
    if key.limits is not None:
        _draw_colour_bar(page, layout, key, font)
    elif key.colours:
        _draw_legend(page, layout, key, font)
    return page.figure


def _write_title(
    page: Page, cells: Sequence[Cell], panel: Panel, text: float, font: float
) -> None:
    left = min(cell.left for cell in cells)
    right = max(cell.left + cell.width for cell in cells)
    longest = max(int((right - left) / (0.8 * text)), 8)
    title = printable(panel.title)
    if len(title) > longest:
        title = title[: longest - 1] + "…"
    middle = (left + right) / 2
    page.write(middle, 1.4 * text, title, 1.3 * font, weight="bold")
    drawn, total = len(panel.streamlines), panel.nb_streamlines
    part = f"{drawn:,} of {total:,}" if drawn < total else f"{total:,}"
    number = f"{part} streamline{'s' if total != 1 else ''}"
    page.write(middle, 2.9 * text, number, 0.9 * font)


def _write_letters(page: Page, cell: Cell, text: float, font: float) -> None:
    """Write the letters of the body sides around a cell."""
    gap = 0.6 * text
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
        page.write(*places[side], letter, font, **style)


def _draw_scale_bar(page: Page, layout: Layout, font: float) -> None:
    narrowest = min(cell.width for cell in layout.cells)
    length = round_length(LONGEST_SCALE_BAR * narrowest / layout.pixels_per_mm)
    left = 1.7 * layout.text
    right = left + length * layout.pixels_per_mm
    top = layout.height - layout.footer_height + 1.2 * layout.text
    page.bar(left, right, top, 0.18 * font)
    page.write((left + right) / 2, top + layout.text, f"{length:g} mm", 0.9 * font)


def _draw_legend(page: Page, layout: Layout, key: Key, font: float) -> None:
    text = layout.text
    top = layout.height - layout.footer_height + 0.9 * text
    for index, (name, colour) in enumerate(key.colours.items()):
        column, row = divmod(index, layout.legend.rows)
        left = layout.legend.left + column * layout.legend.entry
        above = top + 1.5 * row * text
        page.rectangle(left, above, 1.2 * text, text, color=colour, linewidth=0)
        style = {"ha": "left", "va": "center_baseline"}
        middle = above + 0.5 * text
        page.write(left + 1.7 * text, middle, short_label(name), font, **style)


def _draw_colour_bar(page: Page, layout: Layout, key: Key, font: float) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    bottom = 2.6 * layout.text / layout.height
    thickness = 0.8 * layout.text / layout.height
    axes = page.figure.add_axes((0.35, bottom, 0.3, thickness))
    scale = ScalarMappable(Normalize(*key.limits), COLOUR_MAP)
    extend = "both" if key.limits[0] < 0 else "max"
    style = {"orientation": "horizontal", "extend": extend}
    bar = page.figure.colorbar(scale, cax=axes, **style)
    name = short_label(key.value_name)
    bar.set_label(name, fontsize=font, color=page.ink, labelpad=1)
    bar.outline.set_edgecolor(page.ink)
    axes.tick_params(colors=page.ink, labelsize=0.85 * font, pad=1, length=2)
