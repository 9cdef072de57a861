"""From a density of latents to streamlines, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

_BATCH = 4096


def share_by_bundle(
    nb_streamlines: int,
    bundle_counts: Sequence[int],
    bundle_names: Sequence[str],
    *,
    bundles: str | Sequence[str] | None = None,
    balanced: bool = False,
) -> np.ndarray:
    """Share a number of streamlines among bundles.

    Parameters
    ----------
    nb_streamlines : int
        Number of streamlines in all.
    bundle_counts : sequence of int
        Training streamlines of each bundle.
    bundle_names : sequence of str
        Names of the bundles.
    bundles : str or sequence of str, optional
        Names of those that get a share; all by default.
    balanced : bool, optional
        Equal shares in place of the proportions of `bundle_counts`.

    Returns
    -------
    ndarray of shape (nb_bundles,), int64
        Number for each bundle; they add up to `nb_streamlines`.

    Raises
    ------
    ValueError
        If a bundle is unknown or the number is not positive.
    """
    if nb_streamlines < 1:
        raise ValueError(f"nb_streamlines={nb_streamlines}: give 1 or more.")
    bundles = [bundles] if isinstance(bundles, str) else bundles
    chosen = list(bundle_names) if bundles is None else list(bundles)
    unknown = sorted(set(chosen) - set(bundle_names))
    if unknown or not chosen:
        raise ValueError(
            f"Bundle {', '.join(unknown) or '(none)'} is not in the model; it has "
            f"{', '.join(bundle_names)}."
        )
    weights = np.array(
        [
            (1.0 if balanced else count) if name in chosen else 0.0
            for name, count in zip(bundle_names, bundle_counts)
        ]
    )
    # Largest remainders: shares differ from the exact ones by less than one.
    exact = nb_streamlines * weights / weights.sum()
    shares = np.floor(exact).astype(np.int64)
    short = nb_streamlines - shares.sum()
    order = np.argsort(shares - exact, kind="stable")
    shares[order[:short]] += 1
    return shares


def generate_batches(
    density,
    decode: Callable[[np.ndarray], np.ndarray],
    counts: Sequence[int],
    *,
    seed: int,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw latents and decode them, a batch at a time, bundle after bundle.

    Parameters
    ----------
    density : LatentMixture
        Or anything with its ``sample(nb_samples, label, seed)``.
    decode : callable
        Latents (m, d) to points (m, nb_points, 3) in mm.
    counts : sequence of int
        Streamlines of each bundle.
    seed : int
        Fixes the draw; every batch has a stream of its own.

    Yields
    ------
    points : ndarray of shape (m, nb_points, 3), float32
        Points in RASMM mm.
    labels : ndarray of shape (m,), int32
        Bundle of each.
    """
    for label, count in enumerate(counts):
        for start in range(0, int(count), _BATCH):
            size = min(_BATCH, int(count) - start)
            z = density.sample(size, label, (seed, label, start))
            yield decode(z), np.full(size, label, dtype=np.int32)
