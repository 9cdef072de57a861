"""Walks through a latent space, decoded and measured, for `dipy_explore_latent`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Streamlines of a bundle that walk.
_MOST_WALKING = 60
# The outermost two percent of a number are not walked to.
_USUAL_PERCENTILES = (2, 98)


@dataclass
class Walk:
    """Streamlines at the steps of a walk.

    Attributes
    ----------
    name : str
        What changes on the way: ``z3``, the name of a number, or a bundle.
    places : ndarray of shape (s,)
        Where each step is: standard deviations from the mean of a latent dimension,
        a number in its unit, or the share of the second bundle.
    z : ndarray of shape (s,) or None
        The latent itself, of a latent dimension.
    points : ndarray of shape (n, s, p, 3)
        The decoded streamlines, in mm.
    origin : ndarray of shape (n, p, 3)
        Where displacements are measured from.
    """

    name: str
    places: np.ndarray
    z: np.ndarray | None
    points: np.ndarray
    origin: np.ndarray

    @cached_property
    def displacement(self) -> np.ndarray:
        """Mean distance in mm that points have moved at each step, (s,)."""
        import numpy as np

        # Step by step: all at once would need twice the memory.
        return np.array(
            [
                np.linalg.norm(step - self.origin, axis=-1).mean()
                for step in self.points.swapaxes(0, 1)
            ]
        )

    @property
    def reach(self) -> float:
        """Mean displacement at the two ends, in mm."""
        return float(self.displacement[[0, -1]].mean())

    def rows(self) -> list[tuple]:
        """Measure each step, for a table.

        Returns
        -------
        list of tuple
            Name, place, latent (empty where there is none), mean length in mm, mean
            curvature in 1/mm, and displacement in mm.
        """
        from dipy_tractogen.streamlines.geometry import (
            lengths,
            mean_curvature,
            resample,
        )

        rows = []
        for step, place in enumerate(self.places):
            # What is decoded is not spaced evenly, as curvature needs it.
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


class Walker:
    """Takes streamlines of one bundle for walks.

    Parameters
    ----------
    model : StreamlineModel
        The model.
    sample : LatentSample
        The streamlines to choose from.
    bundle : str
        Name of their bundle.
    seed : int
        Seed of the choice of 60 that walk, where there are more.
    """

    def __init__(self, model, sample, bundle: str, seed: int):
        import numpy as np

        from dipy_tractogen.metrics.latent import latent_units

        self.model = model
        self.sample = sample
        self.bundle = bundle
        own = sample.rows_of(bundle)
        deviation = None if sample.deviation is None else sample.deviation[own]
        self.centre = sample.z_mean[own].mean(axis=0)
        self.spread = latent_units(sample.z_mean[own], deviation)["spread"]
        self._own = own
        chosen = np.random.default_rng(seed).permutation(own)[:_MOST_WALKING]
        self._streamlines = sample.bundles.streamlines[chosen]
        self._values = sample.values_of(chosen)

    @property
    def nb_streamlines(self) -> int:
        """Streamlines that walk."""
        return len(self._streamlines)

    def along_dimension(self, dimension: int, places: np.ndarray) -> Walk:
        """Set a latent dimension to values around the mean of the bundle.

        Parameters
        ----------
        dimension : int
            The dimension.
        places : ndarray of shape (s,)
            Standard deviations of the bundle's aggregate posterior from its mean.

        Returns
        -------
        Walk
            Displacements are those from the mean.
        """
        import numpy as np

        centre, spread = self.centre[dimension], self.spread[dimension]
        z = centre + spread * places
        decoded = self._decoded(dimension, np.append(z, centre))
        return Walk(f"z{dimension}", places, z, decoded[:, :-1], decoded[:, -1])

    def along_number(self, name: str, nb_steps: int) -> Walk:
        """Set a number that the decoder reads to what the bundle has of it.

        Parameters
        ----------
        name : str
            Name of the number.
        nb_steps : int
            Steps from the second to the 98th percentile of the bundle's.

        Returns
        -------
        Walk
            Displacements are those from the first step.
        """
        import numpy as np

        known = self.sample.attributes[name][self._own]
        places = np.linspace(*np.percentile(known, _USUAL_PERCENTILES), nb_steps)
        decoded = self._decoded(name, places)
        return Walk(name, places, None, decoded, decoded[:, 0])

    def _decoded(self, along: int | str, places: np.ndarray) -> np.ndarray:
        return self.model.traverse(self._streamlines, along, places, self._values)


def between(
    model, sample, first: str, second: str, *, nb_steps: int, seed: int
) -> Walk:
    """Walk from streamlines of one bundle to those of another.

    Parameters
    ----------
    model : StreamlineModel
        The model.
    sample : LatentSample
        The streamlines to choose from.
    first, second : str
        Names of the bundles.
    nb_steps : int
        Steps, both ends included.
    seed : int
        Seed of the choice of the pairs.

    Returns
    -------
    Walk
        Of 60 pairs, fewer where a bundle has fewer. Displacements are those from the
        first bundle.
    """
    import numpy as np

    rows = [sample.rows_of(name) for name in (first, second)]
    sides = [sample.bundles.streamlines[own] for own in rows]
    values = [sample.values_of(own) for own in rows]
    nb_pairs = min(_MOST_WALKING, *map(len, rows))
    chosen = model.pair(
        *sides, nb_pairs, first_values=values[0], second_values=values[1], seed=seed
    )
    known = [
        {name: each[side] for name, each in given.items()}
        for given, side in zip(values, chosen)
    ]
    points = model.interpolate(
        *(side[own] for side, own in zip(sides, chosen)),
        nb_steps,
        first_values=known[0],
        second_values=known[1],
    )
    return Walk(second, np.linspace(0, 1, nb_steps), None, points, points[:, 0])
