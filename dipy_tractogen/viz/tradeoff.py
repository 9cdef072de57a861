"""What a search for beta found: reconstruction against divergence and quality."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dipy_tractogen.streamlines.files import replacing

from .colours import PALETTE
from .plots import DPI, empty_figure

_ERROR = "point error of held-out streamlines (mm)"
_KL = "KL divergence (nats)"


def plot_tradeoff(
    rows: Sequence[dict], path: str | Path, *, force: bool = False
) -> Path:
    """Plot the trials of a search.

    Error and KL divergence over beta, and the trials by error and KL divergence, and by
    error and quality with the Pareto front; the recommended one is named.

    Parameters
    ----------
    rows : sequence of dict
        Trials, as ``BetaStudy.rows`` gives them; those that failed are left out.
    path : str or Path
        The PNG file.
    force : bool, optional
        Overwrite the file if it exists.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If no trial was completed.
    FileExistsError
        If the file exists and not `force`.
    """
    rows = [row for row in rows if row["state"] == "complete"]
    if not rows:
        raise ValueError("no trial of the search was completed: nothing to draw.")
    columns = {
        name: np.array([row[name] for row in rows], dtype=float)
        for name in ("beta", "point_error_mm", "kl_nats", "quality")
    }
    best = next(index for index, row in enumerate(rows) if row["recommended"])
    front = np.array([row["pareto"] for row in rows])
    figure = empty_figure(3)
    over_beta, by_divergence, by_quality = figure.axes
    _draw_over_beta(over_beta, columns)
    for axes, name, label in (
        (by_divergence, "kl_nats", _KL),
        (by_quality, "quality", "quality of generated streamlines, real = 1"),
    ):
        x, y = columns["point_error_mm"], columns[name]
        axes.plot(x, y, "o", color=PALETTE[0])
        for row, *at in zip(rows, x, y):
            axes.annotate(f"{row['beta']:g}", at, (4, 4), textcoords="offset points")
        marker = {"mfc": "none", "mec": PALETTE[1], "ms": 14, "mew": 2}
        axes.plot(x[best], y[best], "o", label="recommended", **marker)
        axes.set_xlabel(_ERROR)
        axes.set_ylabel(label)
        axes.margins(0.12)
    order = np.argsort(columns["point_error_mm"][front])
    by_quality.step(
        columns["point_error_mm"][front][order],
        columns["quality"][front][order],
        where="post",
        color=PALETTE[2],
        label="Pareto front",
    )
    by_divergence.set_title("by trial, with its beta")
    by_quality.set_title("by trial, with its beta")
    for axes in (by_divergence, by_quality):
        axes.legend(frameon=False)
    with replacing(path, force=force) as temporary:
        figure.savefig(temporary, dpi=DPI)
    return Path(path)


def _draw_over_beta(axes, columns: dict[str, np.ndarray]) -> None:
    """Draw error and divergence over beta, which may be zero."""
    beta = columns["beta"]
    above = beta[beta > 0]
    other = axes.twinx()
    for each, name, colour, style, label in (
        (axes, "point_error_mm", PALETTE[0], "o-", _ERROR),
        (other, "kl_nats", PALETTE[1], "s--", _KL),
    ):
        each.plot(beta, columns[name], style, color=colour)
        each.set_ylabel(label, color=colour)
    if len(above):
        axes.set_xscale("symlog", linthresh=above.min())
        ticks = np.unique(beta)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    axes.set_xlabel("beta")
    axes.set_title("the trade-off")
    axes.spines["top"].set_visible(False)
    other.spines["top"].set_visible(False)
