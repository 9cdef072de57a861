"""Plots of a subject among others of its age: profiles and curves over age."""

from __future__ import annotations

from collections.abc import Mapping
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


def subject_pictures(
    norms: Norms, conditions: Mapping, scores: Mapping[Key, Score], bundle: str
) -> list[Picture]:
    """Draw a bundle of a subject within the bands of its reference group.

    One picture has the profiles along the nodes, and over the first number among the
    conditions the node that is most unusual; another one the measures of shape.
    """
    own = {key[1:]: each for key, each in scores.items() if key[0] == bundle}
    profiles = {name: each for (kind, name), each in own.items() if kind == PROFILE}
    pictures = []
    if profiles:
        pictures.append(
            _picture(
                f"{bundle}: profiles",
                f"Profiles of {bundle} within the bands of the reference group.",
                lambda path: _draw_profiles(path, norms, conditions, profiles, bundle),
            )
        )
    if (SHAPE, "") in own:
        shape = own[SHAPE, ""]
        pictures.append(
            _picture(
                f"{bundle}: shape",
                f"Shape of {bundle} within the bands of the reference group.",
                lambda path: _draw_shape(path, norms, conditions, shape, bundle),
            )
        )
    return pictures


def _picture(title: str, alt: str, draw) -> Picture:
    light, dark = encode_plot(draw)
    return Picture(title, alt, light, dark)


def _draw_profiles(path: Path, norms, conditions, profiles, bundle: str) -> None:
    number = _first_number(norms)
    figure = make_figure((1 + (number is not None)) * len(profiles), size=_SIZE)
    axes = iter(figure.axes)
    for name, each in profiles.items():
        _along(next(axes), name, norms.units.get(name, ""), each)
        if number is not None:
            node = int(np.nanargmax(np.abs(each.z))) if np.isfinite(each.z).any() else 0
            key = (bundle, PROFILE, name)
            label = f"{name} at node {node}"
            _over(next(axes), norms, conditions, key, each, node, label, np.asarray)
    write_figure(figure, path, path)


def _draw_shape(path: Path, norms, conditions, shape: Score, bundle: str) -> None:
    figure = make_figure(len(MEASURES), size=_SIZE)
    for index, (axes, (name, unit)) in enumerate(zip(figure.axes, MEASURES.items())):
        label = f"{name} ({unit})"
        key = (bundle, SHAPE, "")
        if _first_number(norms) is None:
            _without_number(axes, shape, index, label)
        else:
            _over(axes, norms, conditions, key, shape, index, label, np.exp)
    write_figure(figure, path, path)


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
