"""Streamlines of one combination of categories, drawn and decoded."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.sampling.condition_request import ConditionRequest
from dipy_tractogen.sampling.density import ConditionalDensity
from dipy_tractogen.sampling.texture.arc_length import with_equal_steps
from dipy_tractogen.sampling.texture.texture import Texture
from dipy_tractogen.streamlines.conditions import LENGTH
from dipy_tractogen.streamlines.geometry import lengths

# Streamlines are drawn again, up to so often, if their length differs from the
# requested one by more than this share of it.
_ROUNDS = 8
_TOLERANCE = 0.005


class ConditionalDecoder:
    """Draws conditions and latents of a density, decodes them and adds texture.

    Without a texture the streamlines are smooth.
    """

    def __init__(
        self,
        model,
        density: ConditionalDensity,
        request: ConditionRequest,
        texture: Texture | None,
    ):
        self._model, self._density = model, density
        self._request, self._texture = request, texture

    def __call__(
        self, size: int, stratum: int, stream: tuple
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw `size` streamlines of a combination of categories.

        `stratum` is the index of the combination in the density; `stream` fixes the
        draw.

        Returns points (size, nb_points, 3) in RASMM mm, at equal steps, the codes of
        their categories (size, nb_categorical) and standardised numbers (size,
        nb_continuous).
        """
        numbers, z = self._density.sample(size, stratum, self._request, stream)
        codes = np.repeat(self._density.strata[stratum][None], size, axis=0)
        means = self._decode(z, codes, numbers)
        if self._texture is None:
            return with_equal_steps(means), codes, numbers
        # Another stream than that of the latents.
        points = self._textured(means, codes, numbers, (*stream, 1))
        if not self._request.has(LENGTH):
            return points, codes, numbers
        for again in range(_ROUNDS):
            asked_lengths = self._lengths(numbers)
            error = np.abs(lengths(points) - asked_lengths)
            wrong = np.flatnonzero(error > _TOLERANCE * asked_lengths)
            if not len(wrong):
                break
            numbers[wrong], z = self._density.sample(
                len(wrong), stratum, self._request, (*stream, 0, again)
            )
            means = self._decode(z, codes[wrong], numbers[wrong])
            points[wrong] = self._textured(
                means, codes[wrong], numbers[wrong], (*stream, 1, again)
            )
        return points, codes, numbers

    def _textured(self, means, codes, numbers, stream) -> np.ndarray:
        return self._texture.apply(
            means,
            codes[:, 0],
            self._lengths(numbers),
            stream,
            exact=self._request.has(LENGTH),
        )

    def _lengths(self, numbers: np.ndarray) -> np.ndarray:
        return self._density.conditions.restored(numbers)[LENGTH]

    def _decode(self, z, codes, numbers) -> np.ndarray:
        matrix = None
        if self._model.conditions_in_networks:
            matrix = self._density.conditions.matrix(codes, numbers)
        return self._model.coder.decode(z, matrix)
