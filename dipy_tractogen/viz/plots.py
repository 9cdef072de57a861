"""Plots of a training, and of a search for beta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import math
from pathlib import Path

import numpy as np

from dipy_tractogen.utils.messages import listed

from .palette import PALETTE
from .style import default_style, make_figure, save_figure, short_label

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
_ERROR = "held-out point error (mm)"
_KL = "KL divergence (nats)"
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
    if len(drawn) > 1:
        axes.legend(frameon=False)


@default_style()
def plot_tradeoff(
    rows: Sequence[dict], path: str | Path, *, force: bool = False
) -> Path:
    """Plot the trials of a search (`BetaStudy.rows`) into a PNG.

    Error and KL divergence over beta, active dimensions over beta, and the trials by
    error and KL divergence, and by error and quality. Those of the Pareto front are
    filled, and the recommended one is marked. Failed trials are left out; ValueError if
    none is left.
    """
    rows = [row for row in rows if row["state"] == "complete"]
    if not rows:
        raise ValueError("no trial of the search was completed: nothing to draw.")
    names = ("beta", "point_error_mm", "kl_nats", "active_units", "quality")
    columns = {name: np.array([row[name] for row in rows], float) for name in names}
    figure = make_figure(4)
    over_beta, active, by_divergence, by_quality = figure.axes
    for axes in (over_beta, active):
        _scale_by_beta(axes, columns["beta"])
    _draw_over_beta(over_beta, columns)
    active.plot(columns["beta"], columns["active_units"], "o-", color=PALETTE[2])
    active.set_ylabel("active latent dimensions")
    active.set_ylim(bottom=0)
    active.set_title("latent dimensions in use")
    _draw_trials(by_divergence, rows, "kl_nats", _KL)
    _draw_trials(by_quality, rows, "quality", "quality of generated (real: 1)")
    for axes in figure.axes:
        axes.spines["top"].set_visible(False)
        axes.spines["right"].set_visible(True)
    return save_figure(figure, path, force=force)


def _draw_over_beta(axes, columns: dict[str, np.ndarray]) -> None:
    """Draw error and divergence, each with an axis of its own."""
    other = axes.twinx()
    for each, name, colour, style, label in (
        (axes, "point_error_mm", PALETTE[0], "o-", _ERROR),
        (other, "kl_nats", PALETTE[1], "s--", _KL),
    ):
        each.plot(columns["beta"], columns[name], style, color=colour)
        each.set_ylabel(label, color=colour)
    axes.set_title("reconstruction and divergence")


def _scale_by_beta(axes, beta: np.ndarray) -> None:
    """Scale the horizontal axis by ratios, but from zero."""
    above = beta[beta > 0]
    if len(above):
        axes.set_xscale("symlog", linthresh=above.min())
        ticks = np.unique(beta)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], rotation=45)
        axes.minorticks_off()
    axes.set_xlabel("beta")


def _draw_trials(axes, rows: Sequence[dict], name: str, label: str) -> None:
    """Draw the trials by error and another measure."""
    for on_front, fill, legend in (
        (True, PALETTE[0], "Pareto front"),
        (False, "none", "other trials"),
    ):
        shown = [row for row in rows if row["pareto"] == on_front]
        at = [[row[key] for row in shown] for key in ("point_error_mm", name)]
        axes.plot(*at, "o", mfc=fill, mec=PALETTE[0], label=legend)
    for row in rows:
        at = (row["point_error_mm"], row[name])
        axes.annotate(f"{row['beta']:g}", at, (5, 5), textcoords="offset points")
        if row["recommended"]:
            ring = {"mfc": "none", "mec": PALETTE[1], "ms": 14, "mew": 2}
            axes.plot(*at, "o", ls="none", label="recommended", **ring)
    axes.set_xlabel(_ERROR)
    axes.set_ylabel(label)
    axes.margins(0.12)
    axes.set_title("trials, with their beta")
    axes.legend(frameon=False)
