"""Measures of generated streamlines: names, descriptions and units, and estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math
import re

import numpy as np

UNITS = {"length": "mm", "curvature": "1/mm", "tortuosity": "", "winding": "degrees"}
"""The attributes compared, and their units."""

ATTRIBUTES = tuple(UNITS)
"""Names of the attributes compared."""

QUALITY = ("precision", "recall", "density", "coverage")
"""Measures of neighbourhoods (`prdc`)."""

QUALITY_SHARES = ("precision", "recall", "coverage")
"""Those that are between 0 and 1, in which generated streamlines can be below real."""

W1 = tuple(f"{name}_w1" for name in ATTRIBUTES)
"""Wasserstein-1 distances, of which the ratio to those of real ones is reported."""

C2ST = {f"c2st_{name}": name for name in ("shape", "texture", "both")}
"""Classifier two-sample tests (`c2st`), and their sets of features."""

MEMBERSHIP = ("membership_auc", "membership_tpr")
"""Membership attacks by what was generated (`attack_generated`)."""

DESCRIPTIONS: dict[str, tuple[str, str]] = {
    "precision": ("Share in the neighbourhood of any held-out streamline.", ""),
    "recall": ("Share of held-out streamlines in the neighbourhood of any.", ""),
    "density": ("Mean number of neighbourhoods a streamline is in, over k.", ""),
    "coverage": ("Share of neighbourhoods of held-out streamlines with any.", ""),
    "shape_similarity": ("BUAN shape similarity.", ""),
    "dice": ("Dice coefficient of the volumes.", ""),
    "overlap": ("Share of the voxels of the held-out streamlines.", ""),
    "overreach": ("Voxels beyond the held-out streamlines, over theirs.", ""),
    "agreement": ("Share whose nearest held-out streamline is of their bundle.", ""),
    **{
        f"mean_{name}": (f"Mean {name} of the streamlines that were compared.", unit)
        for name, unit in UNITS.items()
    },
    **{
        f"{name}_w1": (
            f"Wasserstein-1 distance of the distributions of {name} from that of the "
            "held-out streamlines.",
            unit,
        )
        for name, unit in UNITS.items()
    },
    "nearest_training": ("Median distance to the nearest of training.", "mm"),
    "repetition": ("Share nearer than a tenth of the usual to another one.", ""),
    "memorised": ("Share as near to training as one in a hundred held out.", ""),
    **{
        name: (f"How well classifiers tell by {each}: 0.5 not at all, 1 always.", "")
        for name, each in C2ST.items()
    },
    "membership_auc": (
        "How well those it was trained on are told from others: 0.5 not at all.",
        "",
    ),
    "membership_tpr": (
        "Share of those that are told where one in a hundred others is taken for one.",
        "",
    ),
    "novelty": ("Median distance to training, over that of those held out.", ""),
    "generated_per_training": ("Generated streamlines for each of training.", ""),
}
"""What each measure is, and its unit."""

MEASURE_NAMES = tuple(DESCRIPTIONS)
"""Measures that can be requested by name."""

RATIO_MEASURES = ("novelty", "generated_per_training")
"""Ratios of a report that are no measures of a set of streamlines."""

SET_MEASURES = MEASURE_NAMES[: -len(RATIO_MEASURES)]
"""Measures that a report has of generated and of real streamlines."""

PROFILE_TESTS: dict[str, tuple[str, str]] = {
    "c2st_profile": ("How well classifiers tell by profiles: 0.5 not at all.", ""),
    "pairing_auc": (
        "How well shapes with their profiles are told from those with others.",
        "",
    ),
}
"""Tests of the profiles of all values together, of reports with values."""

_PROFILES = {
    "mean_difference": "Mean absolute difference of the mean profile of",
    "w1": "Wasserstein-1 distance at a node, mean over the nodes, of",
    "covariance": "Relative distance of the covariance along the bundle of",
}
_OF_VALUE = re.compile(rf"(?P<value>.+)_profile_({'|'.join(_PROFILES)})", re.DOTALL)


def profile_measures(value: str) -> dict[str, str]:
    """Return the names of the measures of a value's profiles, such as FA_profile_w1.

    They are by the names of `profiles.distances.PROFILE_MEASURES`.
    """
    return {name: f"{value}_profile_{name}" for name in _PROFILES}


def value_of(measure: str) -> str | None:
    """Return the value of a measure of profiles; None for other names."""
    found = _OF_VALUE.fullmatch(measure)
    return found["value"] if found else None


def described_measures(values: Sequence[str] = ()) -> dict[str, tuple[str, str]]:
    """Return what each measure is, and its unit, of a report with some values."""
    if not values:
        return DESCRIPTIONS
    of_values = {
        measure: (f"{_PROFILES[name]} {value}.", "")
        for value in values
        for name, measure in profile_measures(value).items()
    }
    return {**DESCRIPTIONS, **of_values, **PROFILE_TESTS}


OF_ALL = ("repetition", "memorised")
"""Shares of all streamlines of a set, not of matched samples."""

MEASURES = SET_MEASURES[: SET_MEASURES.index("nearest_training")]
"""Measures of matched samples; any is None where it has no meaning."""

SHARES = {*QUALITY_SHARES, "shape_similarity", "dice", "overlap", "agreement", *OF_ALL}
"""Measures that are between 0 and 1."""


def shortfall(entry: dict) -> float:
    """Return by how much a bundle is below real in its worst quality share.

    `entry` is that of a bundle in a report; minus infinity where it has no such share.
    """
    real, generated = entry["real"], entry["generated"]
    differences = [
        real[name] - generated[name]
        for name in QUALITY_SHARES
        if None not in (real.get(name), generated.get(name))
    ]
    return max(differences, default=-math.inf)


@dataclass(frozen=True)
class Estimate:
    r"""A measure with empirical influence values, for the bootstrap.

    With streamline :math:`i` of a sample drawn :math:`w_i` times instead of once, the
    measure becomes about :math:`\theta + \sum_i (w_i - 1) t_i`. ``value`` is
    :math:`\theta`; ``candidates`` (M,) and ``reference`` (N,) are the influences
    :math:`t_i` of the streamlines of both sets, 0 where the measure does not depend on
    them.
    """

    value: float
    candidates: np.ndarray | float = 0.0
    reference: np.ndarray | float = 0.0


def mean_estimate(values: np.ndarray) -> Estimate:
    """Return the mean of numbers or truth values (M,) of the candidates."""
    return Estimate(float(np.mean(values)), mean_influence(values))


def mean_influence(values: np.ndarray, *, over: float | None = None) -> np.ndarray:
    """Return the influence (n,) of values on their mean, or their sum over `over`."""
    values = np.asarray(values, dtype=float)
    nb_streamlines = max(len(values), 1)
    centred = values - values.sum() / nb_streamlines
    return centred / (nb_streamlines if over is None else over)
