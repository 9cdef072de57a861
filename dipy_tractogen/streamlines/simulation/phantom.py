"""A FiberCup-like phantom: seven bundles of streamlines, their mask and an image.

A streamline keeps its place in the cross-section of its bundle, up to a smooth noise,
and starts and stops at places of its own. All of these are drawn from continuous
distributions, so that a generative model has a density to learn, and the variety of
lengths within a bundle makes conditioning on length a real task.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.chebyshev import chebval

from dipy_tractogen.utils.constructors import takes

from ..array_sequence import as_sequence, ranks
from ..dataset import BundleSet
from ..reference import Reference
from .parameters import FiberCupParameters
from .phantom_geometry import BUNDLE_NAMES, DIMENSIONS, VOXEL_SIZE, place_points

_SHAPE = ("radius", "thickness", "curvature_noise", "varying_ends")
_NB_MODES = 6
_NB_SAMPLES = 256
_CHUNK = 2048
# Share of the half width within which streamlines are laid before the noise, and from
# which on the noise is held back.
_LAID_WITHIN = 0.9
_HELD_FROM = 0.8


@takes(FiberCupParameters)
def simulate_fibercup(**given) -> BundleSet:
    """Draw the streamlines of a FiberCup-like phantom.

    The geometry follows the physical phantom :footcite:p:`Poupon2008`,
    :footcite:p:`Fillard2011` and its revised truth :footcite:p:`Cote2013`. Each bundle
    has a random stream of its own, and each streamline its own share of it: the first
    hundred of a bundle of a thousand are the hundred drawn with the same seed.

    Parameters
    ----------
    {parameters}

    Returns
    -------
    BundleSet
        Streamlines in RASMM mm, within the volume of 64 x 64 x 3 voxels of 3 mm.

    Raises
    ------
    ValueError
        If a number is out of its range.

    References
    ----------
    .. footbibliography::
    """
    shape = {name: given.pop(name) for name in _SHAPE}
    nb_streamlines, radius = given["nb_streamlines"], shape["radius"]
    if shape["curvature_noise"] > radius:
        raise ValueError(
            f"curvature_noise={shape['curvature_noise']}: give 0 to radius={radius:g} "
            "mm."
        )
    points, counts = [], []
    streams = np.random.SeedSequence(given["seed"]).spawn(len(BUNDLE_NAMES))
    for name, stream in zip(BUNDLE_NAMES, streams):
        draws = _draw(nb_streamlines, stream)
        for first in range(0, nb_streamlines, _CHUNK):
            curves = _curves(
                name,
                *(draw[first : first + _CHUNK] for draw in draws),
                **shape,
            )
            chunk_points, chunk_counts = _equal_steps(
                curves, given["nb_points"], given["step"]
            )
            points.append(chunk_points)
            counts.append(chunk_counts)
    return BundleSet(
        streamlines=as_sequence(np.concatenate(points), np.concatenate(counts)),
        labels=np.repeat(np.arange(len(BUNDLE_NAMES), dtype=np.int32), nb_streamlines),
        bundle_names=BUNDLE_NAMES,
        reference=fibercup_reference(),
    )


def fibercup_reference() -> Reference:
    """Return the grid of the phantom: 64 x 64 x 3 voxels of 3 mm from 0 mm on."""
    affine = np.diag([VOXEL_SIZE, VOXEL_SIZE, VOXEL_SIZE, 1.0])
    affine[:3, 3] = VOXEL_SIZE / 2
    return Reference(affine, DIMENSIONS)


def _draw(nb_streamlines: int, stream) -> tuple[np.ndarray, np.ndarray]:
    """Return uniform numbers (n, 4) and normal ones (n, 2, modes)."""
    uniform, normal = (np.random.default_rng(child) for child in stream.spawn(2))
    return (
        uniform.random((nb_streamlines, 4)),
        normal.standard_normal((nb_streamlines, 2, _NB_MODES)),
    )


def _curves(
    name: str,
    uniform: np.ndarray,
    normal: np.ndarray,
    *,
    radius: float,
    thickness: float,
    curvature_noise: float,
    varying_ends: float,
) -> np.ndarray:
    """Return points (n, samples, 3) of streamlines from random numbers."""
    distance, turn, start, stop = uniform.T
    starts = varying_ends / 2 * start
    stops = 1 - varying_ends / 2 * stop
    positions = np.linspace(starts, stops, _NB_SAMPLES, axis=1)
    # Amplitudes that fall as the square of the frequency: a white second derivative.
    modes = np.arange(1, _NB_MODES + 1)
    weights = 1.0 / modes**2
    weights *= curvature_noise / radius * np.sqrt(2 / np.sum(weights**2))
    # A Chebyshev series in the cosine is a cosine series, and is summed in place.
    series = np.pad(np.moveaxis(normal * weights, 2, 0), ((1, 0), (0, 0), (0, 0)))
    cosines = np.cos(np.pi * positions)
    noise = chebval(cosines, series.swapaxes(1, 2)[..., np.newaxis], tensor=False)
    laid = _LAID_WITHIN * np.sqrt(distance)
    directions = np.stack([np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)])
    across, through = _hold((laid * directions)[..., np.newaxis] + noise)
    section = {"radius": radius, "thickness": thickness}
    return place_points(name, positions, across, through, **section)


def _hold(offsets: np.ndarray) -> np.ndarray:
    """Return offsets (2, ...) brought smoothly into the unit disc."""
    distances = np.maximum(np.linalg.norm(offsets, axis=0), np.finfo(float).tiny)
    room = 1 - _HELD_FROM
    beyond = np.maximum(distances - _HELD_FROM, 0)
    # Slower than a hyperbolic tangent, which would round to one: no point on the rim.
    beyond = beyond / np.hypot(1, beyond / room)
    held = np.minimum(distances, _HELD_FROM) + beyond
    return offsets * (held / distances)


def _equal_steps(
    curves: np.ndarray, nb_points: int | None, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return points (total, 3) at equal arc length, and their numbers."""
    steps = np.linalg.norm(np.diff(curves, axis=1), axis=-1)
    along = np.pad(np.cumsum(steps, axis=1), ((0, 0), (1, 0)))
    lengths = along[:, -1:]
    if nb_points is None:
        counts = np.maximum(np.rint(lengths[:, 0] / step).astype(int) + 1, 2)
    else:
        counts = np.full(len(curves), nb_points)
    # Streamlines end to end on one axis, two units each: one interpolation for all.
    rows = 2.0 * np.arange(len(curves))
    known = (along / lengths + rows[:, np.newaxis]).ravel()
    wanted = ranks(counts) / np.repeat(counts - 1, counts) + np.repeat(rows, counts)
    axes = [np.interp(wanted, known, axis) for axis in curves.reshape(-1, 3).T]
    return np.stack(axes, axis=-1).astype(np.float32), counts
