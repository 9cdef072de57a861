"""What is known of a model's data and latents, once its weights are settled."""

from __future__ import annotations

from collections.abc import Sequence
import hashlib
import logging

import numpy as np

from dipy_tractogen.sampling.mixture import LatentMixture
from dipy_tractogen.streamlines.geometry import lengths
from dipy_tractogen.streamlines.orientation import bundle_directions, orient
from dipy_tractogen.streamlines.reference import Reference

from .checks import check_bundles
from .record import TrainingRecord, current_versions

logger = logging.getLogger("dipy_tractogen")

# Latents that a bundle's density is fitted to: draws from each posterior, in all.
_MOST_DRAWS = 8
_ENOUGH_LATENTS = 2000
_MOST_LATENTS = 20000


class OrientedBundles:
    """Streamlines that run as their bundles do, and what the network reads of them.

    Parameters
    ----------
    model : StreamlineModel
        The model.
    points : ndarray of shape (n, nb_points, 3)
        Streamlines in RASMM mm, in either direction.
    labels : ndarray of shape (n,), optional
        Bundle of each, an index into `bundle_names`; one bundle without it.
    bundle_names : sequence of str, optional
        Names of the bundles; ``bundle_0`` and so on without it.

    Attributes
    ----------
    labels : ndarray of shape (n,), int32
        Bundle of each streamline.
    names : tuple of str
        Names of the bundles.
    counts : ndarray of int
        Streamlines of each bundle.
    directions : ndarray
        Direction of each bundle.
    features : ndarray of shape (n, *backbone.feature_shape)
        What the network reads, in mm.

    Raises
    ------
    ValueError
        If the arrays do not fit together, or a bundle has no streamline.
    """

    def __init__(
        self,
        model,
        points: np.ndarray,
        labels: np.ndarray | None,
        bundle_names: Sequence[str] | None,
    ):
        self.points = points
        self.labels, self.names = check_bundles(
            points, labels, bundle_names, model.nb_points
        )
        self.counts = np.bincount(self.labels, minlength=len(self.names))
        if not self.counts.all():
            raise ValueError(
                f"bundle_names hold {self.names[int(np.argmin(self.counts))]}, which "
                "has no training streamline: leave it out."
            )
        self.directions = bundle_directions(points, self.labels, len(self.names))
        self._analyse = model.backbone.analyse
        self.features = self._analyse(orient(points, self.labels, self.directions))

    def features_of(self, points: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        """Give what the network reads of other streamlines of the same bundles.

        Parameters
        ----------
        points : ndarray of shape (m, nb_points, 3)
            Streamlines in RASMM mm, in either direction.
        labels : ndarray of shape (m,), optional
            Bundle of each; needed where there is more than one.

        Returns
        -------
        ndarray of shape (m, *backbone.feature_shape)
            Features in mm.

        Raises
        ------
        ValueError
            If the arrays do not fit together.
        """
        if labels is None and len(self.names) > 1:
            raise ValueError(
                "held_out_labels is missing: give the bundle of each held-out "
                "streamline, as labels do for points."
            )
        labels, _ = check_bundles(points, labels, self.names, self.points.shape[1])
        return self._analyse(orient(points, labels, self.directions))

    def length_ranges(self) -> list[list[float]]:
        """Give the shortest and the longest streamline of each bundle, in mm."""
        size = lengths(self.points)
        by_bundle = [size[self.labels == label] for label in range(len(self.names))]
        return [[float(part.min()), float(part.max())] for part in by_bundle]


def digest(*arrays: np.ndarray | None) -> str:
    """Give the SHA-256 of arrays, one after the other.

    Parameters
    ----------
    *arrays : ndarray or None
        The arrays; None counts as none.

    Returns
    -------
    str
        In hexadecimal.
    """
    result = hashlib.sha256()
    for array in arrays:
        if array is not None:
            result.update(np.ascontiguousarray(array).data)
    return result.hexdigest()


def describe(
    model,
    points: np.ndarray,
    labels: np.ndarray | None = None,
    bundle_names: Sequence[str] | None = None,
    *,
    seed: int = 0,
) -> None:
    """Fit the density of the latents of streamlines to a model that has its weights.

    `StreamlineModel.fit` does so itself; weights that were imported need it before
    streamlines can be generated.

    Parameters
    ----------
    model : StreamlineModel
        The model; its record is filled.
    points : ndarray of shape (n, nb_points, 3)
        Streamlines in RASMM mm, in either direction.
    labels : ndarray of shape (n,), optional
        Bundle of each, an index into `bundle_names`; one bundle without it.
    bundle_names : sequence of str, optional
        Names of the bundles; ``bundle_0`` and so on without it.
    seed : int, optional
        Seed of the density.

    Raises
    ------
    ValueError
        If an array has another shape or holds values that are not finite.
    """
    bundles = OrientedBundles(model, points, labels, bundle_names)
    model.record = record_of(model, bundles, seed)


def record_of(model, bundles: OrientedBundles, seed: int) -> TrainingRecord:
    """Describe data and latents.

    Parameters
    ----------
    model : StreamlineModel
        The model, trained.
    bundles : OrientedBundles
        Its training streamlines.
    seed : int
        Seed of the density.

    Returns
    -------
    TrainingRecord
        With everything but the parameters and the history of a training.
    """
    reference = model.record.reference or Reference.covering(bundles.points).to_dict()
    record = TrainingRecord(
        bundle_names=list(bundles.names),
        bundle_counts=bundles.counts.tolist(),
        length_ranges=bundles.length_ranges(),
        directions=bundles.directions.tolist(),
        reference=reference,
        data={**model.record.data, "digest": digest(bundles.points)},
        versions=current_versions(),
    )
    _describe_latents(model, bundles, seed, record)
    record.truncation_mm = float(np.mean(model.truncation_error(bundles.points)))
    return record


def measure_held_out(model, held_out: np.ndarray) -> dict[str, float]:
    """Measure the point error of streamlines that were not trained on.

    Parameters
    ----------
    model : StreamlineModel
        The model, trained.
    held_out : ndarray of shape (m, nb_points, 3)
        Streamlines in RASMM mm.

    Returns
    -------
    dict of str to float
        ``mean`` and ``percentile_95``, in mm.
    """
    error = np.linalg.norm(model.reconstruct(held_out) - held_out, axis=-1)
    error = error.mean(axis=1)
    return {
        "mean": float(error.mean()),
        "percentile_95": float(np.percentile(error, 95)),
    }


def _describe_latents(model, bundles, seed: int, record: TrainingRecord) -> None:
    """Fit the density of the latents and count the active ones."""
    z_mean, deviation = model.posterior_of(bundles.features)
    active = model.active_dimensions(z_mean)
    record.active_units = int(active.sum())
    if not active.any():
        logger.warning(
            "The posterior has collapsed: no latent says anything of a streamline; "
            "train longer, or give a smaller beta or sigma_mm."
        )
    labels, names = bundles.labels, bundles.names
    rows = _draws(labels, len(names), np.random.default_rng(seed))
    noise = np.random.default_rng(seed).standard_normal((len(rows), model.latent_dim))
    z = z_mean[rows] + deviation[rows] * noise
    record.density = LatentMixture(seed=seed).fit(z, labels[rows], names, active=active)


def _draws(labels, nb_bundles: int, rng: np.random.Generator) -> np.ndarray:
    """Choose the streamlines whose posteriors the density is fitted to.

    The density is that of all posteriors together, so a small bundle gives several
    draws of each; a large one gives a part of its streamlines.
    """
    rows = []
    for label in range(nb_bundles):
        members = rng.permutation(np.flatnonzero(labels == label))
        repeats = min(_MOST_DRAWS, -(-_ENOUGH_LATENTS // max(len(members), 1)))
        rows.append(np.tile(members[:_MOST_LATENTS], repeats))
    return np.concatenate(rows)
