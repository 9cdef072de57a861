"""Texture of values along streamlines: what a decoder leaves out of their profiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.point_data.columns import fill_missing, resample_values
from dipy_tractogen.utils.array_schema import Array
from dipy_tractogen.utils.schema import SchemaError

from .condition_effects import effects_of, fit_effects, fit_gains_and_effects
from .donors import places_in_donors, taken
from .padded import shares_of_length
from .profile_curves import ProfileCurves, profile_coefficients

_LARGEST = 32_000
_FARTHEST = 1e9
_TINY = 1e-12

PROFILE_ARRAYS = {
    "gains": Array("f", ("p", "v"), 0, 1),
    "effects": Array("f", ("b", "q2", "p", "v"), -_FARTHEST, _FARTHEST),
    "shifts": Array("f", ("b", "q3", "p", "v"), -_FARTHEST, _FARTHEST),
    "details": Array("i", ("n", "v"), -(2**15), 2**15 - 1),
    "units": Array("f", ("v",), 0, _FARTHEST),
    "donors": Array("iu", ("r",), 0, 2**31 - 1),
}
"""Arrays of `ProfileTexture` in a file: r residuals of n points in all."""

PROFILES = "profiles_"
"""What the names of these arrays begin with in the file of a texture."""

_DTYPES = {"details": np.int16, "donors": np.int32}


class ProfileTexture:
    """Residuals of the profiles of training streamlines, for decoded ones.

    Profiles are v values along streamlines, as channels of the network. A decoded one
    is smooth and has the mean of what the latents do not describe. To it are added the
    residual of the real streamline whose details the shape gets, so that both belong
    together, and the effect of conditions on residuals: those of a streamline of
    another age do not weaken what is asked for. Latents are drawn from a density
    that knows of the conditions less than the decoder: the `shifts` undo what that
    changes in the mean. As in `Texture`, the residual is the
    real profile less `gains` times the decoded one. Effects are linear in conditions
    and in their squares, for laws of age that have a peak.

    Attributes
    ----------
    gains : ndarray of shape (k, v), float32
        Factor of each cosine order of a decoded profile, from 0.5 to 1.
    effects : ndarray of shape (b, 2 q, k, v), float32
        Effects of the q conditions, and of their squares, in each of b bundles.
    shifts : ndarray of shape (b, 1 + 2 q, k, v), float32
        What decoded profiles of training streamlines differ by, in each bundle, from
        those of latents that are drawn for the same conditions: an offset, and effects
        of the conditions and of their squares.
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
        pairs: tuple[np.ndarray, np.ndarray],
        seed: int = 0,
    ) -> ProfileTexture:
        """Store residuals of profiles.

        Parameters
        ----------
        streamlines : ArraySequence
            The r streamlines of the residuals, with N points in all, one after the
            other.
        values : ndarray of shape (N, v)
            Channels of the values of their points, NaN where they are missing.
        decoded : ndarray of shape (r, nb_points, v)
            Decoded channels.
        conditions : ndarray of shape (r, q)
            Conditions of each.
        labels : ndarray of shape (r,)
            Bundle of each, ascending.
        pairs : tuple of two ndarray of shape (m,), int
            Rows of streamlines and of similar ones, whose differences are regressed.
        seed : int, optional
            Seed of the choice of donors.

        Returns
        -------
        ProfileTexture
            The object itself.
        """
        counts = np.asarray(streamlines._lengths, dtype=np.intp)
        points, self.nb_points = streamlines._data, decoded.shape[1]
        values = fill_missing(values, counts)
        real = resample_values(points, values, counts, self.nb_points)
        real = profile_coefficients(real.reshape(len(counts), self.nb_points, -1))
        known = np.isfinite(real).all(axis=1)
        self.donors = _donors(known.all(axis=1), labels, np.random.default_rng(seed))
        decoded = profile_coefficients(decoded)
        self._regress(real, decoded, conditions, labels, pairs, known)
        curves = ProfileCurves(self.gains * decoded, self.nb_points)
        rest = values - curves.along(streamlines).T
        rest = np.nan_to_num(rest)
        largest = np.abs(rest).max(axis=0, initial=0.0)
        self.units = np.maximum(largest / _LARGEST, _TINY).astype(np.float32)
        self.details = np.rint(rest / self.units).astype(np.int16)
        groups, _, *orders = self.effects.shape
        nb_shifts = 1 + 2 * conditions.shape[1]
        self.shifts = np.zeros((groups, nb_shifts, *orders), dtype=np.float32)
        return self._of(counts)

    def _regress(self, real, decoded, conditions, labels, pairs, known) -> None:
        """Fit gains and effects of each value to differences of pairs."""
        groups, conditions = np.unique(labels), with_squares(conditions)
        made = []
        for at in range(real.shape[2]):
            both = known[pairs[0], at] & known[pairs[1], at]
            rows, others = (each[both] for each in pairs)
            one = slice(at, at + 1)
            differences = (
                each[rows] - each[others]
                for each in (real[..., one], decoded[..., one], conditions)
            )
            bundles = np.searchsorted(groups, labels[rows])
            made.append(fit_gains_and_effects(*differences, bundles, len(groups)))
        self.gains = np.stack([gains for gains, _ in made], axis=1)
        self.effects = np.concatenate([effects for _, effects in made], axis=3)

    def fit_shifts(
        self,
        decoded: np.ndarray,
        drawn: np.ndarray,
        conditions: np.ndarray,
        labels: np.ndarray,
    ) -> None:
        """Fit the shifts to decoded channels (n, nb_points, v).

        `decoded` are those of training streamlines, `drawn` means of those of latents
        drawn for the same `conditions` (n, q) in the same bundles `labels` (n,).
        """
        differences = profile_coefficients(decoded - drawn)
        groups, bundles = np.unique(labels, return_inverse=True)
        bundles, numbers = bundles.reshape(-1), with_squares(conditions)
        effects = fit_effects(differences, numbers, bundles, len(groups))
        differences = differences - effects_of(effects, numbers, bundles)
        offsets = [differences[bundles == row].mean(0) for row in range(len(groups))]
        offsets = np.stack(offsets)[:, None]
        self.shifts = np.concatenate([offsets, effects], axis=1).astype(np.float32)

    def _of(self, counts: np.ndarray) -> ProfileTexture:
        """Take the numbers of points (r,) of the real streamlines."""
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
        changes: np.ndarray,
        shifting: np.ndarray | None = None,
        rng: np.random.Generator | None = None,
    ) -> Callable:
        """Return what gives the channels of new streamlines, a block at a time.

        Parameters
        ----------
        coefficients : ndarray of shape (m, k, v)
            Cosine coefficients of their decoded profiles, of cosines with a mean square
            of one.
        rows : ndarray of shape (m,), int
            Real streamline whose details each has.
        bundles : ndarray of shape (m,), int
            Bundle of each, an index of effects.
        changes : ndarray of shape (m, 2 q)
            Conditions and their squares (`with_squares`), less those of the real one.
        shifting : ndarray of shape (m, 2 q), optional
            Conditions and their squares where latents are drawn from the density of the
            training, whose `shifts` are added.
        rng : numpy.random.Generator, optional
            Not used: the real streamlines are drawn already.

        Returns
        -------
        callable
            Takes n of the streamlines by their rows, their points (3, n, p) in mm and
            numbers of points (n,), as `padded` has them; returns channels (v, n, p).
        """
        curves = self._decoded(coefficients, bundles, changes, shifting)
        donors = self.donors[rows]

        def channels_at(block, points, counts):
            own = donors[block]
            given = counts, self._counts[own], self._starts[own]
            found = curves.at(block, shares_of_length(points))
            found += taken(self._restored, *places_in_donors(*given))
            return found

        return channels_at

    def _decoded(self, coefficients, bundles, changes, shifting) -> ProfileCurves:
        """Return decoded profiles with the effects of conditions."""
        decoded = coefficients[:, : len(self.gains)]
        if shifting is not None:
            numbers = np.concatenate([np.ones((len(shifting), 1)), shifting], axis=1)
            decoded = decoded + effects_of(self.shifts, numbers, bundles)
        decoded = self.gains * decoded
        decoded += effects_of(self.effects, changes, bundles)
        return ProfileCurves(decoded, self.nb_points)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the attributes as arrays, whose names begin with `PROFILES`."""
        return {PROFILES + name: getattr(self, name) for name in PROFILE_ARRAYS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], shapes) -> ProfileTexture:
        """Create a fitted texture from the arrays of `to_arrays`, without prefix.

        `shapes` is the `Texture` that it belongs to. Raises ValueError if the arrays do
        not fit together, or not to that.
        """
        missing = [name for name in PROFILE_ARRAYS if name not in arrays]
        if missing:
            raise SchemaError(f"profiles_{missing[0]}", "missing", "an array")
        made = cls()
        made.nb_points, nb_residuals = shapes.nb_points, len(shapes.counts)
        for name in PROFILE_ARRAYS:
            dtype = _DTYPES.get(name, np.float32)
            setattr(made, name, np.asarray(arrays[name], dtype=dtype))
        check_orders(made.gains, made.nb_points)
        if len(made.details) != int(shapes.counts.sum(dtype=np.int64)):
            found = f"{len(made.details)} points"
            raise SchemaError("profiles_details", found, "those of counts")
        if len(made.donors) != nb_residuals or made.donors.max() >= nb_residuals:
            expected = f"rows of the {nb_residuals} residuals, one for each"
            raise SchemaError("profiles_donors", "others", expected)
        nb_bundles, nb_conditions = shapes.effects.shape[:2]
        check_effects(made, nb_bundles, nb_conditions)
        return made._of(shapes.counts)


def check_effects(made: ProfileTexture, nb_bundles: int, nb_conditions: int) -> None:
    """Raise ValueError if effects and shifts are of other bundles or conditions."""
    for name, more in (("effects", 0), ("shifts", 1)):
        found, expected = getattr(made, name).shape[:2], 2 * nb_conditions + more
        if found != (nb_bundles, expected):
            said = "of {} bundles and {} numbers".format(*found)
            raise SchemaError(PROFILES + name, said, f"of {nb_bundles} and {expected}")


def check_orders(gains: np.ndarray, nb_points: int) -> None:
    """Raise ValueError if there are not orders of cosines, or more than points."""
    if not 1 <= len(gains) <= nb_points:
        found = f"{len(gains)} of each value"
        raise SchemaError("profiles_gains", found, f"from 1 to {nb_points}")


def with_squares(conditions: np.ndarray) -> np.ndarray:
    """Return conditions (m, q) and their squares, (m, 2 q)."""
    return np.concatenate([conditions, conditions**2], axis=1)


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
