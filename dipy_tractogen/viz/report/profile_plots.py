"""Plots of the values along bundles: profiles of real and of made streamlines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from dipy_tractogen.metrics.profiles.mean import NB_NODES
from dipy_tractogen.metrics.profiles.sets import ValuedSet, oriented_profiles
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.utils.messages import format_count

from ..palette import NO_VALUE, PALETTE
from ..style import make_figure, short_label, write_figure
from .content import NB_SHOWN
from .images import Picture, encode_plot

_COLOURS = {
    "real": PALETTE[1],
    "generated": PALETTE[0],
    "reconstructed": NO_VALUE,
}
_SIZE = (3.6, 2.6)
# Percentiles of real streamlines that are shaded.
_BAND = (5, 95)


def profile_pictures(sets: Mapping[str, BundleSet | None]) -> list[Picture]:
    """Draw the mean profiles of each value that streamlines have at their points.

    `sets` are streamlines by what they are: real, generated or reconstructed. Those of
    up to 12 bundles are drawn, with the range of real streamlines.
    """
    pictures = []
    for value, known in _by_value(sets).items():
        counts = [each.counts().items() for each in known.values()]
        names = sorted({name for each in counts for name, count in each if count})
        profiles = _profiles(value, known, names)
        title = f"Profiles of {value}"
        if len(names) > NB_SHOWN:
            title += f", of the first {NB_SHOWN} of {len(names)} bundles"
        alt = (
            f"Mean {value} along each of {format_count(len(names), 'bundle')} of "
            f"{' and '.join(known)} streamlines, at {NB_NODES} nodes."
        )
        given = {"value": value, "names": names[:NB_SHOWN], "profiles": profiles}
        images = encode_plot(partial(_draw, **given))
        pictures.append(Picture(title, alt, *images))
    return pictures


def _by_value(sets: Mapping[str, BundleSet | None]) -> dict[str, dict[str, BundleSet]]:
    """Return the sets that have a value, by its name: one number a point."""
    found: dict[str, dict[str, BundleSet]] = {}
    for kind, each in sets.items():
        for name, values in {} if each is None else each.data_per_point.items():
            if values.shape[1] == 1:
                found.setdefault(name, {})[kind] = each
    return found


def _profiles(
    value: str, sets: Mapping[str, BundleSet], names: Sequence[str]
) -> dict[str, list[np.ndarray]]:
    """Return the profiles (n, nb_nodes) of each bundle, all in one direction."""
    valued, labels = [], []
    for each in sets.values():
        data = {value: each.data_per_point[value]}
        valued.append(ValuedSet(each.streamlines, data))
        labels.append(each.labels_in(names))
    return {
        kind: [found[value][own == code] for code in range(len(names))]
        for kind, found, own in zip(sets, oriented_profiles(valued, labels), labels)
    }


def _draw(
    path: Path, value: str, names: Sequence[str], profiles: Mapping[str, list]
) -> None:
    """Draw a plot for each bundle, with a line for each set."""
    figure = make_figure(len(names), nb_columns=3, size=_SIZE)
    nodes = np.arange(NB_NODES)
    for code, (axes, name) in enumerate(zip(figure.axes, names)):
        for kind, of_bundles in profiles.items():
            found = of_bundles[code]
            # Where no streamline has a value there is no line.
            found = found[np.isfinite(found).all(axis=1)]
            if not len(found):
                continue
            colour = _COLOURS[kind]
            axes.plot(nodes, found.mean(axis=0), color=colour, lw=1.5, label=kind)
            if kind == "real":
                low, high = np.percentile(found, _BAND, axis=0)
                axes.fill_between(nodes, low, high, color=colour, alpha=0.15, lw=0)
        axes.set_title(short_label(name))
        axes.set_xlabel("node")
        axes.set_ylabel(short_label(value))
    figure.axes[0].legend(frameon=False, fontsize="small")
    write_figure(figure, path, path)
