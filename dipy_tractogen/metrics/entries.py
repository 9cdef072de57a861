"""The figures of one bundle, or of all together, as they stand in a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .comparison import MEASURES, OVERALL, average, compare
from .novelty import nearest_distances, novelty, repetition
from .samples import StreamlineSet, matched_draws, matched_sizes
from .texture import ATTRIBUTES, texture_means

Measured = dict[int | None, dict[str, float | None]]


@dataclass(frozen=True)
class Distances:
    """Distance of each streamline of a set to the nearest of another, MDF in mm.

    Attributes
    ----------
    generated_to_training, real_to_training : ndarray of shape (n,)
        To the nearest streamline of training; NaN where there is none.
    among_generated : ndarray of shape (n,)
        To the nearest other generated streamline.
    among_known : ndarray of shape (m,)
        Among the streamlines of training, or the held-out ones where there are none.
    """

    generated_to_training: np.ndarray
    real_to_training: np.ndarray
    among_generated: np.ndarray
    among_known: np.ndarray


@dataclass(frozen=True)
class Results:
    """All that was measured, from which entries are taken.

    Attributes
    ----------
    generated, real : StreamlineSet
        Generated and held-out real streamlines.
    training : StreamlineSet or None
        Real streamlines that a model was trained on.
    distances : Distances
        What novelty and repetition are made of.
    generated_draws, real_draws : sequence of dict
        Results of `compare` on each draw, of generated and of other real streamlines.
    nb_compared : dict of (int or None) to int
        Size of the samples of each bundle.
    """

    generated: StreamlineSet
    real: StreamlineSet
    training: StreamlineSet | None
    distances: Distances
    generated_draws: Sequence[Measured]
    real_draws: Sequence[Measured]
    nb_compared: dict[int | None, int]

    def entry(self, label: int | None) -> dict:
        """Give the figures of one bundle.

        Parameters
        ----------
        label : int or None
            The bundle, or `OVERALL`.

        Returns
        -------
        dict
            ``counts``, ``generated``, ``real``, ``held_out`` and ``ratios``; see
            :func:`dipy_tractogen.metrics.evaluation.evaluate`.
        """
        known = self.real if self.training is None else self.training
        found = self.distances
        to_training = _of(label, self.generated, found.generated_to_training)
        real_to_training = _of(label, self.real, found.real_to_training)
        among_generated = _of(label, self.generated, found.among_generated)
        among_known = _of(label, known, found.among_known)
        generated = {
            **_average(self.generated_draws, label),
            "nearest_training": _median(to_training),
            "repetition": repetition(among_generated, among_known),
        }
        real = {
            **_average(self.real_draws, label),
            "nearest_training": _median(real_to_training),
            "repetition": repetition(among_known, among_known),
        }
        w1 = [f"{name}_w1" for name in ATTRIBUTES]
        nb_generated = _count(label, self.generated)
        nb_training = 0 if self.training is None else _count(label, self.training)
        return {
            "counts": {
                "generated": nb_generated,
                "real": _count(label, self.real),
                "training": nb_training,
                "compared": self.nb_compared[label],
            },
            "generated": generated,
            "real": real,
            "held_out": texture_means(_attributes(label, self.real)),
            "ratios": {
                "novelty": novelty(to_training, real_to_training),
                **{name: ratio(generated[name], real[name]) for name in w1},
                "generated_per_training": ratio(nb_generated, nb_training),
            },
        }


def measure(
    generated: StreamlineSet,
    real: StreamlineSet,
    training: StreamlineSet | None,
    *,
    nb_draws: int,
    k: int,
    voxel_size: float,
    seed: int,
) -> Results:
    """Measure everything that entries are made of.

    Parameters
    ----------
    generated, real : StreamlineSet
        Generated and held-out real streamlines.
    training : StreamlineSet or None
        Real streamlines that a model was trained on.
    nb_draws : int
        Draws over which the comparisons are averaged.
    k : int
        Neighbours of precision, recall, density and coverage.
    voxel_size : float
        Voxels of Dice, overlap and overreach, in mm.
    seed : int
        Seed of the draws.

    Returns
    -------
    Results
        What was measured.
    """
    options = {"k": k, "voxel_size": voxel_size, "seed": seed}
    draws = matched_draws(real, generated, training, nb_draws=nb_draws, seed=seed)
    compared = [
        (
            compare(draw.generated, draw.reference, **options),
            compare(draw.baseline, draw.reference, **options),
        )
        for draw in draws
    ]
    sizes = matched_sizes(real, generated, training)
    distances = Distances(
        _to_nearest(generated, training),
        _to_nearest(real, training),
        _among(generated),
        _among(real if training is None else training),
    )
    return Results(
        generated=generated,
        real=real,
        training=training,
        distances=distances,
        generated_draws=[pair[0] for pair in compared],
        real_draws=[pair[1] for pair in compared],
        nb_compared={**sizes, OVERALL: sum(sizes.values())},
    )


def ratio(value: float | None, of: float | None) -> float | None:
    """Divide, where that has a meaning.

    Parameters
    ----------
    value, of : float or None
        Numerator and denominator.

    Returns
    -------
    float or None
        The ratio; None if either is None or the denominator is zero.
    """
    return value / of if value is not None and of else None


def _to_nearest(points: StreamlineSet, others: StreamlineSet | None) -> np.ndarray:
    if others is None or len(others) == 0:
        return np.full(len(points), np.nan)
    return nearest_distances(points.points, others.points)


def _among(streamlines: StreamlineSet) -> np.ndarray:
    if len(streamlines) < 2:
        return np.full(len(streamlines), np.nan)
    return nearest_distances(streamlines.points)


def _of(
    label: int | None, streamlines: StreamlineSet, values: np.ndarray
) -> np.ndarray:
    """Values of one bundle, without those that could not be measured."""
    values = values if label is OVERALL else values[streamlines.labels == label]
    return values[np.isfinite(values)]


def _count(label: int | None, streamlines: StreamlineSet) -> int:
    if label is OVERALL:
        return len(streamlines)
    return int(np.sum(streamlines.labels == label))


def _attributes(label: int | None, streamlines: StreamlineSet) -> dict:
    attributes = streamlines.attributes.items()
    return {name: _of(label, streamlines, values) for name, values in attributes}


def _average(draws: Sequence[Measured], label: int | None) -> dict:
    measured = [draw[label] for draw in draws if label in draw]
    return average(measured) if measured else dict.fromkeys(MEASURES)


def _median(values: np.ndarray) -> float | None:
    return float(np.median(values)) if len(values) else None
