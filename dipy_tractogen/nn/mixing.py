"""Files of mixtures of pairs of streamlines, and of mean streamlines."""

from __future__ import annotations

from collections.abc import Iterator
import logging
from pathlib import Path

import numpy as np
from scipy.interpolate import interp1d

from dipy_tractogen.sampling.texture.arc_length import with_equal_steps
from dipy_tractogen.streamlines.formats.writers import open_writer, save_bundles
from dipy_tractogen.streamlines.screening import kept_in_box
from dipy_tractogen.utils.messages import format_count
from dipy_tractogen.utils.progress import track_progress

logger = logging.getLogger("dipy_tractogen")

# Streamlines that are held as points at a time, the steps of whole pairs.
_BLOCK = 10240
# The mean of so many streamlines is known well enough.
_MOST = 10_000


def _mixed_blocks(
    model, bundles, pairs, nb_steps: int, *, path: str = "linear", show_progress=False
) -> Iterator[tuple[np.ndarray, np.ndarray, dict]]:
    """Yield numbers (m,) of pairs and their steps (m, nb_steps, nb_points, 3) in mm.

    The values along them, (m, nb_steps, nb_points) by name, follow.
    """
    block = max(1, _BLOCK // nb_steps)
    starts = range(0, len(pairs[0]), block)
    for start in track_progress(starts, "Mixing", show_bar=show_progress):
        number = np.arange(start, min(start + block, len(pairs[0])))
        sides = (each.select(own[number]) for each, own in zip(bundles, pairs))
        yield (
            number,
            *model.interpolate(*sides, nb_steps, path=path, return_data_per_point=True),
        )


def _pairs_of(model, first, second, nb_pairs: int, seed: int) -> tuple:
    """Return the rows of as many pairs, or of all that two bundles have."""
    nb_found = min(nb_pairs, len(first), len(second))
    if nb_found < nb_pairs:
        pairs = format_count(nb_found, "pair")
        logger.info("%s mixed: the smaller bundle has no more streamlines", pairs)
    return model.pair(first, second, nb_found, seed=seed)


def save_mixtures(
    out_tractogram: str | Path,
    model,
    bundles,
    pairs=None,
    *,
    nb_pairs: int = 100,
    nb_steps: int = 5,
    path: str = "linear",
    nb_points: int | None = None,
    outside_box: str = "drop",
    seed: int = 0,
    force: bool = False,
    show_progress: bool = False,
) -> int:
    """Mix pairs of streamlines, and write all steps of each.

    Parameters
    ----------
    out_tractogram : str or Path
        File to write, with a bundle for each step, and ``weight``, of the second
        streamline, and ``pair``, the number of the pair, as ``data_per_streamline``;
        values along the streamlines, where the model has some, as ``data_per_point``.
    model : StreamlineModel
        The model, trained.
    bundles : tuple of two BundleSet
        First and second streamlines, with the values that the networks read.
    pairs : tuple of two ndarray of shape (n,), int, optional
        Rows of the pairs, by default from ``model.pair``.
    nb_pairs : int, optional
        Number of pairs to find; the smaller bundle may have fewer.
    nb_steps : int, optional
        Number of steps, both ends included.
    path : {"linear", "spherical"}, optional
        Way through the latent space.
    nb_points : int, optional
        Points of each streamline; by default those of the model.
    outside_box : {"drop", "keep", "error"}, optional
        What to do with pairs that leave the grid of the first streamlines.
    seed : int, optional
        Seed of the draw of the pairs.
    force : bool, optional
        Replace an existing file.
    show_progress : bool, optional
        Show a progress bar.

    Returns
    -------
    int
        Number of pairs that were written.
    """
    if pairs is None:
        pairs = _pairs_of(model, *bundles, nb_pairs, seed)
    reference = bundles[0].reference
    nb_written, weights = 0, np.linspace(0, 1, nb_steps)
    writer = open_writer(
        out_tractogram,
        reference=reference,
        bundle_names=[f"step_{step}" for step in range(1, nb_steps + 1)],
        force=force,
    )
    options = {"path": path, "show_progress": show_progress}
    with writer as tractogram:
        blocks = _mixed_blocks(model, bundles, pairs, nb_steps, **options)
        for number, steps, of_points in blocks:
            # The steps of a pair lie one after the other.
            points = with_equal_steps(steps.reshape(-1, *steps.shape[2:]), nb_points)
            of_points = _at_equal_steps(of_points, points.shape[1])
            steps = points.reshape(len(number), nb_steps, *points.shape[1:])
            kept = kept_in_box(steps, reference, outside_box, "pairs")
            of_points = {
                name: each[kept].reshape(-1, 1) for name, each in of_points.items()
            }
            number, points = number[kept], points[np.repeat(kept, nb_steps)]
            data = {
                "weight": np.tile(weights, len(number)).astype(np.float32),
                "pair": np.repeat(number, nb_steps).astype(np.int32),
            }
            labels = np.tile(np.arange(nb_steps), len(number))
            tractogram.write(points, labels, data, data_per_point=of_points)
            nb_written += len(number)
    return nb_written


def save_means(
    out_tractogram: str | Path,
    model,
    bundles,
    *,
    nb_points: int | None = None,
    outside_box: str = "drop",
    seed: int = 0,
    force: bool = False,
) -> int:
    """Write the mean streamline of each bundle, decoded from the mean of the latents.

    Parameters
    ----------
    out_tractogram : str or Path
        File to write, with ``nb_streamlines``, the number that each is the mean of, as
        ``data_per_streamline``, and values along it as ``data_per_point``.
    model : StreamlineModel
        The model, trained.
    bundles : BundleSet
        Streamlines, with the values that the networks read.
    nb_points : int, optional
        Points of each streamline; by default those of the model.
    outside_box : {"drop", "keep", "error"}, optional
        What to do with means that leave the grid.
    seed : int, optional
        Seed of the choice of 10,000 streamlines of a bundle that has more.
    force : bool, optional
        Replace an existing file.

    Returns
    -------
    int
        Number of streamlines that were written.
    """
    labels, counts = np.unique(bundles.labels, return_counts=True)
    rng = np.random.default_rng(seed)
    means, values = [], []
    for label in labels:
        rows = rng.permutation(np.flatnonzero(bundles.labels == label))[:_MOST]
        given = bundles.select(rows)
        found = model.mean_streamline(given, return_data_per_point=True)
        means.append(found[0])
        values.append(found[1])
    points = with_equal_steps(np.stack(means), nb_points)
    of_points = {name: np.stack([one[name] for one in values]) for name in values[0]}
    of_points = _at_equal_steps(of_points, points.shape[1])
    shown = "mean streamlines"
    kept = kept_in_box(points[:, None], bundles.reference, outside_box, shown)
    numbers = np.minimum(counts[kept], _MOST).astype(np.int32)
    save_bundles(
        out_tractogram,
        points[kept],
        reference=bundles.reference,
        labels=labels[kept],
        bundle_names=bundles.bundle_names,
        data_per_streamline={"nb_streamlines": numbers},
        data_per_point={k: each[kept].reshape(-1, 1) for k, each in of_points.items()},
        force=force,
    )
    return len(numbers)


def _at_equal_steps(data: dict, nb_points: int) -> dict[str, np.ndarray]:
    """Return values (..., p) of decoded points at another number of equal steps."""
    return {
        name: interp1d(np.linspace(0, 1, each.shape[-1]), each)(
            np.linspace(0, 1, nb_points)
        )
        for name, each in data.items()
    }
