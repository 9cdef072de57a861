"""Texture of values along streamlines: what a decoder leaves out of their profiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.array_sequence import as_sequence, take
from dipy_tractogen.streamlines.point_data.columns import fill_missing, resample_values
from dipy_tractogen.streamlines.resampled import BLOCK
from dipy_tractogen.utils.schema import SchemaError

from .condition_effects import effects_of, fit_gains
from .details import decoded_coefficients
from .donors import places_in_donors, taken
from .padded import shares_of_length
from .predictors import Predictors, centred, predicted
from .profile_arrays import (
    MOST_SCALED,
    PROFILE_ARRAYS,
    PROFILES,
    check_effects,
    check_orders,
    check_there,
)
from .profile_curves import ProfileCurves, profile_coefficients
from .residual_matching import NB_COEFFICIENTS, coarse_shapes, shapes_of

_LARGEST = 32_000
_TINY = 1e-12

_DTYPES = {"details": np.int16, "donors": np.int32}


class ProfileTexture:
    """Residuals of the profiles of training streamlines, for decoded ones.

    Profiles are v values along streamlines, as channels of the network. A decoded one
    is smooth and has the mean of what the latents do not describe. To it is added the
    residual of the real streamline whose details the shape gets: the real profile less
    `gains` times the decoded one, as in `Texture`. That streamline has other conditions
    and another shape, so what a regression on `Predictors` expects of these is replaced
    by what it expects of the new streamline.

    Latents are drawn from a density that smooths, and knows less than the decoder of
    what goes with a condition, or of how values follow the shape. So decoded profiles
    of such latents are set to what training ones have: by `shifts`, what a regression
    on the same predictors expects, and by `scales`, the deviation from that.

    Attributes
    ----------
    gains : ndarray of shape (k, v), float32
        Factor of each cosine order of a decoded profile, from 0.5 to 1.
    effects : ndarray of shape (b, p, k, v), float32
        Effects of the p predictors on residuals in each of b bundles.
    shifts : ndarray of shape (b, 1 + p, k, v), float32
        What is added to decoded profiles of latents that are drawn: an offset, and
        effects of the predictors.
    scales : ndarray of shape (b, k, v), float32
        What they are multiplied by before.
    predictors : Predictors
        Of the bundles.
    details : ndarray of shape (n, v), int16
        Residuals at the points of the real streamlines, one after the other.
    units : ndarray of shape (v,), float32
        Units of those numbers.
    donors : ndarray of shape (r,), int32
        Streamline whose residual is used in place of each: itself, or another one of
        its bundle where it has no profile.
    """

    def fit(
        self,
        streamlines: ArraySequence,
        values: np.ndarray,
        decoded: np.ndarray,
        conditions: np.ndarray,
        labels: np.ndarray,
        rows: np.ndarray,
        seed: int = 0,
    ) -> ProfileTexture:
        """Fit regressions to all streamlines, and store residuals of some.

        Parameters
        ----------
        streamlines : ArraySequence
            The n streamlines, with N points in all.
        values : ndarray of shape (N, v)
            Channels of the values of their points, NaN where they are missing.
        decoded : ndarray of shape (n, nb_points, 3 + v)
            Decoded streamlines with their channels.
        conditions : ndarray of shape (n, q)
            Conditions of each.
        labels : ndarray of shape (n,)
            Bundle of each.
        rows : ndarray of shape (r,), int
            Streamlines whose residuals are stored.
        seed : int, optional
            Seed of the choice of donors.

        Returns
        -------
        ProfileTexture
            The object itself.
        """
        self.nb_points = decoded.shape[1]
        values = as_sequence(values, streamlines._lengths)
        real = _profiles_of(streamlines, values, self.nb_points)
        known = np.isfinite(real).all(axis=1)
        rng = np.random.default_rng(seed)
        self.donors = _donors(known[rows].all(axis=1), labels[rows], rng)
        groups, bundles = np.unique(labels, return_inverse=True)
        given = conditions, coarse_shapes(decoded[..., :3]), bundles.reshape(-1)
        self.predictors = Predictors.fit(*given, len(groups))
        decoded = profile_coefficients(decoded[..., 3:])
        self._regress(real, decoded, self.predictors.of(*given), given[-1], known)
        streamlines, values = take(streamlines, rows), take(values, rows)
        self._store(streamlines, values._data, self.gains * decoded[rows])
        nb_bundles, nb_predictors, *orders = self.effects.shape
        shape = (nb_bundles, 1 + nb_predictors, *orders)
        self.shifts = np.zeros(shape, dtype=np.float32)
        self.scales = np.ones((nb_bundles, *orders), dtype=np.float32)
        return self._of(streamlines._lengths, *(each[rows] for each in given))

    def _store(self, streamlines, values, decoded) -> None:
        """Store what decoded profiles (r, k, v) leave of values (N, v)."""
        values = fill_missing(values, streamlines._lengths)
        curves = ProfileCurves(decoded, self.nb_points)
        rest = np.nan_to_num(values - curves.along(streamlines).T)
        largest = np.abs(rest).max(axis=0, initial=0.0)
        self.units = np.maximum(largest / _LARGEST, _TINY).astype(np.float32)
        self.details = np.rint(rest / self.units).astype(np.int16)

    def _regress(self, real, decoded, numbers, bundles, known) -> None:
        """Fit gains and effects of each value."""
        made = []
        for at in range(real.shape[2]):
            rows, one = np.flatnonzero(known[:, at]), slice(at, at + 1)
            own = bundles[rows]
            x, y, z = (
                centred(each[rows], own)
                for each in (numbers, real[..., one], decoded[..., one])
            )
            fit = partial(self.predictors.effects, numbers=x, bundles=own)
            made.append(fit_gains(y, z, fit, x, own))
        self.gains = np.stack([gains for gains, _ in made], axis=1)
        self.effects = np.concatenate([effects for _, effects in made], axis=3)

    def fit_shifts(
        self,
        decoded: np.ndarray,
        drawn: np.ndarray,
        conditions: np.ndarray,
        labels: np.ndarray,
    ) -> None:
        """Fit shifts and scales to decoded streamlines (n, nb_points, 3 + v).

        `decoded` are those of training streamlines, `drawn`, of shape
        (d, n, k, 3 + v), cosine coefficients of those of latents drawn d times for the
        same `conditions` (n, q) in the same bundles `labels` (n,).
        """
        groups, bundles = np.unique(labels, return_inverse=True)
        bundles, nb_orders = bundles.reshape(-1), len(self.gains)
        orders = max(nb_orders, NB_COEFFICIENTS)
        found, spreads = [], []
        for coefficients in (decoded_coefficients(decoded, orders), *drawn):
            numbers = self.predictors.of(
                conditions, shapes_of(coefficients[..., :3]), bundles
            )
            profiles = coefficients[:, :nb_orders, 3:]
            lines = self.predictors.lines(profiles, numbers, bundles)
            rest = profiles - predicted(lines, numbers, bundles)
            found.append(lines)
            spreads.append(
                [rest[bundles == row].std(axis=0) for row in range(len(groups))]
            )
        spreads = np.array(spreads)
        scales = spreads[0] / np.maximum(spreads[1:].mean(axis=0), _TINY)
        self.scales = np.clip(scales, 1 / MOST_SCALED, MOST_SCALED).astype(np.float32)
        self.shifts = found[0] - self.scales[:, None] * np.mean(found[1:], axis=0)

    def _of(self, counts: np.ndarray, *given) -> ProfileTexture:
        """Take the numbers of points (r,) of the real streamlines.

        `given` are their conditions, shapes and bundles, as `Predictors` take them.
        """
        self._numbers = self.predictors.of(*given)
        self._counts = np.asarray(counts, dtype=np.intp)
        self._starts = np.cumsum(self._counts) - self._counts
        # A value in each row, which is fast to take from.
        self._restored = np.ascontiguousarray((self.details * self.units).T)
        return self

    def channels_of(
        self,
        coefficients: np.ndarray,
        rows: np.ndarray,
        bundles: np.ndarray,
        conditions: np.ndarray,
        *,
        shifted: bool = False,
        rng: np.random.Generator | None = None,
    ) -> Callable:
        """Return what gives the channels of new streamlines, a block at a time.

        Parameters
        ----------
        coefficients : ndarray of shape (m, k, 3 + v)
            Cosine coefficients of the decoded streamlines with their channels, of
            cosines with a mean square of one.
        rows : ndarray of shape (m,), int
            Real streamline whose details each has.
        bundles : ndarray of shape (m,), int
            Bundle of each, an index of effects.
        conditions : ndarray of shape (m, q)
            Conditions of each.
        shifted : bool, optional
            Whether latents are drawn from the density of the training: `shifts` and
            `scales` are those of its draws.
        rng : numpy.random.Generator, optional
            Not used: the real streamlines are drawn already.

        Returns
        -------
        callable
            Takes n of the streamlines by their rows, their points (3, n, p) in mm and
            numbers of points (n,), as `padded` has them; returns channels (v, n, p).
        """
        donors = self.donors[rows]
        numbers = self._predictors_of(coefficients, bundles, conditions)
        changes = numbers - self._numbers[donors]
        curves = self._decoded(coefficients, bundles, numbers, changes, shifted)

        def channels_at(block, points, counts):
            own = donors[block]
            given = counts, self._counts[own], self._starts[own]
            found = curves.at(block, shares_of_length(points))
            found += taken(self._restored, *places_in_donors(*given))
            return found

        return channels_at

    def _predictors_of(self, coefficients, bundles, conditions) -> np.ndarray:
        return self.predictors.of(conditions, shapes_of(coefficients[..., :3]), bundles)

    def _decoded(
        self, coefficients, bundles, numbers, changes, shifted
    ) -> ProfileCurves:
        """Return decoded profiles with the effects of changes of predictors."""
        decoded = coefficients[:, : len(self.gains), 3:]
        if shifted:
            decoded = self.scales[bundles] * decoded
            decoded += predicted(self.shifts, numbers, bundles)
        decoded = self.gains * decoded
        decoded += effects_of(self.effects, changes, bundles)
        return ProfileCurves(decoded, self.nb_points)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the attributes as arrays, whose names begin with `PROFILES`."""
        own = {**vars(self), **self.predictors.to_arrays()}
        return {PROFILES + name: own[name] for name in PROFILE_ARRAYS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], shapes) -> ProfileTexture:
        """Create a fitted texture from the arrays of `to_arrays`, without prefix.

        `shapes` is the `Texture` that it belongs to. Raises ValueError if the arrays do
        not fit together, or not to that.
        """
        check_there(arrays, PROFILE_ARRAYS)
        made = cls()
        made.nb_points, nb_residuals = shapes.nb_points, len(shapes.counts)
        for name in PROFILE_ARRAYS:
            dtype = _DTYPES.get(name, np.float32)
            setattr(made, name, np.asarray(arrays[name], dtype=dtype))
        made.predictors = Predictors.from_arrays(arrays)
        check_orders(made.gains, made.nb_points)
        if len(made.details) != int(shapes.counts.sum(dtype=np.int64)):
            found = f"{len(made.details)} points"
            raise SchemaError("profiles_details", found, "those of counts")
        if len(made.donors) != nb_residuals or made.donors.max() >= nb_residuals:
            expected = f"rows of the {nb_residuals} residuals, one for each"
            raise SchemaError("profiles_donors", "others", expected)
        nb_bundles, nb_conditions = shapes.effects.shape[:2]
        check_effects(made, nb_bundles, nb_conditions)
        bundles = np.searchsorted(np.unique(shapes.labels), shapes.labels)
        return made._of(shapes.counts, shapes.conditions, shapes.shapes, bundles)


def _profiles_of(streamlines, values, nb_points: int) -> np.ndarray:
    """Return cosine coefficients (n, k, v) of the values of streamlines."""
    found = []
    for start in range(0, len(streamlines), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(streamlines)))
        own, counts = take(streamlines, rows), streamlines._lengths[rows]
        filled = fill_missing(take(values, rows)._data, counts)
        nodes = resample_values(own._data, filled, counts, nb_points)
        found.append(profile_coefficients(nodes.reshape(len(rows), nb_points, -1)))
    return np.concatenate(found)


def _donors(known: np.ndarray, labels: np.ndarray, rng) -> np.ndarray:
    """Return each row (r,), or a random one of its bundle that is known."""
    donors = np.arange(len(known), dtype=np.int32)
    for label in np.unique(labels[~known]):
        own = labels == label
        candidates = np.flatnonzero(own & known)
        if len(candidates):
            missing = own & ~known
            donors[missing] = rng.choice(candidates, missing.sum())
    return donors
