"""Single subjects, as a trained model has them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dipy_tractogen.sampling.density import ConditionalDensity
from dipy_tractogen.sampling.subject.density import SubjectDensity, baselines_of
from dipy_tractogen.sampling.subject.effect import BundleEffect, SubjectEffect
from dipy_tractogen.sampling.subject.moments import StratumMoments, free_columns
from dipy_tractogen.sampling.subject.prior import SubjectPrior
from dipy_tractogen.sampling.subject.within import within_subjects
from dipy_tractogen.streamlines.array_sequence import coordinates_of
from dipy_tractogen.streamlines.conditions import (
    BUNDLE,
    COMPUTED,
    measured_values,
)
from dipy_tractogen.streamlines.orientation import reverse

from ..density import complete_values
from ..encoding import BLOCK, with_values
from ..profiles import PointData, as_columns
from .subject_texture import displacement, mean_norm

# Draws by which means of a model are known.
_NB_DRAWS = 4096
# Bundles farther from those of the model than so many times their width, and than so
# many millimetres, are in another space.
_FAR, _FAR_MM = 1.5, 10.0


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
    values, data_per_point : optional
        What is known of the streamlines, as `seeds_of` takes it.

    Returns
    -------
    SubjectEffect
        For `generate`, as ``like``. Bundles without streamlines are not in it.

    Raises
    ------
    ValueError
        As of `seeds_of`, and if the bundles are in another space.

    References
    ----------
    .. footbibliography::
    """
    density = within_subjects(model.density_by())
    streamlines, values = with_values(model, streamlines, values, data_per_point)
    if not len(streamlines):
        raise ValueError("There are no streamlines of a subject.")
    complete_values(values, density.conditions, len(streamlines))
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
        self._points, self._decoded = np.zeros(
            (2, len(density.strata), model.nb_points, 3)
        )
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
        oriented = _oriented(points, coordinates_of(encoded["points"]), decoded)
        for stratum in np.unique(strata):
            rows = strata == stratum
            self._points[stratum] += oriented[rows].sum(axis=0, dtype=float)
            self._decoded[stratum] += decoded[rows].sum(axis=0, dtype=float)
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
        members = {int(one): strata[bundles == one] for one in np.unique(bundles)}
        single = {n: each for n, each in self._given.items() if len(each) == 1}
        effect = SubjectEffect(
            {bundle: self._of_bundle(bundle, each) for bundle, each in members.items()},
            {name: next(iter(each)) for name, each in single.items()},
        )
        self._measure(effect, members)
        return effect

    def _measure(self, effect: SubjectEffect, members: dict[int, np.ndarray]) -> None:
        """Note how far the bundles move; raise ValueError if all are far away."""
        density = SubjectDensity(self._density, effect)
        distances, widths = [], []
        for bundle, strata in members.items():
            stratum = strata[np.argmax(self._moments.counts[strata])]
            numbers = self._given_numbers(stratum)
            found = displacement(self._model, density, stratum, numbers)
            own = effect.bundles[bundle]
            own.shift_mm = mean_norm(found.move + found.extra)
            curve = self._points[stratum] / self._moments.counts[stratum]
            distances.append(mean_norm(curve - found.centre))
            widths.append(found.width)
        _check_space(np.array(distances), np.array(widths))

    def _of_bundle(self, bundle: int, strata: np.ndarray) -> BundleEffect:
        """Return the effect of a bundle with streamlines in some strata."""
        free, counts = self._free, self._moments.counts[strata]
        shares = counts / counts.sum()
        means, scatters = (
            each[strata] for each in (self._moments.means, self._moments.scatters())
        )
        expected = [self._expected(stratum) for stratum in strata]
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
        residuals = self._points[strata] - self._decoded[strata]
        return BundleEffect(
            *prior.posterior(nb_streamlines, difference, scatter),
            residual=residuals.sum(axis=0) / nb_streamlines,
            nb_streamlines=nb_streamlines,
            weight=prior.weight(nb_streamlines),
        )

    def _expected(self, stratum: int) -> np.ndarray:
        """Return the mean (w,) of the model, given numbers such as the age."""
        free, baseline = self._free, self._baselines[stratum]
        if free.all():
            return baseline.mean
        known = np.concatenate([[stratum], self._given_numbers(stratum)])
        z, numbers = self._density.sampler.sample(_NB_DRAWS, known, seed=stratum)
        return np.column_stack([numbers[:, 1:], z])[:, free].mean(axis=0)

    def _given_numbers(self, stratum: int) -> np.ndarray:
        """Return numbers of the subject, standardised; NaN of those of streamlines."""
        mean = self._moments.means[stratum, : len(self._computed)]
        return np.where(self._computed, np.nan, mean)


def _oriented(points, reconstructed, decoded) -> np.ndarray:
    """Return points (n, p, 3) in the direction in which they are decoded.

    They were `reconstructed` in the direction that they have.
    """
    same, turned = (
        np.abs(decoded - each).sum(axis=(1, 2))
        for each in (reconstructed, reconstructed[:, ::-1])
    )
    return reverse(points, turned < same)


def _check_space(distances: np.ndarray, widths: np.ndarray) -> None:
    """Raise ValueError if bundles (b,) are far from where the model has them.

    Distances and widths are in mm.
    """
    if np.median(distances / widths) <= _FAR or np.median(distances) <= _FAR_MM:
        return
    raise ValueError(
        f"The bundles of the subject lie {np.median(distances):.0f} mm from where the "
        f"model has them, and are {np.median(widths):.0f} mm wide (medians): they are "
        "in another space. Bring them to that of the model, by --register or "
        "--transform of the command, or by register_to_model."
    )
