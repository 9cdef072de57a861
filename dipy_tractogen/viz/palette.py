"""Colours for any number of bundles, in pairs of equal lightness.

The first twelve join the palettes of Okabe and Ito and of Paul Tol
:footcite:p:`Tol2021`, made to be told apart with every kind of colour vision, without
the tones that vanish on white or black paper. Each further pair is that of a grid that
is farthest in CIELAB from all before it: small palettes begin the larger ones.

References
----------
.. footbibliography::
"""

from __future__ import annotations

from functools import lru_cache

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

# Chroma of the second of a pair, over that of the first. Lightness and hue are the
# same, so that both sides of the brain have the same contrast.
_MUTED = 0.55
# Candidates: hues in degrees, chroma and lightness in CIELAB.
_HUES = np.arange(0, 360, 5)
_CHROMAS = np.arange(40, 101, 15)
_LIGHTNESSES = np.arange(34, 71, 2)

# From linear sRGB to CIE XYZ, D65 (IEC 61966-2-1).
_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = _TO_XYZ.sum(axis=1)
# Where the cube root of CIELAB begins.
_KNEE = 6 / 29


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """Return CIELAB (..., 3) of sRGB (..., 3) from 0 to 1."""
    rgb = np.asarray(rgb, dtype=float)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    t = linear @ _TO_XYZ.T / _WHITE
    f = np.where(t > _KNEE**3, np.cbrt(t), t / (3 * _KNEE**2) + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def to_rgb(lab: np.ndarray) -> np.ndarray:
    """Return sRGB (..., 3) of CIELAB (..., 3), beyond 0 to 1 where there is none."""
    lightness, a, b = np.moveaxis(np.asarray(lab, dtype=float), -1, 0)
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    xyz = np.where(f > _KNEE, f**3, 3 * _KNEE**2 * (f - 4 / 29)) * _WHITE
    linear = xyz @ np.linalg.inv(_TO_XYZ).T
    powered = 1.055 * np.clip(linear, 0.0031308, None) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, powered)


@lru_cache(maxsize=8)
def colour_pairs(number: int) -> np.ndarray:
    """Return pairs of colours (number, 2, 3), sRGB from 0 to 1.

    The two of a pair have the same hue and lightness.
    """
    pairs = [_pairs(to_lab(_of_code(code))) for code in PALETTE[:number]]
    candidates = _candidates()
    nearest = _distances(candidates, to_lab(NO_VALUE)[None])
    for pair in pairs:
        nearest = np.minimum(nearest, _distances(candidates, pair))
    # The two of a pair are told apart, too.
    own = np.linalg.norm(candidates[:, 0] - candidates[:, 1], axis=-1)
    while len(pairs) < number:
        pairs.append(candidates[np.minimum(nearest, own).argmax()])
        nearest = np.minimum(nearest, _distances(candidates, pairs[-1]))
    colours = np.clip(to_rgb(np.stack(pairs)), 0, 1) if pairs else np.zeros((0, 2, 3))
    colours.flags.writeable = False
    return colours


def _of_code(code: str) -> np.ndarray:
    return np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def _pairs(lab: np.ndarray) -> np.ndarray:
    """Return pairs (..., 2, 3) in CIELAB of their first colours (..., 3)."""
    return np.stack([lab, lab * [1, _MUTED, _MUTED]], axis=-2)


def _candidates() -> np.ndarray:
    """Return all pairs (n, 2, 3) in CIELAB that a screen can show."""
    hues, chromas, lightnesses = np.meshgrid(
        np.radians(_HUES), _CHROMAS, _LIGHTNESSES, indexing="ij"
    )
    places = [lightnesses, chromas * np.cos(hues), chromas * np.sin(hues)]
    pairs = _pairs(np.stack(places, axis=-1).reshape(-1, 3))
    shown = to_rgb(pairs)
    return pairs[((shown >= 0) & (shown <= 1)).all(axis=(1, 2))]


def _distances(pairs: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the smallest distance (n,) of pairs (n, 2, 3) to other colours (m, 3)."""
    away = pairs[:, :, None] - others
    return np.linalg.norm(away, axis=-1).min(axis=(1, 2))
