"""Panels of a picture, and the selection of the streamlines that are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
import os

import numpy as np

from dipy_tractogen.streamlines.array_sequence import ranks, take
from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.streamlines.point_data.values import take_point_data
from dipy_tractogen.utils.files import split_extension

ERROR = "error_mm"
"""Number of each streamline: the point error of its reconstruction."""


@dataclass
class Panel:
    """Streamlines under one title.

    Parameters
    ----------
    title : str
        Written above the panel.
    streamlines : ArraySequence, ndarray of shape (n, p, 3) or sequence of ndarray
        Points in RASMM mm, or what else `as_streamlines` takes; kept as an
        ArraySequence. A BundleSet brings its labels and names.
    labels : ndarray of shape (n,), int, optional
        Index of each streamline into `bundle_names`; all zero by default.
    bundle_names : tuple of str, optional
        Names of the bundles; by default there is one, named after the title.
    values : ndarray of shape (n,) or (total points,), float, optional
        A number for each streamline, or for each point, to colour by; NaN where there
        is none.
    numbers : dict of str to ndarray of shape (n,) or (total points,), optional
        Other numbers of the streamlines or points, by name, which an interactive scene
        can be coloured by. A BundleSet brings those that it has.

    Raises
    ------
    ValueError
        If there is no streamline, a streamline has one point or points that are not
        finite, or labels or values do not fit the streamlines.
    """

    title: str
    streamlines: object
    labels: np.ndarray | None = None
    bundle_names: tuple[str, ...] = ()
    values: np.ndarray | None = None
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    nb_streamlines: int = field(init=False)

    @classmethod
    def of(cls, given) -> Panel:
        """Return a panel of a Panel, its arguments as a tuple, or streamlines.

        Streamlines are what `as_streamlines` takes; their title is the name of the
        file, or "streamlines".
        """
        if isinstance(given, Panel):
            return given
        if isinstance(given, tuple):
            return cls(*given)
        is_path = isinstance(given, (str, os.PathLike))
        return cls(split_extension(given)[0] if is_path else "streamlines", given)

    def __post_init__(self) -> None:
        if isinstance(self.streamlines, BundleSet) and self.labels is None:
            self.labels = self.streamlines.labels
            self.bundle_names = self.streamlines.bundle_names
            self.numbers = _numbers_of(self.streamlines) | self.numbers
        self.streamlines = to_sequence(self.streamlines)
        number = len(self.streamlines)
        if number == 0:
            raise ValueError(f"{self.title}: there is no streamline to draw.")
        smallest = np.min(self.streamlines._lengths)
        if smallest < 2 or not np.isfinite(self.points()).all():
            raise ValueError(
                f"{self.title}: a streamline has one point, or points that are not "
                "finite: load it with load_bundles, which drops and counts them."
            )
        self.nb_streamlines = number
        self.bundle_names = tuple(self.bundle_names) or (self.title,)
        if self.labels is None:
            self.labels = np.zeros(number, dtype=np.int32)
        self.labels = np.asarray(self.labels)
        if self.values is not None:
            self.values = np.asarray(self.values, dtype=np.float64).reshape(-1)
        nb_points = int(np.sum(self.streamlines._lengths))
        for name, sizes in (("labels", {number}), ("values", {number, nb_points})):
            given = getattr(self, name)
            if given is not None and (given.ndim != 1 or len(given) not in sizes):
                raise ValueError(
                    f"{self.title}: {name} have shape {given.shape} for {number} "
                    "streamlines; give one for each."
                )
        if self.labels.min() < 0 or self.labels.max() >= len(self.bundle_names):
            raise ValueError(
                f"{self.title}: labels go from {self.labels.min()} to "
                f"{self.labels.max()}; with {len(self.bundle_names)} bundle names they "
                f"go from 0 to {len(self.bundle_names) - 1}."
            )

    @property
    def shown_names(self) -> tuple[str, ...]:
        """Names of the bundles that have a streamline here."""
        return tuple(self.bundle_names[code] for code in np.unique(self.labels))

    def points(self) -> np.ndarray:
        """Return all points of the panel, (total points, 3), in RASMM mm."""
        return self.streamlines.get_data()

    def subsample(self, max_streamlines: int, *, seed: int = 0) -> Panel:
        """Draw streamlines at random, keeping the shares of the bundles.

        Each bundle keeps its share of `max_streamlines`, rounded down, and at least
        one. The result is the panel itself if it has no more; ``nb_streamlines``
        remains what it was.
        """
        number = len(self.streamlines)
        if number <= max_streamlines:
            return self
        counts = np.bincount(self.labels, minlength=len(self.bundle_names))
        quota = np.maximum(counts * max_streamlines // number, 1)
        shuffled = np.random.default_rng(seed).permutation(number)
        by_bundle = shuffled[np.argsort(self.labels[shuffled], kind="stable")]
        kept = np.sort(by_bundle[ranks(counts) < quota[self.labels[by_bundle]]])
        fewer = Panel(
            self.title,
            take(self.streamlines, kept),
            self.labels[kept],
            self.bundle_names,
            None if self.values is None else self._of(kept, self.values),
            {name: self._of(kept, each) for name, each in self.numbers.items()},
        )
        fewer.nb_streamlines = self.nb_streamlines
        return fewer

    def _of(self, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return values of some of the streamlines, or of their points."""
        if len(values) == len(self.labels):
            return values[rows]
        lengths = np.asarray(self.streamlines._lengths)
        return take_point_data({"": values[:, None]}, lengths, rows)[""][:, 0]


def _numbers_of(bundles: BundleSet) -> dict[str, np.ndarray]:
    """Return numbers that are not the same for all streamlines or points, by name."""
    columns = {
        name: each[:, 0]
        for name, each in (bundles.data_per_point | bundles.data_per_streamline).items()
        if each.shape[1] == 1
    }
    numbers = {
        name: each.astype(np.float64)
        for name, each in (columns | bundles.values).items()
        if each.dtype.kind in "iuf"
    }
    return {
        name: each
        for name, each in numbers.items()
        if len(np.unique(each[np.isfinite(each)])) > 1
    }


# Tolerance of the distance of two streamlines to the error stored with one of them.
_TOLERANCE, _TOLERANCE_MM = 0.05, 0.02


def assign_errors(original: Panel, reconstructed: Panel) -> Panel | None:
    """Return originals with the errors of their reconstructions, if these match.

    `reconstructed` has as values the mean distance in mm to the original; None where
    the two have not as many streamlines, or other distances.
    """
    errors = reconstructed.values
    if errors is None or len(original.streamlines) != len(reconstructed.streamlines):
        return None
    sizes = np.unique(reconstructed.streamlines._lengths)
    if len(sizes) != 1 or not np.isfinite(errors).all():
        return None
    # Decoded points are not at equal distances.
    made = reconstructed.points().reshape(len(errors), sizes[0], 3)
    given = resample(original.streamlines, int(sizes[0]))
    off = np.abs(np.linalg.norm(made - given, axis=-1).mean(axis=1) - errors)
    allowed = _TOLERANCE_MM + _TOLERANCE * errors
    if np.mean(off <= allowed) < 0.95:
        return None
    return replace(original, values=errors)


def share_errors(panels: Sequence[Panel]) -> None:
    """Give originals among panels the errors of their reconstructions, as `numbers`."""
    for made in panels:
        if ERROR not in made.numbers:
            continue
        valued = replace(made, values=made.numbers[ERROR])
        for original in panels:
            if ERROR not in original.numbers:
                paired = assign_errors(original, valued)
                if paired is not None:
                    original.numbers[ERROR] = paired.values
