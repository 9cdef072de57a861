"""Length, curvature, tortuosity and winding: whether streamlines look as real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dipy_tractogen.sampling.plausibility.winding import winding
from dipy_tractogen.streamlines.array_sequence import as_streamlines
from dipy_tractogen.streamlines.geometry import (
    mean_curvature,
    own_lengths,
    resample,
    tortuosity,
)

from .estimate import Estimate, mean_estimate, parts_of_mean

if TYPE_CHECKING:
    from .samples import StreamlineSet

UNITS = {"length": "mm", "curvature": "1/mm", "tortuosity": "", "winding": "degrees"}
"""The attributes compared, and their units."""

ATTRIBUTES = tuple(UNITS)
"""Names of the attributes compared."""

NB_POINTS = 100
"""Number of points on which curvature and winding are measured, by default."""


def texture(streamlines, *, nb_points: int = NB_POINTS) -> dict[str, np.ndarray]:
    """Measure length, mean curvature, tortuosity and winding of each streamline.

    Lengths are along all points as they are stored, since resampling cuts corners.

    Parameters
    ----------
    streamlines : ArraySequence or ndarray of shape (n, p, 3)
        Points in mm.
    nb_points : int, optional
        Points at equal arc length on which curvature and winding are measured: the
        curvature of unequally spaced points means nothing, and that of another number
        of points is another.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        ``length`` in mm, ``curvature`` in 1/mm, ``tortuosity``, the length over the
        distance between the ends, and ``winding`` in degrees, as
        :func:`~dipy_tractogen.sampling.plausibility.winding.winding` has it.

    Raises
    ------
    ValueError
        If `nb_points` is below three.
    """
    if nb_points < 3:
        raise ValueError(f"nb_points={nb_points}: curvature needs three or more.")
    streamlines = as_streamlines(streamlines)
    points, size = resample(streamlines, nb_points), own_lengths(streamlines)
    return {
        "length": size,
        "curvature": mean_curvature(points),
        "tortuosity": tortuosity(points, size),
        "winding": winding(points),
    }


def texture_distances(
    candidates: dict[str, np.ndarray], reference: dict[str, np.ndarray]
) -> dict[str, Estimate]:
    """Compare the distributions of attributes of two sets of streamlines.

    Parameters
    ----------
    candidates : dict of str to ndarray of shape (n,)
        Attributes of generated streamlines, from `texture`.
    reference : dict of str to ndarray of shape (m,)
        Attributes of real streamlines.

    Returns
    -------
    dict of str to Estimate
        For each attribute ``<name>_w1``, the Wasserstein-1 distance in the unit of the
        attribute.

    Raises
    ------
    ValueError
        If a set is empty.
    """
    if not len(candidates["length"]) or not len(reference["length"]):
        raise ValueError("Distributions cannot be compared without any streamline.")
    return {
        f"{name}_w1": _wasserstein_1(candidates[name], reference[name])
        for name in ATTRIBUTES
    }


def texture_means(attributes: dict[str, np.ndarray]) -> dict[str, Estimate]:
    """Average the attributes of a set of streamlines.

    Parameters
    ----------
    attributes : dict of str to ndarray of shape (n,)
        From `texture`, of at least one streamline.

    Returns
    -------
    dict of str to Estimate
        For each attribute ``mean_<name>``, in its unit.
    """
    return {f"mean_{name}": mean_estimate(attributes[name]) for name in ATTRIBUTES}


def _wasserstein_1(ours: np.ndarray, theirs: np.ndarray) -> Estimate:
    """Area between two distribution functions, and what each value adds to it."""
    merged = np.sort(np.concatenate([ours, theirs]))
    widths = np.diff(merged)
    below = [
        np.searchsorted(np.sort(values), merged[:-1], side="right") / len(values)
        for values in (ours, theirs)
    ]
    difference = below[0] - below[1]
    # A value raises its distribution function everywhere above it.
    signed = np.append(np.sign(difference) * widths, 0)
    raised = np.cumsum(signed[::-1])[::-1]
    ours, theirs = (raised[np.searchsorted(merged, x)] for x in (ours, theirs))
    return Estimate(
        float(np.sum(np.abs(difference) * widths)),
        parts_of_mean(ours),
        -parts_of_mean(theirs),
    )


_NB_BINS = 40
# Few streamlines are far longer or more wound than all others.
_PERCENTILES = (1, 99)


def distributions(
    generated: StreamlineSet, real: StreamlineSet, names: Mapping[int, str]
) -> dict[str, dict]:
    """Count the generated and the held-out streamlines by their attributes.

    Parameters
    ----------
    generated, real : StreamlineSet
        Generated and held-out real streamlines.
    names : mapping of int to str
        Label and name of the bundles.

    Returns
    -------
    dict of str to dict
        For length, curvature, tortuosity and winding the ``unit``; the ``edges`` of
        forty equal bins, the first and the last of which also count what is beyond;
        and ``overall`` and in ``bundles`` by name the shares of the bins, of
        ``generated`` and of ``real`` streamlines.
    """
    return {
        name: _distribution(name, unit, generated, real, names)
        for name, unit in UNITS.items()
    }


def _distribution(
    name: str,
    unit: str,
    generated: StreamlineSet,
    real: StreamlineSet,
    names: Mapping[int, str],
) -> dict:
    sets = {"generated": generated, "real": real}
    values = {kind: each.attributes[name] for kind, each in sets.items()}
    both = np.concatenate(list(values.values()))
    low, high = np.percentile(both, _PERCENTILES)
    # Equal values still need a bin that is seen.
    margin = 0.0 if high > low else max(abs(low), 1.0) / 100
    edges = np.linspace(low - margin, high + margin, _NB_BINS + 1)
    shares = {kind: _shares(each, edges) for kind, each in values.items()}
    bundles = {
        bundle: {
            kind: _shares(values[kind][each.labels == label], edges)
            for kind, each in sets.items()
        }
        for label, bundle in names.items()
    }
    return {
        "unit": unit,
        "edges": edges.tolist(),
        "overall": shares,
        "bundles": bundles,
    }


def _shares(values: np.ndarray, edges: np.ndarray) -> list[float]:
    bins = np.searchsorted(edges[1:-1], values, side="right")
    return (np.bincount(bins, minlength=len(edges) - 1) / len(values)).tolist()
