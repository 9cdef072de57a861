"""A FiberCup-like phantom: seven bundles of streamlines, their mask and an image.

A streamline keeps its place in the cross-section of its bundle, up to a smooth noise,
and starts and stops at places of its own. All of these are drawn from continuous
distributions, so that a generative model has a density to learn, and the variety of
lengths within a bundle makes conditioning on length a real task.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.chebyshev import chebval

from ..array_sequence import as_sequence
from ..dataset import BundleSet
from ..reference import Reference
from .phantom_geometry import (
    BUNDLE_NAMES,
    DIMENSIONS,
    VOXEL_SIZE,
    check_cross_section,
    place_points,
)

MAX_VARYING_ENDS = 0.9
MIN_STEP = 0.05

_NB_MODES = 6
_NB_SAMPLES = 256
_CHUNK = 2048
# Share of the half width within which streamlines are laid before the noise, and from
# which on the noise is held back.
_LAID_WITHIN = 0.9
_HELD_FROM = 0.8


def simulate_fibercup(
    nb_streamlines: int = 300,
    *,
    radius: float = 6.5,
    thickness: float = 9.0,
    curvature_noise: float = 1.0,
    varying_ends: float = 0.5,
    nb_points: int | None = None,
    step: float = 1.0,
    seed: int = 0,
) -> BundleSet:
    """Draw the streamlines of a FiberCup-like phantom.

    The geometry follows the physical phantom :footcite:p:`Poupon2008`,
    :footcite:p:`Fillard2011` and its revised truth :footcite:p:`Cote2013`. Each bundle
    has a random stream of its own, and each streamline its own share of it: the first
    hundred of a bundle of a thousand are the hundred drawn with the same seed.

    Parameters
    ----------
    nb_streamlines : int, optional
        Streamlines in each of the seven bundles.
    radius : float, optional
        Half width of a bundle in the plane at its middle, in mm; at most 15.
    thickness : float, optional
        Full width of a bundle out of the plane, in mm; at most 9.
    curvature_noise : float, optional
        Root mean square, in mm, of a smooth displacement in the plane whose second
        derivative is white over six cosine modes; out of the plane it is in proportion
        to the thickness. At most `radius`. It never carries a streamline out of its
        bundle.
    varying_ends : float, optional
        Share of a bundle's length over which streamlines start and stop, half of it at
        either end: of the centreline a streamline follows between
        ``1 - varying_ends`` and one. At most 0.9; zero gives whole streamlines only.
    nb_points : int, optional
        Points of each streamline, equally spaced. By default their number follows from
        `step`.
    step : float, optional
        Distance between points in mm, to the nearest one that divides the streamline
        equally, where `nb_points` is not given; at least 0.05.
    seed : int, optional
        Seed of the random numbers.

    Returns
    -------
    BundleSet
        Streamlines in RASMM mm, within the volume of 64 x 64 x 3 voxels of 3 mm.

    Raises
    ------
    ValueError
        If a number is outside the range given above.

    References
    ----------
    .. footbibliography::
    """
    check_parameters(
        nb_streamlines,
        radius=radius,
        thickness=thickness,
        curvature_noise=curvature_noise,
        varying_ends=varying_ends,
        nb_points=nb_points,
        step=step,
        seed=seed,
    )
    points, counts = [], []
    streams = np.random.SeedSequence(seed).spawn(len(BUNDLE_NAMES))
    for name, stream in zip(BUNDLE_NAMES, streams):
        draws = _draw(nb_streamlines, stream)
        for first in range(0, nb_streamlines, _CHUNK):
            curves = _curves(
                name,
                *(draw[first : first + _CHUNK] for draw in draws),
                radius=radius,
                thickness=thickness,
                curvature_noise=curvature_noise,
                varying_ends=varying_ends,
            )
            chunk_points, chunk_counts = _equal_steps(curves, nb_points, step)
            points.append(chunk_points)
            counts.append(chunk_counts)
    return BundleSet(
        streamlines=as_sequence(np.concatenate(points), np.concatenate(counts)),
        labels=np.repeat(np.arange(len(BUNDLE_NAMES), dtype=np.int32), nb_streamlines),
        bundle_names=BUNDLE_NAMES,
        reference=fibercup_reference(),
    )


def check_parameters(
    nb_streamlines: int,
    *,
    radius: float,
    thickness: float,
    curvature_noise: float,
    varying_ends: float,
    nb_points: int | None,
    step: float,
    seed: int,
) -> None:
    """Raise ValueError for parameters of `simulate_fibercup` out of their range."""
    _check(nb_streamlines >= 1, "nb_streamlines", nb_streamlines, "1 or more a bundle")
    check_cross_section(radius, thickness)
    noisy = 0 <= curvature_noise <= radius
    _check(noisy, "curvature_noise", curvature_noise, f"0 to radius={radius:g} mm")
    ends = 0 <= varying_ends <= MAX_VARYING_ENDS
    _check(ends, "varying_ends", varying_ends, f"0 to {MAX_VARYING_ENDS}")
    _check(nb_points is None or nb_points >= 2, "nb_points", nb_points, "2 or more")
    _check(MIN_STEP <= step < np.inf, "step", step, f"{MIN_STEP} mm or more")
    _check(seed >= 0, "seed", seed, "0 or more")


def fibercup_reference() -> Reference:
    """Return the grid of the phantom: 64 x 64 x 3 voxels of 3 mm from 0 mm on."""
    affine = np.diag([VOXEL_SIZE, VOXEL_SIZE, VOXEL_SIZE, 1.0])
    affine[:3, 3] = VOXEL_SIZE / 2
    return Reference(affine, DIMENSIONS)


def _check(accepted: bool, name: str, value: object, accepts: str) -> None:
    if not accepted:
        raise ValueError(f"{name}={value}: give {accepts}.")


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
    ranks = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    wanted = ranks / np.repeat(counts - 1, counts) + np.repeat(rows, counts)
    axes = [np.interp(wanted, known, axis) for axis in curves.reshape(-1, 3).T]
    return np.stack(axes, axis=-1).astype(np.float32), counts
