"""Memorisation: copies of training streamlines among generated ones."""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest

from dipy_tractogen.streamlines.duplicates import DUPLICATE_MM

from ..measures import mean_influence

QUANTILE = 0.01
"""Share of the held-out streamlines that are as near to training as a copy."""

COPY_SHARE = 0.1
"""Streamlines nearer than this share of the usual distance are copies in any case."""

_CONFIDENCE = 0.95
_MOSTLY = 0.5
# A generator whose streamlines are all nearer by a fifth does not count as copying.
_NEARER = 0.8


def copy_distance(held_out_to_training: np.ndarray) -> float | None:
    """Return the distance in mm to training below which a streamline is a copy.

    The distance that one in a hundred held-out streamlines is nearer than; or a tenth
    of their median where this is more, as where real streamlines come in near pairs;
    and a hundredth of a millimetre at least. None without distances.
    """
    if not len(held_out_to_training):
        return None
    rare, usual = np.quantile(held_out_to_training, [QUANTILE, 0.5])
    return float(max(rare, COPY_SHARE * usual, DUPLICATE_MM))


def copy_influence(
    generated_to_training: np.ndarray, held_out_to_training: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the influence of generated and held-out streamlines on the copied share.

    Held-out streamlines have theirs through the `copy_distance`.
    """
    threshold = copy_distance(held_out_to_training)
    near = held_out_to_training < threshold
    # Density of the generated streamlines at the limit, over that of held-out ones.
    density, share = 0.0, near.mean()
    if share > 0:
        around = np.quantile(held_out_to_training, [0, min(2 * share, 1)])
        below = np.searchsorted(np.sort(generated_to_training), around)
        density = np.diff(below)[0] / len(generated_to_training) / (2 * share)
    return (
        mean_influence(generated_to_training < threshold),
        -density * mean_influence(near),
    )


def memorisation(
    generated_to_training: np.ndarray, held_out_to_training: np.ndarray
) -> dict | None:
    """Compare how many generated and held-out streamlines are copies of training ones.

    From the distances (n,) and (m,) of both to the nearest of training, in mm. Real
    streamlines that were not trained on are near to others by chance alone. A
    generator that copies some, with a little noise, has more near ones; one that copies
    all has nearly all streamlines nearer than the held-out ones, the comparison of
    :footcite:t:`Meehan2020`.

    Returns ``threshold_mm``, the `copy_distance`; the shares of ``generated`` and
    ``real`` streamlines below it; ``nearer_than_real``, the probability that a
    generated streamline is nearer to training than a held-out one, 0.5 for a perfect
    generator; ``copies``, ``"none"``, ``"some"`` where the share below four fifths of
    the threshold is above that of held-out ones below the threshold, by the 95 % limits
    of both, ``"most"`` where ``generated`` is above one half as well; and ``verdict``,
    a sentence. None where there are no distances.

    References
    ----------
    .. footbibliography::
    """
    threshold = copy_distance(held_out_to_training)
    if threshold is None or not len(generated_to_training):
        return None
    near = [each < threshold for each in (generated_to_training, held_out_to_training)]
    generated, real = (float(each.mean()) for each in near)
    least, _ = _limits(generated_to_training < _NEARER * threshold)
    _, most = _limits(near[1])
    copies = "none"
    if least > most:
        copies = "most" if generated > _MOSTLY else "some"
    return {
        "threshold_mm": threshold,
        "generated": generated,
        "real": real,
        "nearer_than_real": _nearer(generated_to_training, held_out_to_training),
        "copies": copies,
        "verdict": f"{_VERDICTS[copies]}: {100 * generated:.3g} % of the generated and "
        f"{100 * real:.3g} % of the held-out streamlines are within {threshold:.3g} mm "
        "of one of training.",
    }


def _limits(near: np.ndarray) -> tuple[float, float]:
    """Limits of a share, after Clopper and Pearson."""
    found = binomtest(int(near.sum()), len(near))
    return found.proportion_ci(_CONFIDENCE, method="exact")


def _nearer(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Probability that one of ours is below one of theirs, ties by half."""
    ordered = np.sort(theirs)
    places = [np.searchsorted(ordered, ours, side=side) for side in ("left", "right")]
    return float(1 - np.mean(places) / len(theirs))


_VERDICTS = {
    "none": "No sign of copies",
    "some": "Some are copies",
    "most": "Most are copies",
}
