"""Plots of a latent space: projections, dimensions, correlations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..colours import COLOUR_MAP, bundle_colours
from ..palette import NO_VALUE, PALETTE
from ..style import default_style, make_figure, save_figure, short_label

_PLOT = (6.6, 4.6)
# Size (square points) and opacity of the points, from few to many.
_FEW, _MANY = 500, 10000
_SIZES, _OPACITIES = (16.0, 3.0), (0.9, 0.5)
# The colours of a continuous value leave out the outermost two percent at either end.
_USUAL_PERCENTILES = (2, 98)
# Names in a column of a legend, and in the whole legend.
_LEGEND_ROWS, _LONGEST_LEGEND = 20, 40
# Numbers are written into the cells of a heat map with at most so many columns.
_MOST_WRITTEN = 12
_DARK = 0.6


@dataclass(frozen=True)
class Colouring:
    """A property that colours a projection: text of categories, or numbers."""

    name: str
    values: np.ndarray
    unit: str = ""

    @property
    def is_categorical(self) -> bool:
        """Whether it is one of several categories."""
        return self.values.dtype.kind == "U"

    @property
    def label(self) -> str:
        """The name, with the unit if there is one."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@default_style()
def plot_projection(
    places: np.ndarray,
    axis_labels: tuple[str, str],
    colourings: Sequence[Colouring],
    path: str | Path,
    *,
    has_scale: bool = True,
    seed: int = 0,
    force: bool = False,
) -> Path:
    """Plot latents in two dimensions, once for each property to colour by.

    Parameters
    ----------
    places : ndarray of shape (n, 2)
        Where each streamline lies.
    axis_labels : tuple of str
        What the two axes are.
    colourings : sequence of Colouring
        What to colour by, a plot each.
    path : str or Path
        The PNG file.
    has_scale : bool, optional
        Whether distances mean something: the axes then have numbers and one scale.
    seed : int, optional
        Seed of the order that the points are drawn in, so that none covers others for
        what it is.
    force : bool, optional
        Overwrite the file if it exists.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If there is nothing to colour by, or not one value a streamline.
    FileExistsError
        If the file exists and not `force`.
    """
    if not colourings:
        raise ValueError("there is nothing to colour by: give a Colouring or more.")
    for one in colourings:
        if one.values.shape != (len(places),):
            raise ValueError(
                f"{one.name}: there are values of the shape {one.values.shape} for "
                f"{len(places)} streamlines: give one for each."
            )
    order = np.random.default_rng(seed).permutation(len(places))
    share = np.clip(np.log(len(places) / _FEW) / np.log(_MANY / _FEW), 0, 1)
    style = {
        name: low + share * (high - low)
        for name, (low, high) in (("s", _SIZES), ("alpha", _OPACITIES))
    }
    figure = make_figure(len(colourings), size=_PLOT)
    for axes, one in zip(figure.axes[:], colourings):
        draw = _draw_categories if one.is_categorical else _draw_numbers
        draw(axes, places[order], one, one.values[order], style)
        axes.set(xlabel=axis_labels[0], ylabel=axis_labels[1])
        axes.set_title(short_label(one.name))
        if has_scale:
            axes.set_aspect("equal", adjustable="datalim")
        else:
            axes.set(xticks=[], yticks=[])
    return save_figure(figure, path, force=force)


def _draw_categories(axes, places, one: Colouring, values, style: dict) -> None:
    from matplotlib.lines import Line2D

    names, codes = np.unique(values, return_inverse=True)
    colours = bundle_colours(names.tolist())
    table = np.array(list(colours.values()))
    axes.scatter(*places.T, c=table[codes], linewidths=0, **style)
    shown = list(colours.items())[:_LONGEST_LEGEND]
    handles = [
        Line2D([], [], ls="none", marker="o", color=colour, label=short_label(name))
        for name, colour in shown
    ]
    if len(names) > len(shown):
        more = f"and {len(names) - len(shown)} more"
        handles.append(Line2D([], [], ls="none", label=more))
    axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        ncols=-(-len(handles) // _LEGEND_ROWS),
        frameon=False,
        fontsize="small",
        handletextpad=0.1,
        borderaxespad=0,
    )


def _draw_numbers(axes, places, one: Colouring, values, style: dict) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    low, high = np.percentile(values, _USUAL_PERCENTILES)
    limits = Normalize(low, max(high, low + 1e-6))
    axes.scatter(
        *places.T, c=values, cmap=COLOUR_MAP, norm=limits, linewidths=0, **style
    )
    # A colour bar of the scatter itself would be as transparent as its points.
    scale = ScalarMappable(limits, COLOUR_MAP)
    bar = axes.figure.colorbar(scale, ax=axes, extend="both")
    bar.set_label(short_label(one.label))


@default_style()
def plot_units(
    names: Sequence[str],
    units: Mapping[str, np.ndarray],
    active: np.ndarray,
    path: str | Path,
    *,
    threshold: float | None = None,
    force: bool = False,
) -> Path:
    """Plot variance and KL divergence of each latent dimension, in falling order.

    `units` are those of `latent_units`, `active` (d,) tells which dimensions are
    active, and `threshold` is the variance above which they are.
    """
    titles = {"variance": "variance of z_mean", "kl": "KL divergence (nats)"}
    shown = [key for key in titles if key in units]
    order = np.argsort(-units["variance"], kind="stable")
    figure = make_figure(len(shown), size=(max(5.5, 0.24 * len(names)), 3.4))
    for axes, key in zip(figure.axes, shown):
        heights, places = units[key][order], np.arange(len(names))
        for chosen, colour, label in (
            (active[order], PALETTE[0], "active"),
            (~active[order], NO_VALUE, "not active"),
        ):
            if chosen.any():
                axes.bar(places[chosen], heights[chosen], color=colour, label=label)
        if key == "variance" and threshold is not None:
            axes.axhline(threshold, color="0.3", ls="--", lw=1, label="threshold")
        ticks = [names[index] for index in order]
        turned = 90 if len(names) > 20 else 0
        axes.set_xticks(places, ticks, rotation=turned, fontsize="small")
        axes.set_xlabel("latent dimension")
        axes.set_ylabel(titles[key])
    figure.axes[0].legend(frameon=False)
    return save_figure(figure, path, force=force)


@default_style()
def plot_correlations(
    names: Sequence[str],
    attributes: Sequence[str],
    correlations: np.ndarray,
    path: str | Path,
    *,
    force: bool = False,
) -> Path:
    """Plot rank correlations (d, k) of latents with attributes as a heat map."""
    rows, columns = correlations.shape
    size = (2.6 + 0.62 * columns, 1.3 + 0.29 * rows)
    figure = make_figure(1, size=size)
    (axes,) = figure.axes
    drawn = axes.imshow(correlations, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    axes.set_xticks(
        range(columns), map(short_label, attributes), rotation=35, ha="right"
    )
    axes.set_yticks(range(rows), names)
    axes.set_ylabel("latent dimension")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if columns <= _MOST_WRITTEN:
        for (row, column), value in np.ndenumerate(correlations):
            ink = "white" if abs(value) > _DARK else "black"
            # No sign before a zero, and the minus sign that matplotlib uses.
            text = f"{round(float(value), 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")
            style = {"ha": "center", "va": "center", "fontsize": 7.5, "color": ink}
            axes.text(column, row, text, **style)
    bar = figure.colorbar(drawn, ax=axes, shrink=min(1.0, 8 / rows))
    bar.set_label("Spearman's rank correlation")
    return save_figure(figure, path, force=force)
