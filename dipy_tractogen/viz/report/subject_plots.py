"""Plots of a subject among others of its age: profiles and curves over age."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from dipy_tractogen.norms.norms import Key, Norms
from dipy_tractogen.norms.scoring import (
    CENTILES,
    FALSE_DISCOVERIES,
    Score,
    one_row,
)
from dipy_tractogen.norms.shape import MEASURES
from dipy_tractogen.norms.summary import PROFILE, SHAPE

from ..style import make_figure, short_label, write_figure
from .images import Picture, encode_plot

_NB_AGES = 60
_BAND = "#4878a8"
_SUBJECT = "#d1495b"
_OUTER, _INNER = 0.25, 0.35
_SIZE = (4.6, 3.1)


@dataclass(frozen=True)
class Plots:
    """Plots that share a title, beside or below one another as there is room."""

    title: str
    pictures: list[Picture]


def subject_plots(
    norms: Norms, conditions: Mapping, scores: Mapping[Key, Score], bundle: str
) -> list[Plots]:
    """Draw a bundle of a subject within the bands of its reference group.

    There are the profiles along the nodes, each beside the node that is most unusual
    over the first number among the conditions, and the measures of shape.
    """
    own = {key[1:]: each for key, each in scores.items() if key[0] == bundle}
    draw = _Drawing(norms, conditions, bundle)
    profiles = [
        picture
        for (kind, name), each in own.items()
        if kind == PROFILE
        for picture in draw.profile(name, each)
    ]
    shapes = draw.shape(own[SHAPE, ""]) if (SHAPE, "") in own else []
    found = {"profiles": profiles, "shape": shapes}
    return [Plots(f"{bundle}: {name}", each) for name, each in found.items() if each]


@dataclass
class _Drawing:
    """Draws plots of a bundle."""

    norms: Norms
    conditions: Mapping
    bundle: str

    def profile(self, name: str, score: Score) -> Iterator[Picture]:
        """Give the plot of a profile, and that of its most unusual node."""
        unit = self.norms.units.get(name, "")
        yield self._picture(name, lambda axes: _along(axes, name, unit, score))
        if _first_number(self.norms) is not None:
            known = np.isfinite(score.z)
            node = int(np.nanargmax(np.abs(score.z))) if known.any() else 0
            label, key = f"{name} at node {node}", (self.bundle, PROFILE, name)
            yield self._over(key, score, node, label, np.asarray)

    def shape(self, score: Score) -> list[Picture]:
        """Return the plots of the measures of shape."""
        pictures = []
        for index, (name, unit) in enumerate(MEASURES.items()):
            label = f"{name} ({unit})"
            if _first_number(self.norms) is None:
                draw = partial(_without_number, score=score, index=index, label=label)
                pictures.append(self._picture(name, draw))
            else:
                key = (self.bundle, SHAPE, "")
                pictures.append(self._over(key, score, index, label, np.exp))
        return pictures

    def _over(self, key, score, index, label, restored) -> Picture:
        given = (self.norms, self.conditions, key, score, index, label, restored)
        return self._picture(label, lambda axes: _over(axes, *given))

    def _picture(self, name: str, draw: Callable) -> Picture:
        def write(path: Path) -> None:
            figure = make_figure(1, size=_SIZE)
            draw(figure.axes[0])
            write_figure(figure, path, path)

        alt = f"{name} of {self.bundle} within the bands of the reference group."
        light, dark = encode_plot(write)
        return Picture(name, alt, light, dark)


def _first_number(norms: Norms):
    """Return the condition that curves are drawn over, or None."""
    numbers = norms.design.conditions.continuous
    return next((one for one in numbers if one.high > one.low), None)


def _along(axes, name: str, unit: str, score: Score) -> None:
    """Draw a profile within bands along the nodes."""
    nodes = np.arange(len(score.mean))
    _bands(axes, nodes, score.bands)
    axes.plot(nodes, score.mean, color=_SUBJECT, linewidth=1.6, label="subject")
    found = score.q <= FALSE_DISCOVERIES
    axes.plot(nodes[found], score.mean[found], ".", color=_SUBJECT, markersize=7)
    axes.set_xlabel("node")
    axes.set_ylabel(short_label(f"{name} ({unit})" if unit else name))
    axes.legend(frameon=False, fontsize="small")


def _over(axes, norms, conditions, key, score, index, label, restored) -> None:
    """Draw the bands of one value over the first number, and the subject's point."""
    one = _first_number(norms)
    given = float(conditions[one.name])
    low, high = min(one.low, given), max(one.high, given)
    numbers = np.linspace(low, high, _NB_AGES)
    row = {
        name: each.repeat(_NB_AGES) for name, each in one_row(norms, conditions).items()
    }
    matrix = norms.design.matrix(row | {one.name: numbers}, _NB_AGES)
    counts = np.full(_NB_AGES, score.nb_streamlines)
    predicted = norms.models[key].predict(matrix, counts)
    bands = predicted.quantiles(np.array(CENTILES) / 100)[:, :, index]
    _bands(axes, numbers, restored(bands))
    axes.plot(
        [given], restored(score.mean[[index]]), "o", color=_SUBJECT, label="subject"
    )
    axes.set_xlabel(short_label(f"{one.name} ({one.unit})" if one.unit else one.name))
    axes.set_ylabel(short_label(label))
    axes.legend(frameon=False, fontsize="small")


def _without_number(axes, score: Score, index: int, label: str) -> None:
    """Draw the bands of one value, and the subject's point."""
    bands = np.exp(score.bands[:, index])[:, None].repeat(2, axis=1)
    _bands(axes, np.array([0.0, 1.0]), bands)
    axes.plot([0.5], np.exp(score.mean[[index]]), "o", color=_SUBJECT, label="subject")
    axes.set_xticks([])
    axes.set_ylabel(short_label(label))
    axes.legend(frameon=False, fontsize="small")


def _bands(axes, x: np.ndarray, bands: np.ndarray) -> None:
    """Fill between centiles (5, n), and draw the median."""
    low, inner_low, median, inner_high, high = bands
    fill = {"color": _BAND, "linewidth": 0}
    axes.fill_between(x, low, high, alpha=_OUTER, label="5 to 95 %", **fill)
    axes.fill_between(
        x, inner_low, inner_high, alpha=_INNER, label="25 to 75 %", **fill
    )
    axes.plot(x, median, color=_BAND, linewidth=1.2, label="50 %")
