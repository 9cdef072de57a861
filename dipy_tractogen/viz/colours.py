"""Colours of streamlines: by bundle, by direction, by a number.

The palette joins those of Okabe and Ito and of Paul Tol :footcite:p:`Tol2021`, made to
be told apart with every kind of colour vision, without the tones that vanish on white
or black paper.

References
----------
.. footbibliography::
"""

from __future__ import annotations

from collections.abc import Iterable
import re

import numpy as np

PALETTE = (
    "#0072B2",  # blue
    "#D55E00",  # vermilion
    "#009E73",  # green
    "#CC79A7",  # pink
    "#E69F00",  # orange
    "#56B4E9",  # sky blue
    "#882255",  # wine
    "#999933",  # olive
    "#5B4BB5",  # indigo
    "#A65628",  # brown
    "#44AA99",  # teal
    "#AA4499",  # purple
)
NO_VALUE = (0.62, 0.62, 0.62)
COLOUR_MAP = "viridis"
# Shares of white (positive) or black (negative) for repeated hues.
_TINTS = (0.0, 0.4, -0.4, 0.68)
_SIDE = re.compile(r"(^|[_\-. ])(left|right|lh|rh|l|r)(?=$|[_\-. ])", re.IGNORECASE)


def bundle_colours(names: Iterable[str]) -> dict[str, tuple[float, float, float]]:
    """Return a colour (RGB from 0 to 1) for each name, the same for the same names.

    The left and the right bundle of a pair (``AF_L`` and ``AF_R``, ``Left_ILF`` and
    ``Right_ILF``) share a hue, the second being lighter. Twelve bundles or pairs have
    hues that can be told apart without colour vision; up to 24 they differ in hue or
    lightness, then they repeat.
    """
    ordered = sorted(set(names))
    families: dict[str, list[str]] = {}
    for name in ordered:
        families.setdefault(_SIDE.sub("", name), []).append(name)
    colours = {}
    for index, members in enumerate(families.values()):
        round_, position = divmod(index, len(PALETTE))
        for member, name in enumerate(members):
            tint = _TINTS[(member + 2 * round_) % len(_TINTS)]
            colours[name] = _mixed(PALETTE[position], tint)
    return {name: colours[name] for name in ordered}


def _mixed(code: str, tint: float) -> tuple[float, float, float]:
    rgb = np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    target = 1.0 if tint > 0 else 0.0
    return tuple((rgb + abs(tint) * (target - rgb)).tolist())


def direction_colours(points: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the colour (total, 3) of each point by the direction of its streamline.

    Red for left to right, green for posterior to anterior, blue for inferior to
    superior: the absolute values of the unit tangent. `points` (total, 3) are those of
    all streamlines, `lengths` (n,) their numbers, two or more.
    """
    ends = np.cumsum(lengths) - 1
    starts = ends - lengths + 1
    before = np.arange(len(points)) - 1
    after = np.arange(len(points)) + 1
    before[starts] = starts
    after[ends] = ends
    tangents = np.abs(points[after] - points[before])
    norms = np.linalg.norm(tangents, axis=1, keepdims=True)
    return tangents / np.where(norms > 0, norms, 1.0)


def value_colours(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the colour (n, 3) of each number; grey where it is not finite."""
    from matplotlib import colormaps

    known = np.isfinite(values)
    share = (np.where(known, values, low) - low) / max(high - low, 1e-12)
    colours = colormaps[COLOUR_MAP](np.clip(share, 0, 1))[:, :3]
    colours[~known] = NO_VALUE
    return colours
