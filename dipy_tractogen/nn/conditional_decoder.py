"""Decoder of draws from a density of latents and conditions, with their texture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.sampling.condition_request import ConditionRequest
from dipy_tractogen.sampling.density import ConditionalDensity
from dipy_tractogen.sampling.texture.arc_length import with_equal_steps
from dipy_tractogen.sampling.texture.texture import Texture
from dipy_tractogen.streamlines.array_sequence import (
    concatenate_streamlines,
    coordinates_of,
    select,
)
from dipy_tractogen.streamlines.conditions import LENGTH
from dipy_tractogen.streamlines.geometry import arc_lengths

if TYPE_CHECKING:
    from .model import StreamlineModel

# Most times that streamlines are drawn again because their length differs from the
# requested one, and the largest difference, as a share of it.
_MOST_REDRAWS = 8
_TOLERANCE = 0.005


@dataclass
class ConditionalDecoder:
    """Draws conditions and latents of a density, decodes them and adds texture.

    Without a texture the streamlines are smooth.
    """

    model: StreamlineModel
    density: ConditionalDensity
    request: ConditionRequest
    texture: Texture | None

    def __call__(
        self, size: int, stratum: int, stream: tuple
    ) -> tuple[np.ndarray | ArraySequence, np.ndarray, np.ndarray]:
        """Draw `size` streamlines of a combination of categories.

        `stratum` is the index of the combination in the density; `stream` fixes the
        draw.

        Returns streamlines in RASMM mm, with the points of those of the training or,
        without a texture, (size, nb_points, 3) at equal steps, and channels of the
        values along them beside the coordinates; the codes of their categories (size,
        nb_categorical) and standardised numbers (size, nb_continuous).
        """
        numbers, z = self.density.sample(size, stratum, self.request, stream)
        codes = np.repeat(self.density.strata[stratum][None], size, axis=0)
        if self.texture is None:
            made = self.model.coder.decode_channels(z, self._read(codes, numbers))
            means = with_equal_steps(coordinates_of(made))
            if self.model.profiles:
                means = np.concatenate([means, made[..., 3:]], axis=2)
            return means, codes, numbers
        # Another stream than that of the latents.
        points = self._textured(z, codes, numbers, (*stream, 1))
        if not self.request.has(LENGTH):
            return points, codes, numbers
        for again in range(_MOST_REDRAWS):
            requested = self._lengths(numbers)
            error = np.abs(arc_lengths(coordinates_of(points)) - requested)
            wrong = np.flatnonzero(error > _TOLERANCE * requested)
            if not len(wrong):
                break
            numbers[wrong], z = self.density.sample(
                len(wrong), stratum, self.request, (*stream, 0, again)
            )
            others = self._textured(
                z, codes[wrong], numbers[wrong], (*stream, 1, again)
            )
            chosen = np.arange(size)
            chosen[wrong] = size + np.arange(len(wrong))
            points = select(concatenate_streamlines([points, others]), chosen)
        return points, codes, numbers

    def _textured(self, z, codes, numbers, stream) -> np.ndarray | ArraySequence:
        points = self.texture.apply_to_coefficients(
            self.model.coder.decode_coefficients(
                z, self._read(codes, numbers), self.texture.nb_orders
            ),
            codes[:, 0],
            self._lengths(numbers),
            stream,
            conditions=self.density.conditions.given_matrix(codes, numbers),
            exact=self.request.has(LENGTH),
            **self._options,
        )
        if self.texture.is_even:
            return points._data.reshape(len(points), self.texture.mean_points, -1)
        return points

    @property
    def _options(self) -> dict:
        """Return options of a texture with values along the streamlines."""
        trained = self.model.record.density
        if not self.model.profiles or trained is None:
            return {}
        return {"shifted": self.density.posteriors is trained.posteriors}

    def _lengths(self, numbers: np.ndarray) -> np.ndarray:
        return self.density.conditions.restored(numbers)[LENGTH]

    def _read(self, codes, numbers) -> np.ndarray | None:
        """Return the conditions that the decoder reads."""
        if not self.model.conditions_in_networks:
            return None
        return self.density.conditions.matrix(codes, numbers)
