"""Single subjects, as a trained model has them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dipy_tractogen.sampling.condition_request import ConditionRequest
from dipy_tractogen.sampling.density import ConditionalDensity
from dipy_tractogen.sampling.subject.density import SubjectDensity, baselines_of
from dipy_tractogen.sampling.subject.effect import BundleEffect, SubjectEffect
from dipy_tractogen.sampling.subject.moments import StratumMoments, free_columns
from dipy_tractogen.sampling.subject.prior import BETWEEN_SHARE, SubjectPrior
from dipy_tractogen.sampling.subject.texture import SubjectTexture
from dipy_tractogen.sampling.texture.texture import Texture
from dipy_tractogen.streamlines.array_sequence import coordinates_of
from dipy_tractogen.streamlines.conditions import (
    BUNDLE,
    COMPUTED,
    LENGTH,
    measured_values,
)
from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.streamlines.orientation import reverse

from .density import check_one_each
from .encoding import BLOCK, with_values
from .profiles import PointData, as_columns

# Draws by which means of a model are known.
_NB_DRAWS = 4096
_NB_DECODED = 512
# Numbers of a subject that differ by less are one.
_SAME = 1e-6


def subject_of(
    model,
    streamlines,
    values: Mapping[str, np.ndarray] | None = None,
    data_per_point: PointData | None = None,
) -> SubjectEffect:
    """Estimate what is different in a subject, by some of its streamlines.

    Mean and covariance of the latents of each bundle are those of the posterior, given
    how subjects of the training differ or, where it did not know subjects, an assumed
    variation: a bundle of a few streamlines is mostly the model's, one of thousands the
    subject's :footcite:p:`Efron1973`. Streamlines are encoded a block at a time.

    Parameters
    ----------
    streamlines : ndarray of shape (n, p, 3), ArraySequence or BundleSet
        Streamlines of the subject in the space of the model, RASMM mm.
    values : mapping of str to ndarray of shape (n,), optional
        Bundle and other conditions of each, by name; those computed from the points may
        be left out, and the bundle where the model has only one.
    data_per_point : mapping of str to ndarray, optional
        Values along the streamlines that the model reads, as `encode` takes them.

    Returns
    -------
    SubjectEffect
        For `generate`, as ``like``. Bundles without streamlines are not in it.

    Raises
    ------
    ValueError
        If the model is not trained, or a condition is missing or unknown, or not
        given for each streamline.

    References
    ----------
    .. footbibliography::
    """
    density = model.density_by()
    streamlines, values = with_values(model, streamlines, values, data_per_point)
    if not len(streamlines):
        raise ValueError("There are no streamlines of a subject.")
    conditions = density.conditions
    if len(conditions[BUNDLE].categories) == 1:
        only = np.repeat(conditions[BUNDLE].categories, len(streamlines))
        values.setdefault(BUNDLE, only)
    check_one_each(values, conditions.names, len(streamlines))
    found = _Encoded(model, density)
    for start in range(0, len(streamlines), BLOCK):
        rows = slice(start, start + BLOCK)
        found.add(streamlines[rows], {n: each[rows] for n, each in values.items()})
    return found.effect()


def draw_subject(model, seed: int = 0) -> SubjectEffect:
    """Draw a subject at random, as those of the training differ.

    Parameters
    ----------
    seed : int, optional
        Fixes the draw.

    Returns
    -------
    SubjectEffect
        For `generate`, as ``like``: all streamlines that are generated for it belong to
        one subject.

    Raises
    ------
    ValueError
        If the model is not trained, or its training did not know enough subjects.
    """
    variation = model.density_by().subjects
    if variation is None:
        raise ValueError(
            "The model does not know how subjects differ: train it on tractograms of "
            "several subjects, whose paths have sub-<label>."
        )
    return variation.draw(seed)


class _Encoded:
    """Moments of the latents of a subject, in the strata of a density."""

    def __init__(self, model, density: ConditionalDensity):
        self._model, self._density = model, density
        self._baselines = baselines_of(density)
        nb_latents = int(density.fitted_columns.sum())
        self._free = free_columns(density.conditions, nb_latents)
        nb_numbers = len(density.conditions.continuous)
        self._computed = self._free[:nb_numbers]
        self._moments = StratumMoments(len(density.strata), len(self._free))
        self._residuals = np.zeros((len(density.strata), model.nb_points, 3))
        self._given: dict[str, set] = {}

    def add(self, streamlines, values: Mapping[str, np.ndarray]) -> None:
        """Encode streamlines with their values, and add their moments."""
        conditions, model = self._density.conditions, self._model
        columns = as_columns(model, streamlines)
        points = coordinates_of(columns)
        values = {**measured_values(points, conditions.names), **values}
        codes, numbers = conditions.codes(values), conditions.standardised(values)
        matrix = None
        if model.conditions_in_networks:
            matrix = conditions.matrix(codes, numbers)
        channels = model.known_profiles().channels(columns)
        encoded = model.coder.encode(channels, matrix)
        fitted = self._density.fitted_columns
        z = encoded["z_mean"][:, fitted]
        variances = np.zeros((len(z), len(self._free)))
        if "deviation" in encoded:
            variances[:, len(self._computed) :] = encoded["deviation"][:, fitted] ** 2
        strata = self._strata_of(codes)
        self._moments.add(np.column_stack([numbers, z]), strata, variances)
        decoded = model.coder.decode(encoded["z_mean"], matrix)
        made = coordinates_of(encoded["points"])
        residuals = _oriented(points, made, decoded) - decoded
        np.add.at(self._residuals, strata, residuals)
        for one in conditions:
            if one.name not in (BUNDLE, *COMPUTED):
                given = np.unique(values[one.name])
                self._given.setdefault(one.name, set()).update(given.tolist())

    def _strata_of(self, codes: np.ndarray) -> np.ndarray:
        """Return the strata (n,) of codes of categories (n, k)."""
        kinds, kind_of = np.unique(codes, axis=0, return_inverse=True)
        known = {tuple(one): index for index, one in enumerate(self._density.strata)}
        missing = [one for one in map(tuple, kinds) if one not in known]
        if missing:
            pairs = zip(self._density.conditions.categorical, missing[0])
            names = ", ".join(one.categories[code] for one, code in pairs)
            raise ValueError(
                f"The subject has streamlines of {names}, which no streamline of the "
                "model has together: leave them out."
            )
        found = np.array([known[tuple(one)] for one in kinds])
        return found[kind_of.reshape(-1)]

    def effect(self) -> SubjectEffect:
        """Return what is different in the subject."""
        strata = np.flatnonzero(self._moments.counts)
        bundles = self._density.strata[strata, 0]
        return SubjectEffect(
            {
                int(bundle): self._of_bundle(int(bundle), strata[bundles == bundle])
                for bundle in np.unique(bundles)
            },
            {
                name: given.pop() if len(given) == 1 else float(np.mean(list(given)))
                for name, given in self._given.items()
                if len(given) == 1
            },
        )

    def _of_bundle(self, bundle: int, strata: np.ndarray) -> BundleEffect:
        """Return the effect of a bundle with streamlines in some strata."""
        free, counts = self._free, self._moments.counts[strata]
        shares = counts / counts.sum()
        means, scatters = (
            each[strata] for each in (self._moments.means, self._moments.scatters())
        )
        expected = [self._expected(*pair) for pair in zip(strata, means)]
        difference = shares @ (means[:, free] - np.stack(expected))
        scatter = scatters.sum(axis=0)[np.ix_(free, free)]
        known = self._density.subjects
        prior = known.prior(bundle) if known is not None else None
        if prior is None:
            within = [
                share * self._baselines[one].covariance
                for share, one in zip(shares, strata)
            ]
            prior = SubjectPrior.default(sum(within))
        nb_streamlines = int(counts.sum())
        return BundleEffect(
            *prior.posterior(nb_streamlines, difference, scatter),
            residual=self._residuals[strata].sum(axis=0) / nb_streamlines,
            nb_streamlines=nb_streamlines,
            weight=prior.weight(nb_streamlines),
        )

    def _expected(self, stratum: int, mean: np.ndarray) -> np.ndarray:
        """Return the mean (w,) of the model, given numbers such as the age."""
        free, baseline = self._free, self._baselines[stratum]
        if free.all():
            return baseline.mean
        nb_numbers = len(self._computed)
        known = np.where(self._computed, np.nan, mean[:nb_numbers])
        z, numbers = self._density.sampler.sample(
            _NB_DRAWS, np.concatenate([[stratum], known]), seed=stratum
        )
        return np.column_stack([numbers[:, 1:], z])[:, free].mean(axis=0)


def texture_of(
    model, density: ConditionalDensity, request: ConditionRequest, counts: np.ndarray
) -> Texture | SubjectTexture:
    """Return the texture of a model, where the bundles of a density lie.

    Those of a subject are displaced by the mean difference of pairs of decoded
    streamlines, and by what its own streamlines differ from their reconstructions
    beyond what those of the training do. `counts` (m,) are those of the strata to draw.
    """
    texture = model.record.texture
    if texture is None or not isinstance(density, SubjectDensity):
        return texture
    computed = [one.name in COMPUTED for one in density.conditions.continuous]
    low, high = request.ranges.T
    numbers = np.where((low != high) | computed, np.nan, low)
    moves, extras = {}, {}
    for stratum in np.flatnonzero(counts):
        if stratum not in density.maps:
            continue
        pairs = density.pairs(_NB_DECODED, stratum, numbers)
        before, after = (_decoded(model, density, stratum, *each) for each in pairs)
        bundle = int(density.strata[stratum, 0])
        moves[bundle] = (after - before)[..., :3].mean(axis=0)
        own = density.effect.bundles[bundle]
        if own.residual is not None:
            usual = _textured(density, stratum, texture, before, pairs[0][0])
            usual = usual - before[..., :3]
            weight = own.nb_streamlines / (own.nb_streamlines + 1 / BETWEEN_SHARE)
            extras[bundle] = weight * (own.residual - usual.mean(axis=0))
    return SubjectTexture(texture, moves, extras)


def _textured(density, stratum: int, texture, points, numbers) -> np.ndarray:
    """Return points (n, nb_points, 3) of decoded channels with a model's texture."""
    conditions = density.conditions
    codes = np.repeat(density.strata[stratum][None], len(points), axis=0)
    made = texture.apply(
        points,
        codes[:, 0],
        conditions.restored(numbers)[LENGTH],
        (density.seed, stratum),
        conditions=conditions.given_matrix(codes, numbers),
        exact=False,
    )
    return resample(coordinates_of(made), points.shape[1])


def _oriented(points, reconstructed, decoded) -> np.ndarray:
    """Return points (n, p, 3) in the direction in which they are decoded.

    They were `reconstructed` in the direction that they have.
    """
    same, turned = (
        np.abs(decoded - each).sum(axis=(1, 2))
        for each in (reconstructed, reconstructed[:, ::-1])
    )
    return reverse(points, turned < same)


def _decoded(model, density, stratum: int, numbers, z) -> np.ndarray:
    """Decode latents of one stratum to channels (n, nb_points, 3 + v)."""
    matrix = None
    if model.conditions_in_networks:
        codes = np.repeat(density.strata[stratum][None], len(z), axis=0)
        matrix = density.conditions.matrix(codes, numbers)
    return model.coder.decode_channels(z.astype(np.float32), matrix)
