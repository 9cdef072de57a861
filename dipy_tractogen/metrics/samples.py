"""Sets of streamlines, and samples of them that can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from dipy_tractogen.streamlines.array_sequence import as_streamlines
from dipy_tractogen.utils.progress import advance

from . import cost
from .attribute_distances import NB_POINTS as TEXTURE_POINTS
from .attribute_distances import texture
from .distances import NB_POINTS, mdf_points
from .volume import Grid, voxel_incidence


@dataclass(frozen=True)
class StreamlineSet:
    """Streamlines ready for every measure.

    Attributes
    ----------
    points : ndarray of shape (n, nb_points, 3), float32
        Points at equal arc length, in mm.
    attributes : dict of str to ndarray of shape (n,)
        Length (mm), mean curvature (1/mm), tortuosity and winding (degrees).
    labels : ndarray of shape (n,), int
        Bundle of each streamline.
    rows : ndarray of shape (n,), int
        Number of each in the set that it was taken from.
    voxels : csr_matrix of shape (n, v), optional
        Voxels that each passes through, from `with_voxels`.
    """

    points: np.ndarray
    attributes: dict[str, np.ndarray]
    labels: np.ndarray
    rows: np.ndarray
    voxels: csr_matrix | None = None

    def __len__(self) -> int:
        return len(self.points)

    def take(self, chosen: np.ndarray) -> StreamlineSet:
        """Return some of the streamlines.

        Parameters
        ----------
        chosen : ndarray of int or bool
            Indices, or a mask.

        Returns
        -------
        StreamlineSet
            Those streamlines, in the order of `chosen`.
        """
        return StreamlineSet(
            self.points[chosen],
            {name: values[chosen] for name, values in self.attributes.items()},
            self.labels[chosen],
            self.rows[chosen],
            None if self.voxels is None else self.voxels[chosen],
        )

    def of_bundle(self, label: int) -> StreamlineSet:
        """Return the streamlines of one bundle.

        Parameters
        ----------
        label : int
            The bundle.

        Returns
        -------
        StreamlineSet
            Its streamlines.
        """
        return self.take(self.labels == label)


@dataclass(frozen=True)
class Draw:
    """Samples with as many streamlines of each bundle.

    Attributes
    ----------
    reference : StreamlineSet
        Held-out real streamlines.
    generated : StreamlineSet
        Generated streamlines.
    baseline : StreamlineSet
        Other real streamlines; none of a bundle that was not trained on.
    """

    reference: StreamlineSet
    generated: StreamlineSet
    baseline: StreamlineSet


def prepare(
    streamlines,
    labels: np.ndarray | None = None,
    *,
    nb_points: int = NB_POINTS,
    texture_points: int = TEXTURE_POINTS,
) -> StreamlineSet:
    """Resample streamlines and measure their attributes.

    Parameters
    ----------
    streamlines : ArraySequence or ndarray of shape (n, p, 3)
        Points in mm.
    labels : ndarray of shape (n,), optional
        Bundle of each streamline; without it all are of bundle 0.
    nb_points : int, optional
        Points of a streamline for distances.
    texture_points : int, optional
        Points of a streamline for its curvature and winding.

    Returns
    -------
    StreamlineSet
        The streamlines.

    Raises
    ------
    ValueError
        If there are not as many labels as streamlines, or a point is not finite.
    """
    streamlines = as_streamlines(streamlines)
    nb_streamlines = len(streamlines)
    labels = np.zeros(nb_streamlines, int) if labels is None else np.asarray(labels)
    if labels.shape != (nb_streamlines,):
        raise ValueError(
            f"{nb_streamlines} streamlines with labels of shape {labels.shape}: give "
            "one label a streamline."
        )
    points = mdf_points(streamlines, nb_points)
    if not np.isfinite(points).all():
        raise ValueError(
            "Some points are NaN or infinite: drop those streamlines, as load_bundles "
            "does."
        )
    attributes = texture(streamlines, nb_points=texture_points)
    return StreamlineSet(points, attributes, labels, np.arange(nb_streamlines))


def with_voxels(
    sets: Sequence[StreamlineSet | None], grid: Grid
) -> list[StreamlineSet | None]:
    """Find the voxels of several sets, and number their streamlines afresh.

    Parameters
    ----------
    sets : sequence of StreamlineSet or None
        Sets that are going to be compared.
    grid : Grid
        The voxels.

    Returns
    -------
    list of StreamlineSet or None
        The same sets.
    """
    points = [each.points for each in sets if each is not None]
    voxels = iter(voxel_incidence(points, grid))
    advance(cost.voxels(sum(map(len, points))))
    return [
        None
        if each is None
        else replace(each, rows=np.arange(len(each)), voxels=next(voxels))
        for each in sets
    ]


def matched_sizes(
    real: StreamlineSet, generated: StreamlineSet, training: StreamlineSet | None
) -> dict[int, int]:
    """Count how many streamlines of each bundle can be compared.

    Parameters
    ----------
    real : StreamlineSet
        Held-out real streamlines.
    generated : StreamlineSet
        Generated streamlines.
    training : StreamlineSet or None
        Real streamlines that a model was trained on; without them the real ones are
        split in two halves. A bundle without any sets no limit.

    Returns
    -------
    dict of int to int
        For each bundle of `real`, the smallest number that any set has.
    """
    sizes = {}
    for label in np.unique(real.labels):
        halves = 2 if training is None else 1
        available = [np.sum(real.labels == label) // halves]
        available.append(np.sum(generated.labels == label))
        if training is not None and label in training.labels:
            available.append(np.sum(training.labels == label))
        sizes[int(label)] = int(min(available))
    return sizes


def matched_draws(
    real: StreamlineSet,
    generated: StreamlineSet,
    training: StreamlineSet | None,
    *,
    nb_draws: int,
    seed: int,
) -> Iterator[Draw]:
    """Draw samples of the same size and composition.

    Volumes, neighbourhoods and distances of distributions all depend on the number of
    streamlines and on how many are of which bundle, so as many of each bundle are drawn
    from every set (`matched_sizes`). Without training streamlines the real ones are
    split in two halves, the reference and the baseline.

    Parameters
    ----------
    real : StreamlineSet
        Held-out real streamlines.
    generated : StreamlineSet
        Generated streamlines.
    training : StreamlineSet or None
        Real streamlines that a model was trained on.
    nb_draws : int
        How many draws.
    seed : int
        Seed of the draws.

    Yields
    ------
    Draw
        The samples.
    """
    rng = np.random.default_rng(seed)
    sizes = matched_sizes(real, generated, training)
    for _ in range(nb_draws):
        reference, baseline = _draw(real, sizes, rng)
        if training is not None:
            baseline, _ = _draw(training, sizes, rng)
        candidates, _ = _draw(generated, sizes, rng)
        yield Draw(reference, candidates, baseline)


def _draw(
    streamlines: StreamlineSet, sizes: dict[int, int], rng: np.random.Generator
) -> tuple[StreamlineSet, StreamlineSet]:
    """Draw of each bundle, and as many again of what is left, where there are."""
    shuffled = rng.permutation(len(streamlines))
    labels = streamlines.labels[shuffled]
    first, second = [], []
    for label, size in sizes.items():
        members = shuffled[labels == label]
        first.append(members[:size])
        second.append(members[size : 2 * size])
    return tuple(streamlines.take(np.concatenate(part)) for part in (first, second))


def bundles_of(streamlines: StreamlineSet) -> np.ndarray:
    """Return the labels that are there.

    Parameters
    ----------
    streamlines : StreamlineSet
        The streamlines.

    Returns
    -------
    ndarray of int
        The labels, ascending.
    """
    return np.unique(streamlines.labels)
