"""Lines of an interactive scene: few points, and the colours of each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
import logging
from pathlib import Path

import numpy as np

from dipy_tractogen.streamlines.conditions import COMPUTED
from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.geometry import arc_lengths, resample_by_step
from dipy_tractogen.streamlines.point_data.values import resample_point_data
from dipy_tractogen.utils.messages import listed

from ..cameras import VIEWS, Frame, choose_views, frame_points
from ..colours import tangents
from ..compose import Key
from ..figures import colour_panels, select_streamlines
from ..loading import colour_options
from ..panels import Panel
from ..scenes import Outline

logger = logging.getLogger("dipy_tractogen")

_ALWAYS = ("bundle", "direction")
MAX_STREAMLINES = 3000
"""Streamlines of a scene, about, of all its panels together."""

# A page has to stay small: points may be left out where the line moves by less than the
# first of these that suffices (mm), and are on a grid of this step.
_TOLERANCES_MM = (0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0)
_MOST_POINTS = 110_000
_STEP_MM = 1 / 16
# Distance of points that have numbers: about a voxel of their images.
_STEP_OF_VALUES_MM = 1.5
# Colours have so many levels a channel; more numbers would make the page larger.
_LEVELS = 20
_MOST_NUMBERS = 8
# Lines have no shading of their own: those of one bundle differ in brightness, by the
# angle to a light from the upper left in front, and at random.
_LIGHT = np.array([-0.45, 0.35, 0.82])
_DARKEST, _GAIN = 0.62, 0.45
_VARIATION = (0.85, 1.1)


@dataclass(frozen=True)
class Polyline:
    """All lines of a bundle in a panel, one after the other, NaN between them.

    ``points`` (m, 3) are in RASMM mm, float32; ``colours`` holds for each colouring of
    the scene 0xRRGGBB for each point, (m,), uint32.
    """

    panel: int
    bundle: str
    points: np.ndarray
    colours: list[np.ndarray]


@dataclass(frozen=True)
class Scene:
    """Panels of lines with the same cameras and colours.

    ``titles`` and ``counts`` are those of the panels: how many streamlines are shown,
    and how many there are. ``colourings`` are what colours can tell, by name;
    ``color_by`` is the one to begin with. ``frames`` hold a frame for each side to look
    from, and ``view`` is the one to begin with. ``outline`` is that of a mask, if there
    is one.
    """

    titles: list[str]
    counts: list[tuple[int, int]]
    polylines: list[Polyline]
    bundles: dict[str, tuple[float, float, float]]
    colourings: dict[str, Key]
    color_by: str
    frames: dict[str, Frame]
    view: str
    outline: Outline | None = None


def make_scene(
    panels: Sequence,
    *,
    color_by: str = "bundle",
    view: str = "auto",
    max_streamlines: int | None = None,
    mask: str | Path | None = None,
    seed: int = 0,
) -> Scene:
    """Choose and thin streamlines, and colour them in all ways that are known.

    Parameters
    ----------
    panels : sequence
        What to show: a `Panel`, its arguments, or streamlines, as for `render_bundles`.
    color_by : str, optional
        "bundle", "direction", "length", or the name of a number of the streamlines or
        points.
    view : str, optional
        Side to begin with, as for `render_bundles`.
    max_streamlines : int, optional
        Number of streamlines of a panel, about; by default `MAX_STREAMLINES` in all.
    mask : str or Path, optional
        Image that is not zero in the brain: its surface is drawn as of glass.
    seed : int, optional
        Seed of the choice of streamlines.

    Raises
    ------
    ValueError
        If there is no panel, an argument is not accepted, or no streamline meets the
        mask.
    """
    panels = [Panel.of(panel) for panel in panels]
    if not panels:
        raise ValueError("there is no panel to show: give one or more.")
    if max_streamlines is None:
        max_streamlines = max(MAX_STREAMLINES // len(panels), 1)
    elif max_streamlines < 1:
        raise ValueError(f"max_streamlines={max_streamlines}: give 1 or more.")
    names = _names_of_numbers(panels, color_by)
    drawn, outline, _ = select_streamlines(panels, max_streamlines, seed, mask)
    thinned = _thinned([_measured(panel) for panel in drawn])
    points = np.concatenate([panel.points() for panel in thinned])
    seen_points = points if outline is None else np.vstack([points, outline.points()])
    keys, colours = _colourings(thinned, names)
    (seen,) = choose_views([view], points)[:1]
    frames = {name: frame_points(seen_points, each) for name, each in VIEWS.items()}
    return Scene(
        titles=[panel.title for panel in panels],
        counts=[(len(each.streamlines), each.nb_streamlines) for each in drawn],
        polylines=[
            line
            for index, panel in enumerate(thinned)
            for line in _polylines(index, panel, [each[index] for each in colours])
        ],
        bundles=dict(keys["bundle"].colours),
        colourings=keys,
        color_by=color_by,
        frames=frames,
        view=seen.name,
        outline=outline,
    )


def _measured(panel: Panel) -> Panel:
    """Add the lengths of the streamlines, in mm, to their numbers."""
    lengths = {"length": arc_lengths(panel.streamlines)}
    return replace(panel, numbers=panel.numbers | lengths)


def _names_of_numbers(panels: Sequence[Panel], color_by: str) -> list[str]:
    """Return the numbers to colour by; ValueError if the wanted one is not there."""
    names = {name for panel in panels for name in panel.numbers}
    names = sorted({"length", *names} - set(_ALWAYS))
    if color_by not in (*_ALWAYS, *names):
        raise ValueError(
            f"color_by={color_by!r}: accepted are {listed((*_ALWAYS, *names))}."
        )
    names.sort(key=lambda name: name not in (color_by, "length"))
    if len(names) > _MOST_NUMBERS:
        logger.warning(
            "The scene can be coloured by %s, not by %s",
            listed(names[:_MOST_NUMBERS]),
            listed(names[_MOST_NUMBERS:]),
        )
    return names[:_MOST_NUMBERS]


def _thinned(panels: Sequence[Panel]) -> list[Panel]:
    """Leave out points of nearly straight parts, more of them where they are many.

    Where points have numbers, which change in straight parts as well, they are at equal
    distances instead.
    """
    from dipy.tracking.streamlinespeed import compress_streamlines

    if any(_of_points(panel) for panel in panels):
        return _at_equal_steps(panels)
    for tolerance in _TOLERANCES_MM:
        made = [
            to_sequence(compress_streamlines(panel.streamlines, tol_error=tolerance))
            for panel in panels
        ]
        if sum(len(each.get_data()) for each in made) <= _MOST_POINTS:
            break
    return [replace(panel, streamlines=each) for panel, each in zip(panels, made)]


def _of_points(panel: Panel) -> dict[str, np.ndarray]:
    """Return the numbers (total points, 1) of a panel that points have, by name."""
    nb_streamlines = len(panel.streamlines)
    return {
        name: each[:, None]
        for name, each in panel.numbers.items()
        if len(each) != nb_streamlines
    }


def _at_equal_steps(panels: Sequence[Panel]) -> list[Panel]:
    """Resample streamlines, with the numbers of their points."""
    size = sum(float(panel.numbers["length"].sum()) for panel in panels)
    # Each streamline has a point more than steps, and rounds up half of its last.
    room = _MOST_POINTS - 2 * sum(len(panel.streamlines) for panel in panels)
    step = max(_STEP_OF_VALUES_MM, size / max(room, 1))
    resampled = []
    for panel in panels:
        made = resample_by_step(panel.streamlines, step)
        values = resample_point_data(
            _of_points(panel), panel.streamlines, np.asarray(made._lengths)
        )
        values = {name: each[:, 0] for name, each in values.items()}
        resampled.append(
            replace(panel, streamlines=made, numbers=panel.numbers | values)
        )
    return resampled


def _colourings(panels: Sequence[Panel], names: Sequence[str]) -> tuple[dict, list]:
    """Return the keys of all colourings, and the colours of the points of each panel.

    A panel has for each colouring 0xRRGGBB (total points,).
    """
    keys, colours = {}, []
    for name in (*_ALWAYS, *names):
        kind, text, valued = name, "", panels
        if name in names:
            kind, text = "value", _with_unit(name)
            valued = [replace(each, values=each.numbers.get(name)) for each in panels]
        keys[name], found = colour_panels(valued, kind, text)
        by_point = [_by_point(*both) for both in zip(panels, found)]
        if name == "bundle":
            by_point = [_shaded(*both) for both in zip(panels, by_point)]
        colours.append([_packed(each) for each in by_point])
    return keys, colours


def _with_unit(name: str) -> str:
    """Return the name of a number with its unit, where that is known."""
    unit = COMPUTED[name][1] if name in COMPUTED else ""
    return f"{name} ({unit})" if unit else colour_options(name)["value_name"]


def _by_point(panel: Panel, colours: np.ndarray) -> np.ndarray:
    """Return colours (total points, 3) of those of streamlines or points."""
    lengths = np.asarray(panel.streamlines._lengths)
    if len(colours) == len(panel.points()):
        return colours
    return np.repeat(colours, lengths, axis=0)


def _shaded(panel: Panel, colours: np.ndarray) -> np.ndarray:
    """Return colours (total points, 3) of lit lines."""
    lengths = np.asarray(panel.streamlines._lengths)
    light = _LIGHT / np.linalg.norm(_LIGHT)
    along = tangents(panel.points(), lengths) @ light
    lit = _DARKEST + _GAIN * np.sqrt(np.clip(1 - along**2, 0, 1))
    varied = np.random.default_rng(0).uniform(*_VARIATION, len(lengths))
    return colours * (lit * np.repeat(varied, lengths))[:, None]


def _packed(colours: np.ndarray) -> np.ndarray:
    """Return 0xRRGGBB (n,) of RGB (n, 3) from 0 to 1."""
    levels = np.rint(np.clip(colours, 0, 1) * _LEVELS)
    red, green, blue = np.rint(levels * (255 / _LEVELS)).astype(np.uint32).T
    return red << 16 | green << 8 | blue


def _polylines(
    index: int, panel: Panel, colours: Sequence[np.ndarray]
) -> Iterator[Polyline]:
    """Join the lines of each bundle of a panel."""
    lengths = np.asarray(panel.streamlines._lengths)
    points = np.rint(panel.points() / _STEP_MM) * _STEP_MM
    codes = np.repeat(panel.labels, lengths)
    for code in np.unique(panel.labels):
        members = codes == code
        own = lengths[panel.labels == code]
        # Each line but the last has a gap after it.
        places = np.arange(own.sum()) + np.repeat(np.arange(len(own)), own)
        size = own.sum() + len(own) - 1
        joined = np.full((size, 3), np.nan, dtype=np.float32)
        joined[places] = points[members]
        spread = [np.zeros(size, dtype=np.uint32) for _ in colours]
        for each, given in zip(spread, colours):
            each[places] = given[members]
        yield Polyline(index, panel.bundle_names[code], joined, spread)
