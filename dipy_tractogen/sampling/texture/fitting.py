"""Residuals of training streamlines, from what is decoded of them."""

from __future__ import annotations

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.array_sequence import take

from ..stratified import sample_each_group, split_halves
from . import details as flat
from .condition_effects import fit_gains_and_effects
from .endpoints import Endpoints, ends_of
from .profiles import ProfileTexture
from .residual_matching import coarse_shapes, orders_of

# Largest number of residuals stored of a bundle and in all, and of all their points, 6
# bytes each.
_MOST_OF_A_BUNDLE = 1000
_MOST_IN_ALL = 28_000
_MOST_POINTS = 600_000


def fit_residuals(
    texture,
    streamlines: ArraySequence,
    decoded: np.ndarray,
    labels: np.ndarray,
    conditions: np.ndarray,
    values: np.ndarray | None,
    seed: int,
) -> None:
    """Give a `Texture` the residuals of streamlines; arguments as of its `fit`.

    `decoded` are its `means`.
    """
    means = decoded[..., :3]
    texture.nb_points = means.shape[1]
    texture.ends = Endpoints().fit(
        ends_of(streamlines), means, labels, conditions=conditions, seed=seed
    )
    rng = np.random.default_rng(seed)
    at_most = int(_MOST_POINTS / np.mean(streamlines._lengths))
    limits = {"most": _MOST_OF_A_BUNDLE, "most_in_all": min(at_most, _MOST_IN_ALL)}
    rows = np.concatenate(sample_each_group(labels, rng, **limits))
    if values is not None:
        given = values, decoded, conditions, labels, rows
        texture.profiles = ProfileTexture().fit(streamlines, *given, seed)
    streamlines, means = take(streamlines, rows), means[rows]
    texture.labels = labels[rows].astype(np.int32)
    texture.conditions = conditions[rows].astype(np.float32)
    texture.counts = np.asarray(streamlines._lengths, dtype=np.int32)
    points = np.ascontiguousarray(streamlines._data.T)
    nb_orders = flat.nb_decoded(points)
    real = flat.coefficients(points, texture.counts, nb_orders)
    texture.shapes = coarse_shapes(means)
    coarse = orders_of(texture.shapes, nb_orders)
    sizes = flat.flat_lengths(points, texture.counts)
    sizes = np.column_stack([sizes, flat.curve_lengths(coarse)])
    texture.lengths = np.maximum(sizes, flat.SHORTEST_MM).astype(np.float32)
    _regress(texture, real, coarse, seed)
    texture.offsets = real - texture.gains[:, None] * coarse
    rest = points - flat.curves(real, texture.counts)
    texture.details, texture.units = flat.quantised(rest, texture.counts)


def _regress(texture, real, decoded, seed: int) -> None:
    """Fit gains and effects to pairs of streamlines and donors of one half each."""
    donors, others = split_halves(texture.labels, seed)
    given = (*texture.lengths[others].T[::-1], texture.shapes[others])
    matcher = texture.matcher_of(donors)
    donors = donors[matcher.draw(texture.labels[others], *given, seed)]
    pairs = (
        each[others] - each[donors] for each in (real, decoded, texture.conditions)
    )
    groups = np.unique(texture.labels)
    bundles = np.searchsorted(groups, texture.labels[others])
    texture.gains, texture.effects = fit_gains_and_effects(*pairs, bundles, len(groups))
