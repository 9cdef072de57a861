"""Sets of streamlines, and samples of them that can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from dipy_tractogen.streamlines.conversion import as_streamlines
from dipy_tractogen.utils.progress import advance

from . import cost
from .attribute_distances import NB_POINTS as TEXTURE_POINTS
from .attribute_distances import measure_attributes
from .bundle_similarity import Grid, voxel_incidence
from .distances import NB_POINTS, mdf_points


@dataclass(frozen=True)
class StreamlineSet:
    """Streamlines ready for every measure.

    ``points`` (n, nb_points, 3) at equal arc length in mm, ``attributes`` from
    `measure_attributes`, ``labels`` of the bundles, ``rows`` in the set that they were
    taken from, ``given`` rows of the streamlines that were given, and ``voxels`` (n, v)
    that each passes through, from `with_voxels`.
    """

    points: np.ndarray
    attributes: dict[str, np.ndarray]
    labels: np.ndarray
    rows: np.ndarray
    given: np.ndarray
    voxels: csr_matrix | None = None

    def __len__(self) -> int:
        return len(self.points)

    def take(self, chosen: np.ndarray) -> StreamlineSet:
        """Return some of the streamlines, by indices or a mask."""
        return StreamlineSet(
            self.points[chosen],
            {name: values[chosen] for name, values in self.attributes.items()},
            self.labels[chosen],
            self.rows[chosen],
            self.given[chosen],
            None if self.voxels is None else self.voxels[chosen],
        )

    def of_bundle(self, label: int) -> StreamlineSet:
        """Return the streamlines of one bundle."""
        return self.take(self.labels == label)


@dataclass(frozen=True)
class MatchedSamples:
    """Held-out, generated and other real streamlines, as many of each bundle.

    ``baseline`` has none of a bundle that was not trained on.
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

    Without labels all are of bundle 0. Raises ValueError if labels do not fit, or a
    point is not finite.
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
    attributes = measure_attributes(streamlines, nb_points=texture_points)
    rows = np.arange(nb_streamlines)
    return StreamlineSet(points, attributes, labels, rows, rows)


def with_voxels(
    sets: Sequence[StreamlineSet | None], grid: Grid
) -> list[StreamlineSet | None]:
    """Find the voxels of several sets, and number their streamlines afresh."""
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
    """Return by bundle of `real` the smallest number of streamlines in any set.

    Without training the real ones are split in two halves. A bundle without streamlines
    of training sets no limit.
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


def draw_matched_samples(
    real: StreamlineSet,
    generated: StreamlineSet,
    training: StreamlineSet | None,
    *,
    nb_draws: int,
    seed: int,
) -> Iterator[MatchedSamples]:
    """Draw samples of the same size and composition, `nb_draws` times.

    Volumes, neighbourhoods and distances of distributions depend on the number of
    streamlines and on how many are of which bundle, so as many of each bundle are drawn
    from every set (`matched_sizes`). Without training streamlines the real ones are
    split in two halves, the reference and the baseline.
    """
    rng = np.random.default_rng(seed)
    sizes = matched_sizes(real, generated, training)
    for _ in range(nb_draws):
        reference, baseline = _draw(real, sizes, rng)
        if training is not None:
            baseline, _ = _draw(training, sizes, rng)
        candidates, _ = _draw(generated, sizes, rng)
        yield MatchedSamples(reference, candidates, baseline)


def _draw(
    streamlines: StreamlineSet, sizes: dict[int, int], rng: np.random.Generator
) -> tuple[StreamlineSet, StreamlineSet]:
    """Draw of each bundle, and as many again of the rest if there are."""
    shuffled = rng.permutation(len(streamlines))
    labels = streamlines.labels[shuffled]
    first, second = [], []
    for label, size in sizes.items():
        members = shuffled[labels == label]
        first.append(members[:size])
        second.append(members[size : 2 * size])
    return tuple(streamlines.take(np.concatenate(part)) for part in (first, second))
