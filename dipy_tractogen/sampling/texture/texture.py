"""Texture: what the coarse shape of a streamline leaves out, taken from real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.conversion import to_sequence

from . import details as flat
from . import padded
from .arrays import (
    ENDS,
    NAMES,
    check_asked,
    check_fitted,
    check_shape,
    in_file,
    own_arrays,
    without_prefix,
)
from .condition_effects import effects_of
from .donors import Donors
from .endpoints import Endpoints
from .fitting import fit_residuals
from .profile_arrays import PROFILES
from .profiles import ProfileTexture
from .residual_matching import (
    NB_COEFFICIENTS,
    ResidualMatcher,
    orders_of,
    shapes_of,
)


class Texture:
    """Residuals of training streamlines, which are added to coarse decoded shapes.

    A decoder returns the mean of what its latents do not describe, so that decoded
    streamlines are too smooth. Of these only the coarse shape is used: the first four
    cosines :footcite:p:`Chung2010`, or three where the steps of a streamline differ.
    The residual of a real streamline is the rest of it: its details, at its own points,
    and an offset of its coarse shape. A decoded streamline gets the residual of a
    streamline of its own bundle with a similar length and shape, whose details are
    turned as its direction is. Nothing is resampled on the way, as this can be told
    from real streamlines.

    The offset is the coarse shape of the real streamline minus `gains` times the
    decoded one. Gains are those of the regression of differences between real
    streamlines on the differences of their decoded shapes. In the same regression are
    conditions such as an age, so that a streamline of another age does not weaken what
    is asked for. In the end, ends are moved to real ones (`Endpoints`), and the length
    is corrected by up to 5 %.

    Attributes
    ----------
    nb_points : int
        Points of a decoded streamline.
    gains : ndarray of shape (k,), float32
        Factor of each order of a decoded coarse shape, from 0.5 to 1.
    offsets : ndarray of shape (r, k, 3), float32
        Offset of each residual in mm.
    details : ndarray of shape (n, 3), int16
        Details of the residuals, one after the other, in units of each: differences to
        the point before.
    units : ndarray of shape (r,), float32
        Those units in mm.
    counts : ndarray of shape (r,), int32
        Number of points of each residual.
    labels : ndarray of shape (r,), int32
        Bundle of each residual, ascending.
    lengths : ndarray of shape (r, 2), float32
        Length of the real streamline and of its decoded coarse shape, in mm.
    shapes : ndarray of shape (r, s), float32
        First cosine coefficients of the decoded streamline, in mm.
    conditions : ndarray of shape (r, q), float32
        Conditions of the real streamline.
    effects : ndarray of shape (b, q, k, 3), float32
        Effects of the conditions on the offset in mm, for each of b bundles.
    ends : Endpoints
        Ends of real streamlines.
    profiles : ProfileTexture or None
        Residuals of values along the streamlines, where the model has some.

    References
    ----------
    .. footbibliography::
    """

    def __init__(self):
        self.nb_points = 0
        self.ends = Endpoints()
        self.profiles: ProfileTexture | None = None
        self._matcher = self._donors = None

    def fit(
        self,
        streamlines: ArraySequence | np.ndarray,
        means: np.ndarray,
        labels: np.ndarray,
        *,
        conditions: np.ndarray | None = None,
        values: np.ndarray | None = None,
        drawn: np.ndarray | None = None,
        seed: int = 0,
    ) -> Texture:
        """Store residuals of training streamlines.

        Parameters
        ----------
        streamlines : ArraySequence or ndarray of shape (n, p, 3)
            Training streamlines in RASMM mm with the points that they have, each in the
            direction of its bundle.
        means : ndarray of shape (n, nb_points, 3 + v)
            Decoded streamlines of latents drawn from the posterior of each, with the
            channels of v values along them.
        labels : ndarray of shape (n,)
            Bundle of each.
        conditions : ndarray of shape (n, q), optional
            Conditions of each as numbers, of a deviation of about one.
        values : ndarray of shape (N, v), optional
            Channels of the values of all N points, in their order, where there are
            some; NaN where they are missing.
        drawn : ndarray of shape (d, n, k, 3 + v), optional
            Cosine coefficients of decoded streamlines of latents that are drawn d times
            for the conditions of each.
        seed : int, optional
            Seed of the sample of residuals, at most 1,000 a bundle and 28,000 in all,
            and fewer of many points.

        Returns
        -------
        Texture
            The object itself.

        Raises
        ------
        ValueError
            If the arrays do not fit together, are empty or hold values that are not
            finite.
        """
        labels = np.asarray(labels)
        streamlines = to_sequence(streamlines)
        conditions = np.zeros((len(labels), 0)) if conditions is None else conditions
        check_fitted(streamlines, means[..., :3], labels, conditions)
        fit_residuals(self, streamlines, means, labels, conditions, values, seed)
        if drawn is not None:
            self.profiles.fit_shifts(means, drawn, conditions, labels)
        self._prepare()
        return self

    def matcher_of(self, rows=slice(None)) -> ResidualMatcher:
        """Return what finds similar ones among some of the residuals."""
        real, coarse = self.lengths[rows].T.astype(float)
        return ResidualMatcher(self.labels[rows], coarse, real, self.shapes[rows])

    def _prepare(self) -> None:
        self._matcher = self.matcher_of()
        details = directions = None
        if self.units.any():
            details = flat.restored(self.details, self.units, self.counts)
            directions = flat.directions(self.coarse(), self.counts)
        self._donors = Donors(self.counts, self.lengths[:, 0], details, directions)

    def coarse(self) -> np.ndarray:
        """Return the coarse shapes (r, k, 3) in mm of the real streamlines."""
        decoded = orders_of(self.shapes, len(self.gains))
        return self.offsets + self.gains[:, None] * decoded

    def apply(
        self,
        means: np.ndarray,
        labels: np.ndarray,
        target_lengths: np.ndarray,
        seed=0,
        *,
        conditions: np.ndarray | None = None,
        exact: bool = True,
    ) -> ArraySequence:
        """Return streamlines with texture for decoded ones.

        Parameters
        ----------
        means : ndarray of shape (m, nb_points, 3)
            Decoded streamlines in RASMM mm.
        labels : ndarray of shape (m,)
            Bundle of each.
        target_lengths : ndarray of shape (m,)
            Length of each in mm.
        seed : int, sequence of int or numpy.random.Generator, optional
            Fixes the draw.
        conditions : ndarray of shape (m, q), optional
            Conditions of each, as in the fit; without them, or where none were fitted,
            they have no effect.
        exact : bool, optional
            Whether a target length has priority over the place of the ends.

        Returns
        -------
        ArraySequence
            The m streamlines, float32 points in RASMM mm, in steps like those of the
            training. The length is the target, unless 5 % are not enough for that.
            Where there are values along the streamlines, their channels follow the
            coordinates of each point.

        Raises
        ------
        ValueError
            If the arrays do not fit together or a bundle has no residuals.
        """
        width = 3 + self.nb_profiles
        check_shape("means", means, (len(labels), self.nb_points, width))
        found = flat.decoded_coefficients(means, self.nb_orders)
        options = {"conditions": conditions, "exact": exact}
        return self.apply_to_coefficients(
            found, labels, target_lengths, seed, **options
        )

    def apply_to_coefficients(
        self,
        coefficients: np.ndarray,
        labels: np.ndarray,
        target_lengths: np.ndarray,
        seed=0,
        *,
        conditions: np.ndarray | None = None,
        exact: bool = True,
        shifted: bool = False,
    ) -> ArraySequence:
        """Return streamlines with texture for the coarse shapes of decoded ones.

        The `coefficients`, of shape (m, nb_orders, 3 + v), are the first ones of
        decoded streamlines in RASMM mm, of cosines with a mean square of one. Where
        latents are drawn from the density of the training, profiles are `shifted` (see
        `ProfileTexture`). All else is as in `apply`.
        """
        labels = np.asarray(labels)
        shape = (len(labels), self.nb_orders, 3 + self.nb_profiles)
        check_shape("coefficients", coefficients, shape)
        check_asked(labels, target_lengths, self.labels)
        rng = np.random.default_rng(seed)
        wanted = np.maximum(target_lengths, flat.SHORTEST_MM)
        shapes = coefficients[..., :3]
        conditions, counts, kinds, points_of, rows = self._residuals(
            shapes, labels, wanted, conditions, rng
        )
        channels_of = None
        if self.profiles is not None:
            bundles = np.searchsorted(np.unique(self.labels), labels)
            given = coefficients, rows, bundles, conditions
            options = {"shifted": shifted, "rng": rng}
            channels_of = partial(self.profiles.channels_of, *given, **options)
        return padded.assembled(
            counts,
            kinds,
            points_of,
            wanted,
            lambda ends: self.ends.moves(ends, labels, rng, conditions),
            channels_of,
            nb_channels=self.nb_profiles,
            exact=exact,
        )

    def _residuals(
        self, coefficients: np.ndarray, labels, wanted, conditions, rng
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, Callable, np.ndarray]:
        """Draw residuals for decoded streamlines.

        Returns conditions (m, q); numbers of points (m,); kinds (m,) of streamlines,
        which are made one after another; a function that returns the points (3, n, p)
        in mm of n of them, by their rows; and the residuals (m,) that they have.
        """
        decoded = coefficients[:, : len(self.gains)]
        given = (flat.curve_lengths(decoded), wanted, shapes_of(coefficients))
        rows = self._matcher.draw(labels, *given, rng)
        own = self.conditions[rows]
        if conditions is None or not own.shape[1]:
            conditions = own
        check_shape("conditions", conditions, own.shape)
        bundles = np.searchsorted(np.unique(self.labels), labels)
        coarse = self.gains[:, None] * decoded + self.offsets[rows]
        coarse += effects_of(self.effects, conditions - own, bundles)
        counts = self._donors.counts_at(rows, wanted)

        def points_of(block: np.ndarray) -> np.ndarray:
            return self._donors.combined(coarse[block], rows[block], counts[block])

        return conditions, counts, counts != self.counts[rows], points_of, rows

    @property
    def nb_orders(self) -> int:
        """Number of cosine coefficients that are used of a decoded streamline."""
        of_profiles = 0 if self.profiles is None else len(self.profiles.gains)
        return max(len(self.gains), NB_COEFFICIENTS, of_profiles)

    @property
    def nb_profiles(self) -> int:
        """Number of values along the streamlines."""
        return 0 if self.profiles is None else self.profiles.gains.shape[1]

    @property
    def mean_points(self) -> int:
        """Mean number of points of a streamline."""
        return round(float(self.counts.mean()))

    @property
    def is_even(self) -> bool:
        """Whether all streamlines have one number of points."""
        return bool((self.counts == self.counts[0]).all())

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the attributes as named arrays, for a model's file.

        The names of those of `ends` begin with ``ends_``.
        """
        return {
            "nb_points": np.array(self.nb_points),
            **in_file({name: getattr(self, name) for name in NAMES}),
            **{ENDS + name: each for name, each in self.ends.to_arrays().items()},
            **(self.profiles.to_arrays() if self.profiles else {}),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Texture:
        """Create a fitted texture from the arrays of `to_arrays`.

        Raises
        ------
        ValueError
            If the arrays do not fit together.
        """
        own = without_prefix(PROFILES, arrays)
        texture, (arrays, ends) = cls(), own_arrays(arrays)
        texture.nb_points = int(arrays.pop("nb_points"))
        vars(texture).update(arrays)
        texture.ends = ends or texture.ends
        if own:
            texture.profiles = ProfileTexture.from_arrays(own, texture)
        texture._prepare()
        return texture
