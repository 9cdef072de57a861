"""New streamlines from a model: latents, conditions, texture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dipy_tractogen.sampling.asked import Asked
from dipy_tractogen.sampling.generation import balanced as balance
from dipy_tractogen.sampling.generation import generate_batches, share
from dipy_tractogen.streamlines.conditions import BUNDLE, LENGTH
from dipy_tractogen.streamlines.geometry import lengths, resample

from .base import StreamlineCoder
from .record import TrainingRecord

# Draws anew of streamlines that miss the length that is asked for by more than this
# share of it.
_ROUNDS = 8
_TOLERANCE = 0.005


class StreamlineGenerator(StreamlineCoder):
    """Base of the models: generation from the density that a training left.

    Parameters
    ----------
    *args, **kwargs
        As `StreamlineReader` takes them.

    Attributes
    ----------
    record : TrainingRecord
        What the training left: conditions, density of the latents, texture, history.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.record = TrainingRecord()

    def generate(
        self,
        nb_streamlines: int,
        bundles: str | Sequence[str] | None = None,
        *,
        conditions: Mapping | None = None,
        return_values: bool = False,
        **options,
    ) -> tuple[np.ndarray, ...]:
        """Generate new streamlines.

        Parameters
        ----------
        nb_streamlines : int
            Number of streamlines in all.
        bundles : str or sequence of str, optional
            Names of the bundles; all by default.
        conditions : mapping, optional
            What else is asked, by the name of a condition: a category or several, a
            number, or a range ``(low, high)``, as ``{"length": (80, 140)}``. What is
            not asked is drawn as the training had it, given what is.
        return_values : bool, optional
            Return the conditions of each streamline, too.
        **options
            ``balanced``, ``nb_points``, ``smooth`` and ``seed`` of `generate_batches`.

        Returns
        -------
        points : ndarray of shape (nb_streamlines, nb_points, 3), float32
            Points in RASMM mm, sorted by bundle.
        labels : ndarray of shape (nb_streamlines,), int32
            Bundle of each, an index into ``record.bundle_names``.
        values : dict of str to ndarray of shape (nb_streamlines,)
            Other conditions of each: codes of categories, and numbers. Only with
            `return_values`.

        Raises
        ------
        ValueError
            If the model is not trained, what is asked is unknown, or a number is
            impossible.
        """
        batches = self.generate_batches(
            nb_streamlines, bundles, conditions=conditions, **options
        )
        points, labels, values = zip(*batches)
        result = np.concatenate(points), np.concatenate(labels)
        if not return_values:
            return result
        names = values[0]
        return *result, {n: np.concatenate([v[n] for v in values]) for n in names}

    def generate_batches(
        self,
        nb_streamlines: int,
        bundles: str | Sequence[str] | None = None,
        *,
        conditions: Mapping | None = None,
        balanced: bool = False,
        nb_points: int | None = None,
        smooth: bool = False,
        seed: int = 0,
    ) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
        """Generate streamlines a batch at a time, in bounded memory.

        Parameters
        ----------
        nb_streamlines : int
            Number of streamlines in all.
        bundles : str or sequence of str, optional
            Names of the bundles; all by default.
        conditions : mapping, optional
            What else is asked, by the name of a condition; see `generate`.
        balanced : bool, optional
            As many for each bundle, in place of the proportions of the training.
        nb_points : int, optional
            Points of each streamline, by default those of the model.
        smooth : bool, optional
            Leave streamlines as they are decoded: the mean of what the latents do not
            say, too smooth and a little short.
        seed : int, optional
            Fixes the draw.

        Yields
        ------
        points : ndarray of shape (m, nb_points, 3), float32
            Points in RASMM mm.
        labels : ndarray of shape (m,), int32
            Bundle of each, an index into ``record.bundle_names``.
        values : dict of str to ndarray of shape (m,)
            Other conditions of each: codes of categories, and numbers.

        Raises
        ------
        ValueError
            If the model is not trained, what is asked is unknown, or a number is
            impossible.
        """
        density = self.record.density
        if density is None:
            raise ValueError("The model is not trained: call fit before generate.")
        given = dict(conditions or {})
        if bundles is not None:
            if BUNDLE in given:
                raise ValueError(
                    f"bundles={bundles} and the condition {BUNDLE}={given[BUNDLE]} are "
                    "both given: leave out one."
                )
            given[BUNDLE] = bundles
        asked = Asked(density.conditions, given)
        weights = density.weights(asked)
        if balanced:
            weights = balance(weights, density.cells[:, 0])

        texture = None if smooth else self.record.texture

        def draw(size, cell, stream):
            points, codes, numbers = self._draw(size, cell, asked, texture, stream)
            if nb_points not in (None, self.nb_points):
                points = resample(points, nb_points)
            return points, codes, numbers

        counts = share(nb_streamlines, weights)
        return generate_batches(density.conditions, draw, counts, seed=seed)

    def _draw(self, size: int, cell: int, asked: Asked, texture, stream):
        """Draw conditions and latents, decode them, and add texture."""
        density = self.record.density
        numbers, z = density.sample(size, cell, asked, stream)
        codes = np.repeat(density.cells[cell][None], size, axis=0)
        means = self._decode_drawn(z, codes, numbers)
        if texture is None:
            return means, codes, numbers

        def add_texture(means, numbers, *number_of_draw):
            # A stream of its own, not the one that the latents were drawn with.
            own = (*stream, 1, *number_of_draw)
            # All are of one bundle.
            labels = np.full(len(means), codes[0, 0])
            return texture.apply(means, labels, self._lengths(numbers), own)

        points = add_texture(means, numbers)
        if not asked.is_asked(LENGTH):
            return points, codes, numbers
        for again in range(_ROUNDS):
            asked_lengths = self._lengths(numbers)
            error = np.abs(lengths(points) - asked_lengths)
            wrong = np.flatnonzero(error > _TOLERANCE * asked_lengths)
            if not len(wrong):
                break
            numbers[wrong], z = density.sample(
                len(wrong), cell, asked, (*stream, 0, again)
            )
            means = self._decode_drawn(z, codes[wrong], numbers[wrong])
            points[wrong] = add_texture(means, numbers[wrong], again)
        return points, codes, numbers

    def _lengths(self, numbers: np.ndarray) -> np.ndarray:
        return self.record.density.conditions.restored(numbers)[LENGTH]

    def _decode_drawn(self, z, codes, numbers) -> np.ndarray:
        matrix = None
        if self.conditions_in_networks:
            matrix = self.record.density.conditions.matrix(codes, numbers)
        return self.decode_matrix(z, matrix)
