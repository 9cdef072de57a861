"""Measures of one bundle, or of all together, as an entry of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .attribute_distances import attribute_means
from .comparison import OVERALL, Comparison, Measured, average
from .copies.memorisation import memorisation
from .copies.novelty import nearest_distances, novelty, repetition
from .measures import MEASURES, W1
from .samples import StreamlineSet, draw_matched_samples, matched_sizes


class Distances(NamedTuple):
    """MDF in mm of each streamline of a set to the nearest of another.

    NaN where there is none. ``among_known`` is among the streamlines of training, or
    the held-out ones without training.
    """

    generated_to_training: np.ndarray
    real_to_training: np.ndarray
    among_generated: np.ndarray
    among_known: np.ndarray


@dataclass(frozen=True)
class DrawResults:
    """Measures of one draw, of ``generated`` and of other ``real`` streamlines.

    ``rows`` tells which streamlines were ``generated``, ``reference`` and ``baseline``.
    """

    measured: dict[str, Measured]
    rows: dict[str, np.ndarray]


@dataclass(frozen=True)
class Results:
    """Everything that the entries of a report are computed from."""

    generated: StreamlineSet
    real: StreamlineSet
    training: StreamlineSet | None
    distances: Distances
    draws: Sequence[DrawResults]
    nb_compared: dict[int | None, int]

    @property
    def known(self) -> StreamlineSet:
        """Streamlines of training, or the held-out ones without training."""
        return self.real if self.training is None else self.training

    def distances_of(self, label: int | None) -> Distances:
        """Return the finite distances of one bundle, or `OVERALL`."""
        sets = (self.generated, self.real, self.generated, self.known)
        found = zip(sets, self.distances)
        return Distances(*(of_bundle(label, *each) for each in found))

    def entry(self, label: int | None) -> dict:
        """Return the entry of one bundle, or `OVERALL`; `evaluate` describes it."""
        found = self.distances_of(label)
        copies = memorisation(found.generated_to_training, found.real_to_training)
        sides = {
            "generated": (found.generated_to_training, found.among_generated),
            "real": (found.real_to_training, found.among_known),
        }
        sides = {
            kind: {
                **_average([draw.measured[kind] for draw in self.draws], label),
                "nearest_training": _median(to_training),
                "repetition": repetition(among, found.among_known),
                "memorised": copies and copies[kind],
            }
            for kind, (to_training, among) in sides.items()
        }
        nb_generated = _count(label, self.generated)
        nb_training = 0 if self.training is None else _count(label, self.training)
        held_out = attribute_means(
            {
                name: of_bundle(label, self.real, values)
                for name, values in self.real.attributes.items()
            }
        )
        return {
            "counts": {
                "generated": nb_generated,
                "real": _count(label, self.real),
                "training": nb_training,
                "compared": self.nb_compared[label],
            },
            **sides,
            "held_out": {name: mean.value for name, mean in held_out.items()},
            "ratios": {
                "novelty": novelty(found.generated_to_training, found.real_to_training),
                **{
                    name: ratio(sides["generated"][name], sides["real"][name])
                    for name in W1
                },
                "generated_per_training": ratio(nb_generated, nb_training),
            },
            "memorisation": copies,
        }


def measure(
    generated: StreamlineSet,
    real: StreamlineSet,
    training: StreamlineSet | None,
    *,
    nb_draws: int,
    k: int,
    seed: int,
) -> Results:
    """Measure all that entries are computed from, on sets with their voxels."""
    draws = []
    for draw in draw_matched_samples(
        real, generated, training, nb_draws=nb_draws, seed=seed
    ):
        comparison = Comparison(draw.reference, k=k, seed=seed)
        sides = {"generated": draw.generated, "real": draw.baseline}
        measured = {kind: comparison.measure(each) for kind, each in sides.items()}
        parts = ("generated", "reference", "baseline")
        rows = {name: getattr(draw, name).rows for name in parts}
        draws.append(DrawResults(measured, rows))
    sizes = matched_sizes(real, generated, training)
    return Results(
        generated=generated,
        real=real,
        training=training,
        distances=Distances(
            _to_nearest(generated, training),
            _to_nearest(real, training),
            _among(generated),
            _among(real if training is None else training),
        ),
        draws=draws,
        nb_compared={**sizes, OVERALL: sum(sizes.values())},
    )


def ratio(value: float | None, of: float | None) -> float | None:
    """Return value / of; None if either is None or the denominator is zero."""
    return value / of if value is not None and of else None


def of_bundle(
    label: int | None, streamlines: StreamlineSet, values: np.ndarray
) -> np.ndarray:
    """Return the finite values of the streamlines of one bundle, or `OVERALL`."""
    values = values if label is OVERALL else values[streamlines.labels == label]
    return values[np.isfinite(values)]


def _to_nearest(points: StreamlineSet, others: StreamlineSet | None) -> np.ndarray:
    if others is None or len(others) == 0:
        return np.full(len(points), np.nan)
    return nearest_distances(points.points, others.points)


def _among(streamlines: StreamlineSet) -> np.ndarray:
    if len(streamlines) < 2:
        return np.full(len(streamlines), np.nan)
    return nearest_distances(streamlines.points)


def _count(label: int | None, streamlines: StreamlineSet) -> int:
    if label is OVERALL:
        return len(streamlines)
    return int(np.sum(streamlines.labels == label))


def _average(draws: Sequence[Measured], label: int | None) -> dict:
    measured = [draw[label] for draw in draws if label in draw]
    return average(measured) if measured else dict.fromkeys(MEASURES)


def _median(values: np.ndarray) -> float | None:
    return float(np.median(values)) if len(values) else None
