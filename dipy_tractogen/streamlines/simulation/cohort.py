"""A cohort with a known answer: bundles that age and diagnosis change by stated laws.

Every subject has the bundles of the phantom, shortened, fanned out and shifted as the
laws say for its age and diagnosis, with a small deviation of its own; and, where asked
for, values along the streamlines that have laws as well, see `profiles`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
import math

import numpy as np

from ..dataset import BundleSet
from ..geometry import resample
from .parameters import MAX_RADIUS, CohortLaws
from .phantom import simulate_fibercup
from .phantom_geometry import BUNDLE_NAMES
from .profiles import ProfileLaw, check_profile_laws, simulate_profiles

DIAGNOSES = ("control", "patient")
"""The groups of the cohort."""

# Streamlines are cut from the middle of longer ones. At the least change a little is
# left at either end, so that subjects may deviate to either side.
_LONGEST_SHARE = 0.95
_SHORTEST_SHARE = 0.2
_MAX_SHIFT_MM = 20.0
_NB_DENSE = 256


@dataclass(frozen=True)
class Participant:
    """Subject of a cohort, a row of ``participants.tsv``: age in years, to a tenth."""

    participant_id: str
    age: float
    diagnosis: str


def simulate_participants(
    nb_subjects: int = 20,
    *,
    youngest: float = 20.0,
    oldest: float = 80.0,
    seed: int = 0,
) -> list[Participant]:
    """Draw the subjects of a cohort.

    Ages are spread evenly from the youngest to the oldest, each at random within its
    share; half of the subjects, or one more than half, are controls.

    Parameters
    ----------
    nb_subjects : int, optional
        Number of subjects, 2 or more.
    youngest, oldest : float, optional
        Limits of the ages, in years.
    seed : int, optional
        Seed of the random numbers.

    Returns
    -------
    list of Participant
        In the order of their names, which is not that of their ages.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    if nb_subjects < 2:
        raise ValueError(f"nb_subjects={nb_subjects}: give 2 or more.")
    if not 0 <= youngest < oldest < math.inf:
        raise ValueError(
            f"youngest={youngest}, oldest={oldest}: give ages from 0, in that order."
        )
    if seed < 0:
        raise ValueError(f"seed={seed}: give 0 or more.")
    rng = np.random.default_rng(seed)
    shares = (np.arange(nb_subjects) + rng.random(nb_subjects)) / nb_subjects
    ages = np.round(youngest + (oldest - youngest) * shares, 1)
    # Neighbours in age are of different groups, so that age and group are independent.
    groups = np.arange(nb_subjects) % len(DIAGNOSES)
    digits = max(3, len(str(nb_subjects)))
    return [
        Participant(f"sub-{number:0{digits}d}", float(ages[i]), DIAGNOSES[groups[i]])
        for number, i in enumerate(rng.permutation(nb_subjects), start=1)
    ]


def simulate_cohort(
    participants: list[Participant],
    laws: CohortLaws | None = None,
    *,
    profiles: Mapping[str, ProfileLaw] | None = None,
    nb_streamlines: int = 50,
    nb_points: int = 100,
    youngest: float = 20.0,
    radius: float = 6.5,
    varying_ends: float = 0.2,
    seed: int = 0,
) -> Iterator[tuple[Participant, BundleSet]]:
    """Draw the bundles of every subject, one after the other.

    Parameters
    ----------
    participants : list of Participant
        The subjects.
    laws : CohortLaws, optional
        What age and diagnosis do.
    profiles : mapping of str to ProfileLaw, optional
        Laws of values along the streamlines, by name, such as
        `~dipy_tractogen.streamlines.simulation.profiles.PROFILE_LAWS` of FA and MD;
        none by default. The points are the same with and without.
    nb_streamlines : int, optional
        Streamlines in each of the seven bundles of a subject.
    nb_points : int, optional
        Points of each streamline, equally spaced.
    youngest : float, optional
        Age at which the laws begin, in years.
    radius : float, optional
        Half width of a bundle of the youngest controls, in mm.
    varying_ends : float, optional
        Share of a bundle's length over which streamlines start and stop, as of
        `simulate_fibercup`.
    seed : int, optional
        Seed of the random numbers; each subject has a stream of its own.

    Yields
    ------
    participant : Participant
        The subject.
    bundles : BundleSet
        Its streamlines in RASMM mm, in the volume of the phantom, with the values of
        `profiles` in ``data_per_point``.

    Raises
    ------
    ValueError
        If a law goes too far for a subject, or a number is out of its range.
    """
    laws = laws or CohortLaws()
    profiles = profiles or {}
    check_laws(laws, participants, youngest=youngest, radius=radius)
    check_profile_laws(profiles, participants, BUNDLE_NAMES)
    if nb_points < 2:
        raise ValueError(f"nb_points={nb_points}: give 2 or more.")
    streams = np.random.SeedSequence(seed).spawn(len(participants))
    for participant, stream in zip(participants, streams):
        rng = np.random.default_rng(stream)
        years = participant.age - youngest
        own_seed = int(rng.integers(2**31))
        deviation = math.exp(laws.subject_noise * rng.standard_normal())
        width = radius * laws.width_factor(years, participant.diagnosis)
        bundles = simulate_fibercup(
            nb_streamlines,
            radius=width * math.exp(laws.subject_fan * rng.standard_normal()),
            varying_ends=varying_ends,
            nb_points=_NB_DENSE,
            seed=own_seed,
        )
        share = laws.length_factor(years, participant.diagnosis) * deviation
        points = resample(bundles.streamlines, _NB_DENSE)
        points = _middle(points, min(_LONGEST_SHARE * share, 1.0))
        points[..., 1] += laws.shift(years, participant.diagnosis)
        moves = rng.standard_normal((len(bundles.bundle_names), 1, 2))
        points[..., :2] += (laws.subject_shift * moves)[bundles.labels]
        points = resample(points, nb_points)
        bundles = replace(bundles, streamlines=points)
        if profiles:
            values = simulate_profiles(
                profiles,
                points,
                bundles.labels,
                bundles.bundle_names,
                age=participant.age,
                diagnosis=participant.diagnosis,
                # A stream beside that of the points, which stay what they are.
                rng=np.random.default_rng(stream.spawn(1)[0]),
            )
            values = {name: each.reshape(-1, 1) for name, each in values.items()}
            bundles = replace(bundles, data_per_point=values)
        yield participant, bundles


def check_laws(
    laws: CohortLaws,
    participants: list[Participant],
    *,
    youngest: float = 20.0,
    radius: float = 6.5,
) -> None:
    """Raise ValueError for laws that make a bundle too short or wide or move it out.

    Arguments are those of `simulate_cohort`.
    """
    for one in participants:
        years = one.age - youngest
        length = _LONGEST_SHARE * laws.length_factor(years, one.diagnosis)
        width = radius * laws.width_factor(years, one.diagnosis)
        shift = laws.shift(years, one.diagnosis)
        who = f"{one.participant_id}, a {one.diagnosis} of {one.age:g} years"
        if not _SHORTEST_SHARE <= length <= 1:
            raise ValueError(
                f"The bundles of {who}, would have {length:.2f} times the length "
                "of the phantom's: give a length_per_year and patient_length that make "
                f"{_SHORTEST_SHARE:g} to 1."
            )
        if not 0 < width <= MAX_RADIUS:
            raise ValueError(
                f"The bundles of {who}, would have a radius of {width:.1f} mm: give "
                f"a fan_per_year and patient_fan that make at most {MAX_RADIUS:g}."
            )
        if abs(shift) > _MAX_SHIFT_MM:
            raise ValueError(
                f"The bundles of {who}, would be shifted by {shift:.1f} mm: give a "
                f"shift_per_year and patient_shift that make at most {_MAX_SHIFT_MM:g}."
            )


def _middle(points: np.ndarray, share: float) -> np.ndarray:
    """Cut a share of the length out of the middle of equally spaced points."""
    nb_points = points.shape[1]
    at = np.linspace((1 - share) / 2, (1 + share) / 2, nb_points) * (nb_points - 1)
    left = np.minimum(at.astype(int), nb_points - 2)
    weight = (at - left)[:, None].astype(points.dtype)
    return points[:, left] * (1 - weight) + points[:, left + 1] * weight
