"""Laws of what is known along the streamlines of a cohort: FA and MD."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from ..spectrum import against_bundle
from .phantom_geometry import BUNDLE_NAMES

AGE_UNIT = 30.0
"""Years from the peak at which the effect of age is that of the law."""

NB_NODES = 101
"""Nodes at which random effects are drawn, before they are interpolated."""

# Standard deviations of a point by which a law stays within its limits.
_MARGIN = 4.0
# Share of a subject's variance that is the same all along a bundle.
_COMMON = 0.5


@dataclass(frozen=True)
class ProfileLaw:
    r"""Law of one value along the streamlines of a cohort.

    At the share :math:`t` of the length of a streamline, from 0 to 1 in the direction
    of its bundle, of bundle :math:`b` of a subject of :math:`a` years, the value is

    .. math::

        \sum_k c_{bk} \cos(\pi k t)
        + e \left(\frac{a - a_0}{30}\right)^2
        + d \exp\left(-\frac{(t - t_0)^2}{2 w^2}\right)
        + m (1 - q) + s_b(t) + n(t)

    with the peak or trough of the quadratic at :math:`a_0`; the dip :math:`d` of
    patients in one bundle only; :math:`q` the squared distance of the streamline from
    the mean one of the subject's bundle, over its mean in that bundle; a deviation
    :math:`s_b` that each subject has in each bundle; and one :math:`n` of each
    streamline. Both are normal, of mean 0; see `subject_covariance` and
    `noise_covariance`. The mean over the streamlines of a bundle is thus `profile` and
    the deviation of the subject, but for noise. A quadratic with its peak in the
    thirties is what :footcite:t:`Lebel2012` found of most bundles of adults.

    The direction of a bundle is that of generated streamlines, towards larger
    coordinates along the axis on which its ends are farthest apart. Five of the bundles
    of the phantom are stored the other way.

    Parameters
    ----------
    unit : str
        Unit of the value, or an empty text.
    limits : tuple of float
        Values that are possible.
    base : dict of str to tuple of float
        Cosine coefficients :math:`c_{bk}` from :math:`k = 0` on, by bundle.
    age_effect, peak_age : float
        Change :math:`e` from the age :math:`a_0` to that 30 years before or after.
    dip, dip_place, dip_width : float
        Change :math:`d` in patients at the share :math:`t_0` of the length, and the
        standard deviation :math:`w` of its Gaussian, as a share of the length.
    dip_bundle : str
        Bundle of the dip.
    core_effect : float
        Change :math:`m` from the mean streamline to those at the mean distance.
    subject_sd, noise_sd : float
        Standard deviations of :math:`s_b` and :math:`n` at each point.
    subject_scale, noise_scale : float
        Length scales over which they vary, as a share of the length.

    Raises
    ------
    ValueError
        If a width, a scale or a standard deviation is out of its range, or the bundle
        of the dip has no base.

    References
    ----------
    .. footbibliography::
    """

    unit: str
    limits: tuple[float, float]
    base: dict[str, tuple[float, ...]]
    age_effect: float
    peak_age: float
    dip: float
    dip_place: float
    dip_width: float
    dip_bundle: str
    core_effect: float
    subject_sd: float
    noise_sd: float
    subject_scale: float = 0.15
    noise_scale: float = 0.04

    def __post_init__(self):
        for name in ("dip_width", "subject_scale", "noise_scale"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(
                    f"{name}={getattr(self, name)}: give a share of the length, more "
                    "than 0 and at most 1."
                )
        for name in ("subject_sd", "noise_sd"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name}={getattr(self, name)}: give 0 or more.")
        if self.dip_bundle not in self.base:
            raise ValueError(
                f"dip_bundle={self.dip_bundle!r} has no base: give one of "
                f"{', '.join(self.base)}."
            )

    def profile(
        self, bundle: str, positions: np.ndarray, age: float, diagnosis: str
    ) -> np.ndarray:
        """Return what is expected of subjects at positions (n,), shares of the length.

        Parameters
        ----------
        bundle : str
            Name of the bundle.
        positions : ndarray of shape (n,)
            Shares of the length, from 0 to 1.
        age : float
            In years.
        diagnosis : str
            "control" or "patient".

        Returns
        -------
        ndarray of shape (n,)
            In the unit of the value.
        """
        return (
            self.base_profile(bundle, positions)
            + self.age_change(age)
            + self.dip_change(bundle, positions, diagnosis)
        )

    def base_profile(self, bundle: str, positions: np.ndarray) -> np.ndarray:
        """Return the profile (n,) of controls at the peak age."""
        coefficients = np.asarray(self.base[bundle])
        orders = np.arange(len(coefficients))
        return np.cos(np.pi * np.multiply.outer(positions, orders)) @ coefficients

    def age_change(self, age: float | np.ndarray) -> float | np.ndarray:
        """Return the change at an age in years from the peak age."""
        return self.age_effect * ((age - self.peak_age) / AGE_UNIT) ** 2

    def dip_change(
        self, bundle: str, positions: np.ndarray, diagnosis: str
    ) -> np.ndarray:
        """Return the change (n,) of a group from controls."""
        has_dip = diagnosis == "patient" and bundle == self.dip_bundle
        away = (np.asarray(positions) - self.dip_place) / self.dip_width
        return self.dip * has_dip * np.exp(-(away**2) / 2)

    def subject_covariance(self, positions: np.ndarray) -> np.ndarray:
        """Return the covariance (n, n) of the deviation of subjects in a bundle.

        Half of the variance is the same all along the bundle.
        """
        part = _squared_exponential(positions, self.subject_scale)
        return self.subject_sd**2 * (_COMMON + (1 - _COMMON) * part)

    def noise_covariance(self, positions: np.ndarray) -> np.ndarray:
        """Return the covariance (n, n) of the deviation of streamlines of a subject."""
        return self.noise_sd**2 * _squared_exponential(positions, self.noise_scale)


def _of_bundles(*coefficients: tuple[float, ...]) -> dict[str, tuple[float, ...]]:
    return dict(zip(BUNDLE_NAMES, coefficients, strict=True))


# Sizes are as in adults: fractional anisotropy of 0.3 to 0.7 that is greatest, and mean
# diffusivity that is least, in the thirties.
PROFILE_LAWS = {
    "FA": ProfileLaw(
        unit="",
        limits=(0.0, 1.0),
        base=_of_bundles(
            (0.52, 0.03, -0.06, 0.01),
            (0.48, -0.04, -0.04, 0.02),
            (0.55, 0.02, -0.08, -0.01),
            (0.60, -0.02, -0.05, 0.01),
            (0.46, 0.04, -0.03, -0.02),
            (0.50, -0.03, -0.06, -0.01),
            (0.57, 0.01, -0.07, 0.02),
        ),
        age_effect=-0.04,
        peak_age=35.0,
        dip=-0.08,
        dip_place=0.35,
        dip_width=0.08,
        dip_bundle="bundle_3",
        core_effect=0.02,
        subject_sd=0.01,
        noise_sd=0.03,
    ),
    "MD": ProfileLaw(
        unit="1e-3 mm^2/s",
        limits=(0.0, 3.0),
        base=_of_bundles(
            (0.74, -0.02, 0.03, 0.01),
            (0.77, 0.02, 0.02, -0.01),
            (0.72, -0.01, 0.04, 0.01),
            (0.70, 0.01, 0.03, -0.01),
            (0.80, -0.03, 0.02, 0.01),
            (0.76, 0.02, 0.03, 0.01),
            (0.73, -0.01, 0.04, -0.01),
        ),
        age_effect=0.05,
        peak_age=38.0,
        dip=0.10,
        dip_place=0.35,
        dip_width=0.08,
        dip_bundle="bundle_3",
        core_effect=-0.02,
        subject_sd=0.012,
        noise_sd=0.03,
    ),
}
"""Laws of FA and of MD (1e-3 mm^2/s) in the bundles of the phantom."""


def laws_as_dict(laws: Mapping[str, ProfileLaw]) -> dict[str, dict]:
    """Return laws as plain values, for JSON; ``ProfileLaw(**one)`` takes each back."""
    return {name: asdict(law) for name, law in laws.items()}


def check_profile_laws(
    laws: Mapping[str, ProfileLaw], people: Iterable, bundle_names: Iterable[str]
) -> None:
    """Raise ValueError for laws by which points of a subject leave the limits.

    `people` have an ``age`` and a ``diagnosis``. Four standard deviations are left.
    """
    positions = np.linspace(0, 1, NB_NODES)
    people, bundle_names = list(people), list(bundle_names)
    for name, law in laws.items():
        missing = [each for each in bundle_names if each not in law.base]
        if missing:
            raise ValueError(
                f"The law of {name} has no base for {', '.join(missing)}: give cosine "
                "coefficients for every bundle."
            )
        margin = _MARGIN * np.hypot(law.subject_sd, law.noise_sd)
        for one in people:
            found = np.stack(
                [
                    law.profile(each, positions, one.age, one.diagnosis)
                    for each in bundle_names
                ]
            )
            low, high = found.min() - margin, found.max() + margin
            if not law.limits[0] <= low <= high <= law.limits[1]:
                raise ValueError(
                    f"{name} of a {one.diagnosis} of {one.age:g} years would be "
                    f"{low:.2f} to {high:.2f} by its law: give an age_effect, a dip "
                    "and standard deviations that make "
                    f"{law.limits[0]:g} to {law.limits[1]:g}."
                )


def simulate_profiles(
    laws: Mapping[str, ProfileLaw],
    points: np.ndarray,
    labels: np.ndarray,
    bundle_names: tuple[str, ...],
    *,
    age: float,
    diagnosis: str,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Draw the values at the points of the streamlines of one subject.

    Parameters
    ----------
    laws : mapping of str to ProfileLaw
        Law of each value, by its name.
    points : ndarray of shape (n, nb_points, 3)
        Streamlines with points at equal arc length, in mm, in either direction.
    labels : ndarray of int, shape (n,)
        Bundle of each streamline, an index into `bundle_names`.
    bundle_names : tuple of str
        Names of the bundles.
    age, diagnosis : float, str
        Of the subject.
    rng : Generator
        Source of the random numbers.

    Returns
    -------
    dict of str to ndarray of shape (n, nb_points)
        Values by name, float32.
    """
    positions = np.linspace(0, 1, points.shape[1])
    backwards = against_bundle(points, labels)
    nearness = 1 - _squared_distances(points, labels, len(bundle_names))
    drawn = {}
    for name, law in laws.items():
        expected = np.stack(
            [law.profile(each, positions, age, diagnosis) for each in bundle_names]
        )
        deviation = _draw(law.subject_covariance, positions, len(bundle_names), rng)
        noise = _draw(law.noise_covariance, positions, len(points), rng)
        values = (expected + deviation)[labels] + noise
        values += law.core_effect * nearness[:, np.newaxis]
        values[backwards] = values[backwards, ::-1]
        drawn[name] = values.astype(np.float32)
    return drawn


def _squared_distances(points, labels, nb_bundles: int) -> np.ndarray:
    """Return squared distances (n,) from the mean streamline, over their mean."""
    counts = np.maximum(np.bincount(labels, minlength=nb_bundles), 1)
    means = np.zeros((nb_bundles, *points.shape[1:]))
    np.add.at(means, labels, points)
    away = points - (means / counts[:, np.newaxis, np.newaxis])[labels]
    squares = (away**2).sum(axis=2).mean(axis=1)
    mean_squares = np.bincount(labels, squares, nb_bundles) / counts
    # A single streamline is its own mean.
    return squares / np.maximum(mean_squares, np.finfo(np.float32).tiny)[labels]


def _squared_exponential(positions: np.ndarray, scale: float) -> np.ndarray:
    away = np.subtract.outer(positions, positions) / scale
    return np.exp(-(away**2) / 2)


def _draw(covariance, positions: np.ndarray, number: int, rng) -> np.ndarray:
    """Draw normal curves (number, n) with a covariance, a function of positions."""
    nodes = np.linspace(0, 1, NB_NODES)
    variances, vectors = np.linalg.eigh(covariance(nodes))
    root = vectors * np.sqrt(np.maximum(variances, 0))
    # Linear between the nodes, which are far closer than the curves vary.
    root = np.stack([np.interp(positions, nodes, each) for each in root.T])
    return rng.standard_normal((number, NB_NODES)) @ root
