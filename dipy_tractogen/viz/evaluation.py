"""Figures of an evaluation: distributions, and measures by bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dipy_tractogen.metrics.measures import QUALITY
from dipy_tractogen.utils.messages import listed

from .palette import PALETTE
from .style import default_style, make_figure, save_figure, short_label

_GENERATED, _REAL = PALETTE[0], PALETTE[1]
# Offset of the two markers of a bundle from its line, and height of a line in inches.
_OFFSET = 0.17
_LINE_INCHES = 0.3


@default_style()
def plot_distributions(
    report: dict, path: str | Path, *, bundle: str | None = None, force: bool = False
) -> Path:
    """Plot histograms of length, curvature, tortuosity and winding into a PNG.

    `report` is that of `evaluate`, or read from its JSON; without `bundle` all
    streamlines are shown. Raises ValueError if it has no distributions, or none of the
    bundle.
    """
    distributions = report.get("distributions")
    if not distributions:
        raise ValueError(
            "the report holds no distributions: evaluate again with this version."
        )
    figure = make_figure(len(distributions), size=(4.6, 3.0))
    for axes, (name, found) in zip(figure.axes, distributions.items()):
        _draw_histograms(axes, name, found, _shares_of(found, bundle))
    figure.axes[0].legend(frameon=False)
    return save_figure(figure, path, force=force)


@default_style()
def plot_measures(report: dict, path: str | Path, *, force: bool = False) -> Path:
    """Plot precision, recall, density and coverage by bundle, real ones beside them.

    Bars are 95 % confidence intervals, where the report holds them.

    Parameters
    ----------
    report : dict
        From :func:`dipy_tractogen.metrics.evaluation.evaluate`, or read from its JSON.
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
        If no bundle has any of the measures.
    FileExistsError
        If the file exists and not `force`.
    """
    # A dictionary would not do: a bundle may be named as the first line.
    names = ["all bundles", *report["bundles"]]
    entries = [report["overall"], *report["bundles"].values()]
    values = (each["generated"].get(name) for each in entries for name in QUALITY)
    if all(value is None for value in values):
        raise ValueError(
            "no bundle has enough streamlines for precision, recall, density and "
            "coverage: nothing to draw."
        )
    height = 1.3 + _LINE_INCHES * len(entries)
    figure = make_figure(4, nb_columns=4, size=(2.9, height))
    for axes, name in zip(figure.axes, QUALITY):
        _draw_measure(axes, name, entries)
    lines = np.arange(len(entries))
    figure.axes[0].set_yticks(lines, map(short_label, names))
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return save_figure(figure, path, force=force)


def _shares_of(found: dict, bundle: str | None) -> dict[str, list[float]]:
    """Return the shares of the bins by set, of one bundle or of all."""
    if bundle is None:
        return found["overall"]
    if bundle not in found["bundles"]:
        known = listed(found["bundles"])
        raise ValueError(f"{bundle} is no bundle of the report; it has {known}.")
    return found["bundles"][bundle]


def _draw_histograms(axes, name: str, found: dict, shares: dict) -> None:
    edges = np.array(found["edges"])
    for key, label, colour in (
        ("real", "held-out", _REAL),
        ("generated", "generated", _GENERATED),
    ):
        percent = 100 * np.array(shares[key])
        axes.stairs(percent, edges, color=colour, lw=1.5, label=label)
        axes.stairs(percent, edges, color=colour, alpha=0.2, fill=True)
    unit = f" ({found['unit']})" if found["unit"] else ""
    axes.set_xlabel(f"{name}{unit}")
    axes.set_ylabel("streamlines (%)")
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="x", nbins=6)
    axes.grid(alpha=0.3)


def _draw_measure(axes, name: str, entries: list[dict]) -> None:
    """Draw a line for each bundle: generated above, real below."""
    for kind, label, colour, marker, offset in (
        ("generated", "generated", _GENERATED, "o", -_OFFSET),
        ("real", "real streamlines instead", _REAL, "s", _OFFSET),
    ):
        rows = [
            (line + offset, entry[kind][name], interval(entry, kind, name))
            for line, entry in enumerate(entries)
            if entry[kind].get(name) is not None
        ]
        places, values, intervals = zip(*rows) if rows else ((), (), ())
        axes.plot(values, places, marker, color=colour, ms=4.5, label=label)
        # Of no width where there is no interval.
        ends = [ends or 2 * (value,) for value, ends in zip(values, intervals)]
        limits = zip(*ends) if ends else ((), ())
        axes.hlines(places, *limits, colors=colour, lw=1.5)
    axes.set_title(name)
    axes.set_yticks(np.arange(len(entries)), [])
    axes.set_ylim(len(entries) - 0.5, -0.5)
    axes.grid(alpha=0.3)
    axes.axhline(0.5, color="0.6", lw=0.8)


def interval(entry: dict, kind: str, measure: str) -> tuple[float, float] | None:
    """Return the limits of the confidence interval of a measure, or None.

    `kind` is "generated", "real" or "ratios".
    """
    ends = entry.get("intervals", {}).get(kind, {}).get(measure)
    is_known = ends and None not in ends and np.isfinite(ends).all()
    return tuple(ends) if is_known else None
