"""Computing time of the parts of an evaluation, for its progress bar.

In seconds of one core, about; only the ratios matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized

from dipy_tractogen.utils.prefetch import default_threads

MAX_CLUSTERED = 250
"""Largest number of streamlines of a bundle that are clustered."""

_PREPARED = 3e-5
_IN_VOXELS = 2e-5
_FOUND = 1.2e-5
_CLUSTERED = 4e-4
_DRAWN_AGAIN = 2.5e-8
_CLASSIFIED = 5e-4


def preparation(nb_streamlines: int) -> float:
    """Return the time of resampling and measuring streamlines."""
    return _PREPARED * nb_streamlines


def search(nb_streamlines: int, nb_others: int) -> float:
    """Return the time of finding near streamlines among others."""
    # Threads share memory, and perhaps cores with other programs.
    return _FOUND * nb_streamlines * nb_others**0.25 / default_threads() ** 0.5


def clustering(nb_streamlines: int) -> float:
    """Return the time of clustering the streamlines of a bundle."""
    return _CLUSTERED * min(nb_streamlines, MAX_CLUSTERED)


def resampling(nb_streamlines: int, nb_resamples: int) -> float:
    """Return the time of resampling streamlines for intervals."""
    return _DRAWN_AGAIN * nb_streamlines * nb_resamples


def classification(nb_streamlines: int) -> float:
    """Return the time of scoring streamlines by classifiers trained on the others."""
    return _CLASSIFIED * nb_streamlines


def voxels(nb_streamlines: int) -> float:
    """Return the time of finding the voxels of streamlines."""
    return _IN_VOXELS * nb_streamlines


def evaluation(
    generated: Sized,
    real: Sized,
    training: Sized | None,
    sizes: Mapping[int, int],
    *,
    nb_draws: int,
    nb_resamples: int,
    nb_classified: int = 0,
) -> float:
    """Return the time of an evaluation whose sets are prepared, in seconds.

    `sizes` are the streamlines of each bundle in a sample, from `matched_sizes`;
    `nb_classified` is how many are scored by classifiers, in all.
    """
    n, m = len(generated), len(real)
    known = 0 if training is None else len(training)
    # Search of held-out streamlines, then distances to training and within sets.
    searches = [(m, known), (n, known), (m, known), (n, n), (known or m, known or m)]
    total = sum(search(*each) for each in searches if all(each))
    whole = sum(sizes.values())
    # Neighbourhoods of the sample, then its own and what is in either, twice; and the
    # bundle of the nearest.
    for size in (*sizes.values(), whole):
        total += nb_draws * 7 * search(size, size)
    total += nb_draws * 2 * search(whole, whole)
    total += nb_draws * 3 * sum(map(clustering, sizes.values()))
    total += classification(nb_classified)
    return total + voxels(n + m + known) + resampling(n + m + known, nb_resamples)
