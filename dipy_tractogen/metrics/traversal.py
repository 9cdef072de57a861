"""Traversals of a latent space: streamlines that are decoded step by step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dipy_tractogen.streamlines.geometry import lengths, mean_curvature, resample

from .disentanglement import latent_units

# Streamlines of a bundle that are decoded at each step.
_MOST_STREAMLINES = 60
# The outermost two percent of a number are left out.
_USUAL_PERCENTILES = (2, 98)


@dataclass
class Traversal:
    """Streamlines at the steps of a traversal.

    Attributes
    ----------
    name : str
        What changes: a latent dimension such as ``z3``, a number, or a bundle.
    places : ndarray of shape (s,)
        Value at each step: standard deviations from the mean of a latent dimension,
        a number in its unit, or the share of the second bundle.
    z : ndarray of shape (s,) or None
        Value of the latent, for a latent dimension.
    points : ndarray of shape (n, s, p, 3)
        The decoded streamlines, in RASMM mm.
    origin : ndarray of shape (n, p, 3)
        Streamlines that displacements are measured from.
    """

    name: str
    places: np.ndarray
    z: np.ndarray | None
    points: np.ndarray
    origin: np.ndarray

    @cached_property
    def displacement(self) -> np.ndarray:
        """Mean distance in mm that points have moved at each step, (s,)."""
        # Step by step: all at once would need twice the memory.
        return np.array(
            [
                np.linalg.norm(step - self.origin, axis=-1).mean()
                for step in self.points.swapaxes(0, 1)
            ]
        )

    @property
    def reach(self) -> float:
        """Mean displacement of the first and the last step, in mm."""
        return float(self.displacement[[0, -1]].mean())

    def rows(self) -> list[tuple]:
        """Measure each step, for a table.

        Returns
        -------
        list of tuple
            Name, place, latent (empty where there is none), mean length in mm, mean
            curvature in 1/mm, and displacement in mm.
        """
        rows = []
        for step, place in enumerate(self.places):
            # Curvature needs equal spacing, which decoded points do not have.
            decoded = self.points[:, step]
            points = resample(decoded, decoded.shape[1])
            rows.append(
                (
                    self.name,
                    float(place),
                    "" if self.z is None else float(self.z[step]),
                    float(lengths(decoded).mean()),
                    float(mean_curvature(points).mean()),
                    float(self.displacement[step]),
                )
            )
        return rows


class BundleTraverser:
    """Streamlines of a bundle that traverse the latent space.

    Parameters
    ----------
    model : StreamlineModel
        The model, trained.
    sample : LatentSample
        Streamlines, from `sample_latents`.
    bundle : str
        Name of the bundle.
    seed : int, optional
        Seed of the choice of 60 streamlines, where the bundle has more.
    """

    def __init__(self, model, sample, bundle: str, seed: int = 0):
        self.model, self.sample, self.bundle = model, sample, bundle
        own = sample.rows_of(bundle)
        deviation = None if sample.deviation is None else sample.deviation[own]
        self._centre = sample.z_mean[own].mean(axis=0)
        self._spread = latent_units(sample.z_mean[own], deviation)["spread"]
        self._own = own
        chosen = np.random.default_rng(seed).permutation(own)[:_MOST_STREAMLINES]
        self._streamlines = sample.bundles.select(chosen)

    @property
    def nb_streamlines(self) -> int:
        """Number of streamlines that are decoded at each step."""
        return len(self._streamlines)

    def along_dimension(self, dimension: int, places: np.ndarray) -> Traversal:
        """Set a latent dimension to values around the mean of the bundle.

        Parameters
        ----------
        dimension : int
            The dimension.
        places : ndarray of shape (s,)
            Standard deviations of the bundle's aggregate posterior from its mean.

        Returns
        -------
        Traversal
            Displacements are those from the mean.
        """
        centre, spread = self._centre[dimension], self._spread[dimension]
        z = centre + spread * places
        decoded = self._decoded(dimension, np.append(z, centre))
        return Traversal(f"z{dimension}", places, z, decoded[:, :-1], decoded[:, -1])

    def along_number(self, name: str, nb_steps: int) -> Traversal:
        """Set a number that the decoder reads to values that the bundle has.

        Parameters
        ----------
        name : str
            Name of the number.
        nb_steps : int
            Number of steps, from the second to the 98th percentile of the bundle.

        Returns
        -------
        Traversal
            Displacements are those from the first step.
        """
        known = self.sample.attributes[name][self._own]
        places = np.linspace(*np.percentile(known, _USUAL_PERCENTILES), nb_steps)
        decoded = self._decoded(name, places)
        return Traversal(name, places, None, decoded, decoded[:, 0])

    def _decoded(self, along: int | str, places: np.ndarray) -> np.ndarray:
        return self.model.traverse(self._streamlines, along, places)


def traverse_between(
    model, sample, first: str, second: str, *, nb_steps: int, seed: int = 0
) -> Traversal:
    """Interpolate from streamlines of one bundle to those of another.

    Parameters
    ----------
    model : StreamlineModel
        The model, trained.
    sample : LatentSample
        Streamlines, from `sample_latents`.
    first, second : str
        Names of the bundles.
    nb_steps : int
        Number of steps, both ends included.
    seed : int, optional
        Seed of the choice of the pairs.

    Returns
    -------
    Traversal
        Of 60 pairs, or all where a bundle has fewer. Displacements are those from the
        first bundle.
    """
    rows = [sample.rows_of(name) for name in (first, second)]
    sides = [sample.bundles.select(own) for own in rows]
    nb_pairs = min(_MOST_STREAMLINES, *map(len, rows))
    chosen = model.pair(*sides, nb_pairs, seed=seed)
    pairs = (side.select(own) for side, own in zip(sides, chosen))
    points = model.interpolate(*pairs, nb_steps)
    return Traversal(second, np.linspace(0, 1, nb_steps), None, points, points[:, 0])
