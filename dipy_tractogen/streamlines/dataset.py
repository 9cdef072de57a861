"""Streamlines with the bundles that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.messages import briefly, format_count, listed, normalized_name
from dipy_tractogen.utils.tables import html_table

from .array_sequence import concatenate_streamlines, take
from .columns import (
    as_columns,
    checked_labels,
    checked_values,
    join_columns,
    merged_units,
    merged_values,
    say_left_out,
)
from .conditions import BUNDLE
from .conversion import to_sequence
from .geometry import arc_lengths, resample
from .point_data.values import as_point_data, join_point_data, take_point_data
from .reference import Reference
from .screening import ScreeningReport


@dataclass(eq=False, repr=False)
class BundleSet:
    """Streamlines, their bundles and their grid.

    Parameters
    ----------
    streamlines : ArraySequence
        The n streamlines, with their own numbers of points (RASMM, mm).
    labels : ndarray of int, shape (n,)
        Bundle of each streamline, as an index into `bundle_names`.
    bundle_names : tuple of str
        Names of the bundles.
    reference : Reference
        Grid of the streamlines.
    report : ScreeningReport, optional
        What was dropped when the streamlines were loaded.
    values : dict of str to ndarray of shape (n,), optional
        What else is known of each streamline, by name: text for categories (such as a
        diagnosis), finite numbers, kept as float64, otherwise (such as an age).
    units : dict of str to str, optional
        Units of some of the values.
    data_per_streamline : dict of str to ndarray of shape (n,) or (n, k), optional
        What the files hold of each streamline, of any numeric type, to be written
        again; kept with two dimensions.
    data_per_point : dict of str to ndarray of shape (nb_points_in_all, k), optional
        Values of each point, such as FA, in the order of the points: float32, NaN
        where one is missing. Of streamlines in a mapped file they are mapped, too.

    Raises
    ------
    ValueError
        If there is not one label and one value of each name a streamline, or one row
        of values a point, a label has no name, or a value is neither text nor a finite
        number.
    """

    streamlines: ArraySequence
    labels: np.ndarray
    bundle_names: tuple[str, ...]
    reference: Reference
    report: ScreeningReport | None = None
    values: dict[str, np.ndarray] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    data_per_streamline: dict[str, np.ndarray] = field(default_factory=dict)
    data_per_point: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        self.streamlines = to_sequence(self.streamlines)
        self.reference = Reference.of(self.reference)
        self.bundle_names = tuple(map(normalized_name, self.bundle_names))
        self.labels = checked_labels(
            np.asarray(self.labels, dtype=np.int32), len(self), len(self.bundle_names)
        )
        self.values = {
            str(name): checked_values(name, given, len(self))
            for name, given in self.values.items()
        }
        self.units = dict(self.units)
        self.data_per_streamline = as_columns(self.data_per_streamline, len(self))
        self.data_per_point = as_point_data(self.data_per_point, self.nb_points)

    def __len__(self) -> int:
        return len(self.streamlines)

    @property
    def nb_points(self) -> int:
        """Number of the points of all streamlines."""
        return int(np.sum(self.streamlines._lengths))

    def __repr__(self) -> str:
        """Return three lines: bundles, lengths and grid."""
        named = (f"{briefly(name)} {number}" for name, number in self.counts().items())
        lines = [
            f"{format_count(len(self), 'streamline')} in "
            f"{format_count(len(self.bundle_names), 'bundle')}: {listed(named)}",
            "lengths: none",
            self.reference.describe(),
        ]
        if len(self):
            low, median, high = np.percentile(self.lengths(), (0, 50, 100))
            lines[1] = f"lengths: {low:.1f} to {high:.1f} mm, median {median:.1f} mm"
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return a table of the bundles, for notebooks."""
        lengths = self.lengths()
        found = [lengths[self.labels == label] for label in range(len(self.counts()))]
        rows = [
            (name, f"{len(own):,}", f"{np.median(own):.1f}" if len(own) else "")
            for name, own in zip(self.bundle_names, found)
        ]
        caption = (
            f"{format_count(len(self), 'streamline')}; {self.reference.describe()}"
        )
        return html_table(caption, rows, ("bundle", "streamlines", "median length, mm"))

    def show(self, **options):
        """Return a widget to turn the streamlines in a notebook.

        `plot_bundles` has the options, such as ``color_by="direction"``, the errors,
        and the widget, a ``k3d.Plot``.
        """
        # What draws is above this layer; the package knows it by name.
        import dipy_tractogen

        return dipy_tractogen.plot_bundles([self], **options)

    def known_values(
        self, rows: slice | np.ndarray = slice(None)
    ) -> dict[str, np.ndarray]:
        """Return the bundle and `values` of streamlines (m,), by name."""
        names = np.array(self.bundle_names, dtype=str)
        values = {name: each[rows] for name, each in self.values.items()}
        return {BUNDLE: names[self.labels[rows]], **values}

    def labels_in(self, bundle_names: Sequence[str]) -> np.ndarray:
        """Return the labels (n,) as indices into other names.

        Raises ValueError if a bundle with a streamline is not among them.
        """
        index = {
            name: code for code, name in enumerate(map(normalized_name, bundle_names))
        }
        missing = [
            name for name, count in self.counts().items() if count and name not in index
        ]
        if missing:
            raise ValueError(
                f"the bundles {listed(missing)} are not among {listed(index)}: leave "
                "their streamlines out, or rename them"
            )
        codes = [index.get(name, -1) for name in self.bundle_names]
        return np.array(codes, dtype=np.int32)[self.labels]

    def counts(self) -> dict[str, int]:
        """Return the number of streamlines by name, in the order of the names."""
        numbers = np.bincount(self.labels, minlength=len(self.bundle_names))
        return {name: int(n) for name, n in zip(self.bundle_names, numbers)}

    def lengths(self) -> np.ndarray:
        """Return the arc length of each streamline (n,), in mm."""
        return arc_lengths(self.streamlines)

    def resample(self, nb_points: int) -> np.ndarray:
        """Return the streamlines (n, nb_points, 3), float32, at equal arc length.

        Each has `nb_points`, two at least.
        """
        return resample(self.streamlines, nb_points)

    def select(self, indices: np.ndarray | Sequence[int]) -> BundleSet:
        """Return some of the streamlines, with all bundle names.

        They are copied, unless they are in a mapped file. The report is that of the
        whole set.

        Parameters
        ----------
        indices : array of bool or int
            Which streamlines, and in which order.
        """
        indices = np.asarray(indices)
        if indices.size == 0:
            indices = indices.astype(np.intp)
        on_disk = isinstance(self.streamlines._data, np.memmap)
        some = self.streamlines[indices] if on_disk else take(self.streamlines, indices)
        data = self.data_per_streamline
        return replace(
            self,
            streamlines=some,
            labels=self.labels[indices],
            values={name: each[indices] for name, each in self.values.items()},
            data_per_streamline={name: each[indices] for name, each in data.items()},
            data_per_point=take_point_data(
                self.data_per_point, self.streamlines._lengths, indices
            ),
        )

    def leave_out_data(self, why: str, kept: Sequence[str] = ()) -> None:
        """Drop `data_per_streamline` and `data_per_point`, and warn with the reason.

        Those of `data_per_point` whose names are in `kept` stay.
        """
        of_points = dict(self.data_per_point)
        stay = {name: of_points.pop(name) for name in kept if name in of_points}
        say_left_out(
            {
                "data_per_streamline": self.data_per_streamline,
                "data_per_point": of_points,
            },
            why,
        )
        self.data_per_streamline, self.data_per_point = {}, stay

    def split(self, held_out: float, seed: int = 0) -> tuple[BundleSet, BundleSet]:
        """Set aside a share of every bundle.

        Parameters
        ----------
        held_out : float
            Share that is set aside, from 0 up to but not including 1. Each bundle
            gives its own share, rounded, one streamline at least if it has two, and
            keeps one.
        seed : int, optional
            Seed of the draw.

        Returns
        -------
        training, held_out : BundleSet
            Both in the order of this set; no streamline is in both.

        Raises
        ------
        ValueError
            If the share is not between 0 and 1.
        """
        if not 0 <= held_out < 1:
            raise ValueError(
                f"held_out={held_out} is not a share: give at least 0 and less than 1"
            )
        generator = np.random.default_rng(seed)
        aside = np.zeros(len(self), dtype=bool)
        for label in range(len(self.bundle_names)):
            members = np.flatnonzero(self.labels == label)
            wanted = max(round(held_out * len(members)), 1) if held_out else 0
            wanted = max(min(wanted, len(members) - 1), 0)
            aside[generator.permutation(members)[:wanted]] = True
        return self.select(~aside), self.select(aside)

    @classmethod
    def merge(cls, sets: Sequence[BundleSet]) -> BundleSet:
        """Join sets that share a grid; bundles with the same name become one.

        Parameters
        ----------
        sets : sequence of BundleSet
            One set at least.

        Returns
        -------
        merged : BundleSet
            The streamlines of all sets, one set after the other, with the bundle
            names in alphabetical order.

        Raises
        ------
        ValueError
            If no set is given, or the grids, the names or kinds of the values, or
            their units differ.
        """
        sets = list(sets)
        if not sets:
            raise ValueError("no set of streamlines is given: merge needs one or more")
        reference = sets[0].reference
        if not all(reference.matches(other.reference) for other in sets[1:]):
            raise ValueError(
                "the sets of streamlines are in different grids: register them to one "
                "space, or give them the reference of the common grid"
            )
        packed = [take(each.streamlines, np.arange(len(each))) for each in sets]
        reports = [each.report for each in sets]
        report = None if None in reports else sum(reports[1:], reports[0])
        return cls.joined(sets, concatenate_streamlines(packed), reference, report)

    @classmethod
    def joined(
        cls,
        sets: Sequence[BundleSet],
        streamlines: ArraySequence,
        reference: Reference,
        report: ScreeningReport | None,
    ) -> BundleSet:
        """Return what `merge` does, around streamlines that are joined already."""
        names = sorted({name for each in sets for name in each.bundle_names})
        return cls(
            streamlines,
            np.concatenate([each.labels_in(names) for each in sets]),
            tuple(names),
            reference,
            report,
            merged_values([each.values for each in sets]),
            merged_units([each.units for each in sets]),
            join_columns(
                [each.data_per_streamline for each in sets],
                [len(each) for each in sets],
            ),
            join_point_data(
                [each.data_per_point for each in sets],
                [each.nb_points for each in sets],
            ),
        )
