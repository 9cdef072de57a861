"""Rows of a grid: a cell for each bundle, or for each of several values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
import logging

import numpy as np

from dipy_tractogen.streamlines.array_sequence import take
from dipy_tractogen.utils.messages import format_count, listed

from .grid import GridRow
from .panels import Panel

logger = logging.getLogger("dipy_tractogen")

# A cell shows at least so many streamlines, if it has them, even if another has fewer.
_FEWEST = 20
_DEFAULT_PERCENTILES = (10, 50, 90)


def rows_by_bundle(
    panels: Sequence[Panel], names: Iterable[str] | None = None
) -> list[GridRow]:
    """Make a row of each bundle, with a column for each panel.

    These are all by name, or those of `names`. As many streamlines are drawn in each
    cell of a row, so that they can be compared.
    """
    rows = []
    for name in _bundles_of(panels) if names is None else names:
        cells = [_of_bundle(panel, name)[0] for panel in panels]
        fewest = min(len(cell) for cell in cells if len(cell))
        texts = [_number(cell) for cell in cells]
        rows.append(GridRow(name, cells, texts, most=max(fewest, _FEWEST)))
    return rows


def rows_by_value(
    panels: Sequence[Panel], values: Sequence[float], unit: str = ""
) -> list[GridRow]:
    """Make a row of each bundle and panel, with a column for each of several values.

    A column has the streamlines whose number is nearer to its value than to the others,
    and not farther from it than half way to the neighbouring ones; behind them are all
    of the bundle. Raises ValueError if there are fewer than two values, they do not
    ascend, or no streamline is near any of them.
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2 or not (np.diff(values) > 0).all():
        raise ValueError(f"values={_in_words(values)}: give two or more, ascending.")
    middles = (values[1:] + values[:-1]) / 2
    first, last = 2 * values[0] - middles[0], 2 * values[-1] - middles[-1]
    edges = np.concatenate([[first], middles, [np.nextafter(last, np.inf)]])
    rows, left_out = [], []
    for name in _bundles_of(panels):
        for panel in panels:
            row = _row_of_values(panel, name, edges, unit, alone=len(panels) == 1)
            if row is not None:
                rows.append(row)
            else:
                left_out.append(f"{name} of {panel.title}")
    if not rows:
        known = np.concatenate([panel.values for panel in panels])
        raise ValueError(
            f"values={_in_words(values)}: no streamline is near any of them; they go "
            f"from {known.min():g} to {known.max():g}."
        )
    if left_out:
        logger.warning("No streamline is near the values in %s", listed(left_out))
    return rows


def _in_words(values: np.ndarray) -> str:
    return f"({listed(f'{value:g}' for value in values)})"


def percentile_values(panel: Panel) -> list[float]:
    """Return the 10th, 50th and 90th percentile of the numbers, with two digits."""
    found = np.percentile(panel.values, _DEFAULT_PERCENTILES)
    return sorted({float(f"{value:.2g}") for value in found})


def _bundles_of(panels: Sequence[Panel]) -> list[str]:
    return sorted({name for panel in panels for name in panel.shown_names})


def _of_bundle(panel: Panel, name: str) -> tuple:
    """Return the streamlines of a bundle, and their numbers if they have some."""
    if name not in panel.bundle_names:
        return take(panel.streamlines, np.zeros(0, dtype=int)), np.zeros(0)
    rows = np.flatnonzero(panel.labels == panel.bundle_names.index(name))
    values = None if panel.values is None else panel.values[rows]
    return take(panel.streamlines, rows), values


def _row_of_values(
    panel: Panel, name: str, edges: np.ndarray, unit: str, *, alone: bool
) -> GridRow | None:
    """Make the row of a bundle; None where no column has a streamline."""
    streamlines, values = _of_bundle(panel, name)
    column = np.searchsorted(edges, values, side="right") - 1
    cells, texts = [], []
    for index in range(len(edges) - 1):
        rows = np.flatnonzero(column == index)
        cells.append(take(streamlines, rows))
        text = _number(cells[-1])
        if len(rows):
            text += f", mean {values[rows].mean():.4g} {unit}".rstrip()
        texts.append(text)
    if not any(len(cell) for cell in cells):
        return None
    title = name if alone else f"{name} {panel.title}"
    return GridRow(title, cells, texts, behind=streamlines, bundle=name)


def _number(streamlines) -> str:
    return format_count(len(streamlines), "streamline") if len(streamlines) else "none"
