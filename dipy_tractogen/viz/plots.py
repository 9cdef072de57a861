"""Plots without a screen, and the curves of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import math
from pathlib import Path

import numpy as np

from dipy_tractogen.utils.files import atomic_write
from dipy_tractogen.utils.messages import listed

from .colours import PALETTE
from .style import default_style, short_label, write_figure

_HELD_OUT = "val_"
_AXIS = ("step", "epoch")
_NOT_DRAWN = ("seconds",)
_FIRST = ("loss", "reconstruction_mm", "kl")
_TITLES = {
    "loss": "Loss (nats)",
    "reconstruction_mm": "Mean point error (mm)",
    "kl": "KL divergence (nats)",
    "learning_rate": "Learning rate",
}
_DPI = 120
# A curve that falls by more than this has a logarithmic axis.
_LARGE_RATIO = 30.0


@default_style()
def plot_history(
    history: Mapping[str, Sequence[float]] | Sequence[Mapping[str, float]],
    path: str | Path,
    *,
    force: bool = False,
) -> Path:
    """Plot every quantity of a training into a PNG, held-out beside training.

    `history` is ``History.history`` of Keras, or rows as in the record of a model.
    Names that begin with ``val_`` are of held-out streamlines; ``step`` or ``epoch`` is
    the horizontal axis. Raises ValueError if it is empty or its columns differ in
    length.
    """
    columns = _columns(history)
    axis = next((name for name in _AXIS if name in columns), None)
    nb_rows = len(next(iter(columns.values())))
    x = columns.pop(axis) if axis else np.arange(1, nb_rows + 1)
    names = list(
        dict.fromkeys(
            name.removeprefix(_HELD_OUT) for name in columns if name not in _NOT_DRAWN
        )
    )
    # The main curves come first, the others in the order of the history.
    names.sort(key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    figure = make_figure(len(names))
    for axes, name in zip(figure.axes, names):
        _draw_curves(axes, name, x, columns)
        axes.set_xlabel(axis or "epoch")
    return save_figure(figure, path, force=force)


def _columns(history) -> dict[str, np.ndarray]:
    if not isinstance(history, Mapping):
        rows = list(history)
        names = dict.fromkeys(name for row in rows for name in row)
        history = {name: [row.get(name, math.nan) for row in rows] for name in names}
    columns = {name: np.asarray(given, float) for name, given in history.items()}
    if not any(name not in (*_AXIS, *_NOT_DRAWN) for name in columns):
        raise ValueError("the history holds no curve: give that of a training.")
    if len({len(column) for column in columns.values()}) > 1:
        counts = listed(f"{name} {len(column)}" for name, column in columns.items())
        raise ValueError(f"the columns of the history differ in length: {counts}.")
    return columns


def make_figure(
    nb_plots: int, *, nb_columns: int = 2, size: tuple[float, float] = (5.5, 3.6)
):
    """Make a figure with plots in columns, each of a size in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    nb_columns = min(nb_plots, nb_columns)
    nb_rows = math.ceil(nb_plots / nb_columns)
    width, height = size
    figure = Figure(
        figsize=(width * nb_columns, height * nb_rows),
        dpi=_DPI,
        layout="constrained",
    )
    FigureCanvasAgg(figure)
    for index in range(nb_plots):
        figure.add_subplot(nb_rows, nb_columns, index + 1)
    return figure


def save_figure(figure, path: str | Path, *, force: bool = False) -> Path:
    """Write a figure into a file, which has its name when it is complete."""
    with atomic_write(path, force=force) as temporary:
        write_figure(figure, temporary, path)
    return Path(path)


def _draw_curves(
    axes, name: str, x: np.ndarray, columns: dict[str, np.ndarray]
) -> None:
    from matplotlib.ticker import LogFormatter

    drawn = []
    for key, label, colour, style in (
        (name, "training", PALETTE[0], "-"),
        (_HELD_OUT + name, "held-out", PALETTE[1], "--"),
    ):
        if key in columns:
            marker = "o" if len(x) == 1 else ""
            axes.plot(x, columns[key], style, color=colour, label=label, marker=marker)
            drawn.append(columns[key])
    values = np.concatenate(drawn)
    values = values[np.isfinite(values)]
    if values.size and values.min() > 0 and values.max() > _LARGE_RATIO * values.min():
        axes.set_yscale("log")
        # The default tick labels of a logarithmic axis are formulas.
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.4)))
    axes.set_title(_TITLES.get(name, short_label(name.replace("_", " "))))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(drawn) > 1:
        axes.legend(frameon=False)
