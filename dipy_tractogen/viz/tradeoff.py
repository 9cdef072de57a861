"""Figure of a search for beta: reconstruction against divergence and quality."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .colours import PALETTE
from .plots import make_figure, save_figure
from .style import default_style

_ERROR = "held-out point error (mm)"
_KL = "KL divergence (nats)"


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
