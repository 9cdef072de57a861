"""What is far from real streamlines, and on the wrong side of them."""

from __future__ import annotations

from dipy_tractogen.metrics.measures import C2ST, MEMBERSHIP, W1, shortfall

from ..evaluation import interval
from .content import is_number

FAR = 0.1
"""Difference of a share from that of real streamlines that is pointed out."""

FAR_FROM_TRAINING = 1.25
"""Novelty above which streamlines are unlike real ones."""

BELOW, ABOVE = "far below real", "far above real"

# Of these, low values are good.
_BETTER_LOW = ("repetition", "overreach", *C2ST, "c2st_profile", *MEMBERSHIP)
_NOT_JUDGED = ("mean_length", "density")
# Novelty below which streamlines are nearer to those of training than real ones are.
_NEAR_TRAINING = 0.8
# Ratio of a Wasserstein distance to that of real streamlines.
_FAR_RATIO = 2.0


def far_from_real(entry: dict, measure: str) -> str:
    """Return in words how a measure is far worse than real, or empty text.

    That is by more than `FAR`, or for a ratio by more than a factor of two, and beyond
    the intervals if there are some. `entry` is that of a bundle in a report.
    """
    if measure == "memorised":
        copies = (entry.get("memorisation") or {}).get("copies", "none")
        return "" if copies == "none" else "copies"
    if measure == "novelty":
        return _of_novelty(entry)
    if measure in W1:
        return _of_ratio(entry, measure)
    generated, real = (entry[kind].get(measure) for kind in ("generated", "real"))
    if measure in _NOT_JUDGED or not (is_number(generated) and is_number(real)):
        return ""
    ends = [interval(entry, kind, measure) for kind in ("generated", "real")]
    if measure in _BETTER_LOW:
        is_far, ends = generated - real > FAR, ends[::-1]
        word = ABOVE
    else:
        is_far, word = real - generated > FAR, BELOW
    overlap = all(ends) and ends[0][1] >= ends[1][0]
    return word if is_far and not overlap else ""


def _of_novelty(entry: dict) -> str:
    novelty = entry.get("ratios", {}).get("novelty")
    if not is_number(novelty):
        return ""
    if novelty > FAR_FROM_TRAINING:
        return "far from training"
    return "near training" if novelty < _NEAR_TRAINING else ""


def _of_ratio(entry: dict, measure: str) -> str:
    ratio = entry.get("ratios", {}).get(measure)
    ends = interval(entry, "ratios", measure)
    is_far = is_number(ratio) and ratio > _FAR_RATIO and not (ends and ends[0] <= 1)
    return ABOVE if is_far else ""


def worst_first(bundles: dict[str, dict]) -> list[str]:
    """Return the names of bundles, the farthest below real first.

    See `shortfall`; bundles without it come last, in the order given.
    """
    return sorted(bundles, key=lambda name: -shortfall(bundles[name]))
