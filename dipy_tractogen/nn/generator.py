"""New streamlines from a model: latents, conditions, texture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dipy_tractogen.sampling.asked import Asked
from dipy_tractogen.sampling.generation import balanced as balance
from dipy_tractogen.sampling.generation import generate_batches, share
from dipy_tractogen.streamlines.conditions import BUNDLE, LENGTH
from dipy_tractogen.streamlines.geometry import resample

from .base import StreamlineCoder
from .record import TrainingRecord


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

        def decode(z, codes, numbers, stream):
            points = self._decode_drawn(z, codes, numbers, smooth, stream)
            if nb_points is None or nb_points == self.nb_points:
                return points
            return resample(points, nb_points)

        counts = share(nb_streamlines, weights)
        return generate_batches(density, decode, counts, asked, seed=seed)

    def _decode_drawn(self, z, codes, numbers, smooth: bool, stream) -> np.ndarray:
        conditions = self.record.density.conditions
        matrix = None
        if self.conditions_in_networks:
            matrix = conditions.matrix(codes, numbers)
        points = self.decode_matrix(z, matrix)
        if smooth or self.record.texture is None:
            return points
        length = conditions.restored(numbers)[LENGTH]
        # A stream of its own, not the one that the latents were drawn with.
        stream = (*stream, 1)
        return self.record.texture.apply(points, codes[:, 0], length, stream)
