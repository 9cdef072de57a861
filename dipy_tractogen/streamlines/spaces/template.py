"""Subjects in spaces of their own, registered to one template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
import logging
import os
from pathlib import Path

import numpy as np

from dipy_tractogen.utils.files import expand_inputs
from dipy_tractogen.utils.memmap import PointBuffer, release_pages
from dipy_tractogen.utils.messages import check_choice, format_count

from ..array_sequence import (
    POINTS_PER_BLOCK,
    as_sequence,
    concatenate_streamlines,
    take,
)
from ..common_grid import common_grid, own_grid
from ..dataset import BundleSet
from ..participants import subject_of
from ..read_progress import MOST_OUTSIDE
from ..reference import Reference
from ..screening import OUT_OF_BOUNDS, ScreeningReport
from .registration import KINDS, register_streamlines
from .transform import Transform

logger = logging.getLogger("dipy_tractogen")

# About how many streamlines of a subject are registered, of those that it has.
_MOST = 20_000


@dataclass
class SubjectFiles:
    """Tractograms of one subject in one space.

    `name` is the ``sub-<label>`` of the paths, or else their folder; `grid` that of the
    headers, if there is one; `rows` are the indices of the files in the list.
    """

    name: str
    grid: Reference | None
    rows: list[int]
    files: list[Path]


def files_by_subject(files: Sequence[Path]) -> list[SubjectFiles]:
    """Return the subjects of tractograms.

    Files belong together if they have one ``sub-<label>`` in their paths, or none and
    one folder, and if their grids are the same. A file without a grid is with the
    others of its name.
    """
    found: dict[str, list[SubjectFiles]] = {}
    for row, file in enumerate(files):
        grid = own_grid(file)
        known = found.setdefault(subject_of(file) or str(file.parent), [])
        for one in known:
            if grid is None or one.grid is None or grid.matches(one.grid):
                one.rows.append(row)
                one.files.append(file)
                one.grid = one.grid or grid
                break
        else:
            known.append(SubjectFiles("", grid, [row], [file]))
    for name, several in found.items():
        for number, one in enumerate(several, 1):
            one.name = f"{name} ({number})" if len(several) > 1 else name
    return [one for several in found.values() for one in several]


def grids_of(subjects: Sequence[SubjectFiles]) -> list[Reference | None]:
    """Return the grid of the subject of each file, in the order of the list."""
    grids = {row: one.grid for one in subjects for row in one.rows}
    return [grids[row] for row in sorted(grids)]


@dataclass
class Template:
    """Streamlines that those of subjects are registered to.

    Parameters
    ----------
    bundles : BundleSet
        The streamlines (RASMM, mm).
    kind : {"affine", "rigid"}, optional
        Kind of the registration.
    files : sequence of Path, optional
        Their tractograms: a subject that one of them is of is not moved.

    Attributes
    ----------
    registrations : dict of str to dict
        What each registration found, by subject: the values of
        `Registration.to_dict`, and ``nb_outside``, the streamlines that leave the grid
        of the template. A subject that is not moved is there with the kind ``"none"``.
    grid : Reference or None
        Grid of the template; None where its files have none.

    Raises
    ------
    ValueError
        If `kind` is another.
    """

    bundles: BundleSet
    kind: str = "affine"
    files: Sequence[Path] = ()
    registrations: dict[str, dict] = field(default_factory=dict)

    def __post_init__(self):
        check_choice("register", self.kind, KINDS)
        self.grid = self.bundles.reference
        if self.files and common_grid(list(self.files), verbose=False) is None:
            self.grid = None

    @classmethod
    def load(cls, input_files, kind: str = "affine") -> Template:
        """Load the tractograms of a template: files, folders or globs."""
        from ..io import load_bundles

        files = sorted(expand_inputs(input_files))
        return cls(load_bundles(files, out_of_bounds="keep"), kind, files)

    @classmethod
    def of(cls, given: Template | str | os.PathLike | Iterable) -> Template:
        """Return a template as it is, or load its tractograms."""
        return given if isinstance(given, Template) else cls.load(given)

    def gather(
        self,
        subjects: Sequence[SubjectFiles],
        parts: list[BundleSet],
        points: PointBuffer | None,
        out_of_bounds: str,
    ) -> tuple[list[BundleSet], np.ndarray, ScreeningReport]:
        """Bring what was read of each file to the space of the template.

        Parameters
        ----------
        subjects : sequence of SubjectFiles
            The subjects of all files.
        parts : list of BundleSet
            What was read of each file. With `points`, their streamlines are places in
            these, which are moved where they are.
        points : PointBuffer or None
            The points of all files, where they are not in memory.
        out_of_bounds : {"drop", "keep", "error"}
            What to do with streamlines that leave the grid of the template.

        Returns
        -------
        parts : list of BundleSet
            The parts in the space of the template.
        keep : ndarray of shape (n,), bool
            Which of their streamlines are kept, those of one part after the other.
        report : ScreeningReport
            What is dropped of them, to be added to the report of the reading.

        Raises
        ------
        ValueError
            If a registration fails, most streamlines of a subject leave the grid of the
            template, or some do where that is an error.
        """
        parts, self.registrations = list(parts), {}
        keep = [np.ones(len(part), dtype=bool) for part in parts]
        report = ScreeningReport(0, 0)
        for subject in subjects:
            found = {"kind": "none", "nb_outside": 0}
            if not self._holds(subject):
                own = [_placed(parts[row], points) for row in subject.rows]
                found, transform = self._register(subject, own)
                for row, part in zip(subject.rows, own):
                    parts[row] = part = _moved(part, transform, points)
                    if self.grid is not None:
                        keep[row] = self.grid.contains(part.streamlines)
                outside = self._outside(subject, keep, out_of_bounds)
                found["nb_outside"] = sum(outside.counts.values())
                report += outside
            self.registrations[subject.name] = found
        keep = np.concatenate(keep)
        return parts, keep | (out_of_bounds == "keep"), report

    def _holds(self, subject: SubjectFiles) -> bool:
        """Return whether a file of a subject is one of the template."""
        own = set(map(os.path.realpath, self.files))
        return bool(own.intersection(map(os.path.realpath, subject.files)))

    def _register(
        self, subject: SubjectFiles, parts: list[BundleSet]
    ) -> tuple[dict, Transform]:
        """Register a subject; return what was found, and the transform."""
        nb_streamlines = sum(map(len, parts))
        step = max(nb_streamlines // _MOST, 1)
        some = [take(part.streamlines, np.arange(0, len(part), step)) for part in parts]
        try:
            found = register_streamlines(
                concatenate_streamlines(some), self.bundles.streamlines, kind=self.kind
            )
        except ValueError as error:
            raise ValueError(f"{subject.name} to the template: {error}") from error
        logger.info("%s to the template: %s", subject.name, found.describe())
        return found.to_dict(), found.transform

    def _outside(
        self, subject: SubjectFiles, inside: list[np.ndarray], out_of_bounds: str
    ) -> ScreeningReport:
        """Return what leaves the grid, of a subject of all `inside`, by file."""
        own = np.concatenate([inside[row] for row in subject.rows])
        nb_outside = int((~own).sum())
        counts = {OUT_OF_BOUNDS: nb_outside} if nb_outside else {}
        if out_of_bounds == "keep":
            return ScreeningReport(0, 0, noted=counts)
        said = (
            f"{nb_outside} of {format_count(len(own), 'streamline')} of {subject.name} "
            "leave the grid of the template"
        )
        if nb_outside > (out_of_bounds == "drop") * MOST_OUTSIDE * len(own):
            raise ValueError(
                f"{said}: give a template with a larger grid, or keep them "
                "(out_of_bounds='keep')"
            )
        if nb_outside:
            logger.warning("%s: dropped", said)
        return ScreeningReport(0, -nb_outside, counts)


def _placed(part: BundleSet, points: PointBuffer | None) -> BundleSet:
    """Return a part whose streamlines have their points, be they in memory or not."""
    if points is None:
        return part
    places = part.streamlines
    streamlines = as_sequence(points.since(0), places._lengths, places._offsets)
    return replace(part, streamlines=streamlines)


def _moved(
    part: BundleSet, transform: Transform, points: PointBuffer | None
) -> BundleSet:
    """Return a part after a transform; points of a buffer are moved in it."""
    if points is None:
        return replace(part, streamlines=transform.apply(part.streamlines))
    data, offsets = part.streamlines._data, part.streamlines._offsets
    if not len(part):
        return part
    last = int((offsets + part.streamlines._lengths).max())
    for start in range(int(offsets.min()), last, POINTS_PER_BLOCK):
        rows = slice(start, min(start + POINTS_PER_BLOCK, last))
        # Among them may be points of streamlines that were dropped.
        with np.errstate(all="ignore"):
            data[rows] = transform.apply_to_points(data[rows])
        release_pages(data)
    return part
