"""Colours of streamlines: by bundle, by direction, by a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
import re

import numpy as np

from dipy_tractogen.streamlines.naming import UNASSIGNED

from .palette import NO_VALUE, colour_pairs

COLOUR_MAP = "viridis"
_SIDE = re.compile(r"(^|[_\-. ])(left|right|lh|rh|l|r)(?=$|[_\-. ])", re.IGNORECASE)


def bundle_colours(names: Iterable[str]) -> dict[str, tuple[float, float, float]]:
    """Return a colour (RGB from 0 to 1) for each name, the same for the same names.

    The left and the right bundle of a pair (``AF_L`` and ``AF_R``, ``Left_ILF`` and
    ``Right_ILF``) share hue and lightness, the second being less vivid. Twelve bundles
    or pairs have hues that can be told apart without colour vision; all have different
    colours. Streamlines that are unassigned are grey.
    """
    ordered = sorted(set(names))
    pairs = homologues(name for name in ordered if name != UNASSIGNED)
    colours = {UNASSIGNED: NO_VALUE}
    for members, pair in zip(pairs, colour_pairs(len(pairs)).tolist()):
        colours |= dict(zip(members, map(tuple, pair)))
    return {name: colours[name] for name in ordered}


def homologues(names: Iterable[str]) -> list[list[str]]:
    """Return names by one or two: the left and the right bundle of a pair together."""
    pairs: dict[tuple[str, int], list[str]] = {}
    found = Counter()
    for name in names:
        alone = _SIDE.sub("", name)
        # Names such as AF_l and AF_L may be more than two.
        pairs.setdefault((alone, found[alone] // 2), []).append(name)
        found[alone] += 1
    return list(pairs.values())


def direction_colours(points: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the colour (total, 3) of each point by the direction of its streamline.

    Red for left to right, green for posterior to anterior, blue for inferior to
    superior: the absolute values of the unit tangent. `points` (total, 3) are those of
    all streamlines, `lengths` (n,) their numbers, two or more.
    """
    return np.abs(tangents(points, lengths))


def tangents(points: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the unit tangent (total, 3) of streamlines at each point, 0 if none.

    Arguments are as for `direction_colours`.
    """
    ends = np.cumsum(lengths) - 1
    starts = ends - lengths + 1
    before = np.arange(len(points)) - 1
    after = np.arange(len(points)) + 1
    before[starts] = starts
    after[ends] = ends
    steps = points[after] - points[before]
    norms = np.linalg.norm(steps, axis=1, keepdims=True)
    return steps / np.where(norms > 0, norms, 1.0)


def value_colours(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the colour (n, 3) of each number; grey where it is not finite."""
    from matplotlib import colormaps

    known = np.isfinite(values)
    share = (np.where(known, values, low) - low) / max(high - low, 1e-12)
    colours = colormaps[COLOUR_MAP](np.clip(share, 0, 1))[:, :3]
    colours[~known] = NO_VALUE
    return colours
