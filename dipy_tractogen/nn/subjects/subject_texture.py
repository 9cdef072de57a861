"""Where the bundles of a subject lie, in mm, and their texture there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dipy_tractogen.sampling.condition_request import ConditionRequest
from dipy_tractogen.sampling.density import ConditionalDensity
from dipy_tractogen.sampling.subject.density import SubjectDensity
from dipy_tractogen.sampling.subject.prior import BETWEEN_SHARE
from dipy_tractogen.sampling.subject.texture import SubjectTexture
from dipy_tractogen.sampling.texture.texture import Texture
from dipy_tractogen.streamlines.array_sequence import coordinates_of
from dipy_tractogen.streamlines.conditions import COMPUTED, LENGTH
from dipy_tractogen.streamlines.geometry import resample

# Draws by which mean displacements are known: the same ones before and after.
_NB_DECODED = 512


class Displacement(NamedTuple):
    """Displacement of a bundle of a subject, along its mean streamline, in mm.

    `move` (nb_points, 3) is that of decoded streamlines and `extra` what is added to
    them; the mean `centre` (nb_points, 3) and the `width`, the root mean square of the
    distances from it, are those of the model.
    """

    move: np.ndarray
    extra: np.ndarray
    centre: np.ndarray
    width: float


def displacement(
    model, density: SubjectDensity, stratum: int, numbers: np.ndarray
) -> Displacement:
    """Return the displacement of a subject in a stratum that its effect changes.

    It is the mean difference of pairs of decoded streamlines; added is what its own
    streamlines differ from their reconstructions beyond what those of the training do.
    `numbers` (nb_continuous,) are those that are given, standardised; NaN for others.
    """
    pairs = density.pairs(_NB_DECODED, stratum, numbers)
    channels, others = (_decoded(model, density, stratum, *each) for each in pairs)
    before, after = channels[..., :3], others[..., :3]
    centre = before.mean(axis=0)
    own = density.effect.bundles[int(density.strata[stratum, 0])]
    extra = np.zeros_like(centre)
    if own.residual is not None and model.record.texture is not None:
        usual = _textured(model, density, stratum, channels, pairs[0][0]) - before
        weight = own.nb_streamlines / (own.nb_streamlines + 1 / BETWEEN_SHARE)
        extra = weight * (own.residual - usual.mean(axis=0))
    width = np.sqrt(np.mean(np.sum((before - centre) ** 2, axis=2)))
    return Displacement(after.mean(axis=0) - centre, extra, centre, float(width))


def texture_of(
    model, density: ConditionalDensity, request: ConditionRequest, counts: np.ndarray
) -> Texture | SubjectTexture | None:
    """Return the texture of a model, where the bundles of a density lie.

    `counts` (m,) are those of the strata to draw of.
    """
    texture = model.record.texture
    if texture is None or not isinstance(density, SubjectDensity):
        return texture
    computed = [one.name in COMPUTED for one in density.conditions.continuous]
    low, high = request.ranges.T
    numbers = np.where((low != high) | computed, np.nan, low)
    bundles = density.strata[:, 0]
    moves, extras = {}, {}
    for bundle in density.effect.bundles:
        strata = np.flatnonzero((counts > 0) & (bundles == bundle))
        if len(strata):
            found = [displacement(model, density, one, numbers) for one in strata]
            shares = counts[strata] / counts[strata].sum()
            moves[bundle], extras[bundle] = (
                np.tensordot(shares, np.stack(each), axes=1)
                for each in zip(*((one.move, one.extra) for one in found))
            )
    return SubjectTexture(texture, moves, extras)


def mean_norm(vectors: np.ndarray) -> float:
    """Return the mean length of vectors (n, 3)."""
    return float(np.linalg.norm(vectors, axis=1).mean())


def _textured(model, density, stratum: int, points, numbers) -> np.ndarray:
    """Return points (n, nb_points, 3) of decoded channels with a model's texture."""
    conditions = density.conditions
    codes = np.repeat(density.strata[stratum][None], len(points), axis=0)
    made = model.record.texture.apply(
        points,
        codes[:, 0],
        conditions.restored(numbers)[LENGTH],
        (density.seed, stratum),
        conditions=conditions.given_matrix(codes, numbers),
        exact=False,
    )
    return resample(coordinates_of(made), points.shape[1])


def _decoded(model, density, stratum: int, numbers, z) -> np.ndarray:
    """Decode latents of one stratum to channels (n, nb_points, 3 + v)."""
    matrix = None
    if model.conditions_in_networks:
        codes = np.repeat(density.strata[stratum][None], len(z), axis=0)
        matrix = density.conditions.matrix(codes, numbers)
    return model.coder.decode_channels(z.astype(np.float32), matrix)
