"""Cameras: named anatomical views, and frames that fit the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dipy_tractogen.utils.messages import check_choice

# Points further beyond these percentiles than this share of the range between them
# may leave the picture: one stray streamline must not shrink all others to a speck.
_USUAL_PERCENTILES = (0.05, 99.95)
_STRAY_SHARE = 0.25
_MARGIN = 0.05
_SMALLEST_MM = 1.0


@dataclass(frozen=True)
class View:
    """A side from which the brain is seen.

    ``direction`` is the unit vector from the brain to the camera, and ``up`` that which
    points up in the picture, RAS.
    """

    name: str
    direction: tuple[float, float, float]
    up: tuple[float, float, float]

    @property
    def axes(self) -> np.ndarray:
        """Rows: right and up in the picture and towards the camera, RAS, (3, 3)."""
        return np.array([np.cross(self.up, self.direction), self.up, self.direction])

    @property
    def letters(self) -> dict[str, str]:
        """Letter of the body side at each edge of the picture."""
        right, up, _ = self.axes
        return {
            "right": _letter(right),
            "left": _letter(-right),
            "top": _letter(up),
            "bottom": _letter(-up),
        }


def _letter(vector: np.ndarray) -> str:
    axis = int(np.argmax(np.abs(vector)))
    return ("LR", "PA", "IS")[axis][int(vector[axis] > 0)]


VIEWS = {
    view.name: view
    for view in (
        View("left", (-1, 0, 0), (0, 0, 1)),
        View("right", (1, 0, 0), (0, 0, 1)),
        View("front", (0, 1, 0), (0, 0, 1)),
        View("back", (0, -1, 0), (0, 0, 1)),
        View("top", (0, 0, 1), (0, 1, 0)),
        View("bottom", (0, 0, -1), (0, 1, 0)),
    )
}
_MIRRORED = {"left": "right", "right": "left"}
# From the back and from the top the left of the body is on the left of the picture.
ALL_VIEWS = ("left", "back", "top")
VIEW_CHOICES = ("auto", "all", *VIEWS)


def _limits(points: np.ndarray, axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    places = points @ axes.T
    low, high = np.percentile(places, _USUAL_PERCENTILES, axis=0)
    beyond = _STRAY_SHARE * (high - low)
    low = np.maximum(places.min(axis=0), low - beyond)
    high = np.minimum(places.max(axis=0), high + beyond)
    return low, high


def choose_views(names: Iterable[str], points: np.ndarray) -> tuple[View, ...]:
    """Return the views of names in `VIEW_CHOICES`, each once.

    "all" is left, back and top; "auto" the view that shows the two widest axes of the
    points (n, 3) in RASMM mm, or the side of a bundle that runs from front to back; a
    sagittal view is from the side where they are. Raises ValueError if a name is
    unknown, or there is none.
    """
    chosen: list[str] = []
    for name in names:
        check_choice("view", name, VIEW_CHOICES)
        if name == "auto":
            chosen.append(_widest_view(points))
        elif name == "all":
            chosen.extend(ALL_VIEWS)
        else:
            chosen.append(name)
    if not chosen:
        raise ValueError(f"no view is named: accepted are {', '.join(VIEW_CHOICES)}.")
    return tuple(VIEWS[name] for name in dict.fromkeys(chosen))


def _widest_view(points: np.ndarray) -> str:
    low, high = _limits(points, np.eye(3))
    width, length, height = extents = high - low
    narrowest = int(np.argmin(extents))
    # Association tracts run from front to back within a hemisphere: their course is
    # seen from the side, even where they are a little wider than high.
    if narrowest == 0 or (
        length == extents.max() and width < min(length / 2, 1.5 * height)
    ):
        return "right" if low[0] + high[0] > 0 else "left"
    return ("back", "top")[narrowest - 1]


@dataclass(frozen=True)
class Frame:
    """The part of space that a view shows: centre (RASMM), width and height in mm."""

    view: View
    centre: tuple[float, float, float]
    width: float
    height: float


def frame_points(points: np.ndarray, view: View) -> Frame:
    """Frame points (n, 3) in mm tightly in a view, with a small margin.

    Strays may be cut off: at most 0.05 % of the points at each end of each axis.
    """
    axes = view.axes
    low, high = _limits(points, axes)
    width, height, _ = np.maximum(high - low, _SMALLEST_MM) * (1 + 2 * _MARGIN)
    centre = axes.T @ ((low + high) / 2)
    return Frame(view, tuple(centre), float(width), float(height))


def frame_pair(
    bundles: Sequence[np.ndarray], view: str, behind: Sequence[np.ndarray] = ()
) -> list[Frame]:
    """Frame a bundle, or a left and a right one alike, in the view of a name.

    Frames are of one size. That of the second is seen from the other side where "auto"
    shows the first from a side. Bundles and what else is seen, `behind`, are points
    (n, 3) in RASMM mm.
    """
    (first, *_) = choose_views([view], bundles[0])
    second = VIEWS[_MIRRORED.get(first.name, first.name)] if view == "auto" else first
    frames = [
        frame_points(np.concatenate([points, *behind]), seen)
        for points, seen in zip(bundles, (first, second))
    ]
    width = max(frame.width for frame in frames)
    height = max(frame.height for frame in frames)
    return [replace(frame, width=width, height=height) for frame in frames]
