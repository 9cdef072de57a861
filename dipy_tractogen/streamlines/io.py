"""Load tractograms as bundles, and write them with their conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
import logging
import os
from pathlib import Path

import numpy as np

from dipy_tractogen.utils.files import expand_inputs, split_extension
from dipy_tractogen.utils.memmap import PointBuffer
from dipy_tractogen.utils.messages import format_count, listed, normalized_name
from dipy_tractogen.utils.shard_folder import check_digest, whole_name

from .array_sequence import as_sequence, concatenate_streamlines, take
from .category_codes import code_tables, values_to_numbers
from .columns import as_columns, codes_to_text, warn_of_left_out
from .common_grid import common_grid
from .conditions import BUNDLE, Conditions
from .dataset import BundleSet
from .formats.readers import TractogramContents
from .formats.writers import save_bundles
from .naming import UNASSIGNED, bundle_labels, values_with_bundles
from .participants import Participants
from .point_data.reader import PointValueReader
from .read_progress import ReadProgress
from .reference import Reference
from .screening import check_options, screen
from .spaces.template import Template, files_by_subject, grids_of
from .values import ValueReader, missing_values

logger = logging.getLogger("dipy_tractogen")

_NO_GRID = Reference(np.eye(4), (1, 1, 1))


def load_bundles(
    input_files: str | os.PathLike | Iterable,
    *,
    bundles_from: str = "auto",
    reference: Reference | str | os.PathLike | None = None,
    invalid: str = "drop",
    out_of_bounds: str = "drop",
    min_length: float = 0.0,
    unassigned: str = "keep",
    categorical: str | Iterable[str] = (),
    continuous: str | Iterable[str] = (),
    participants: Participants | str | os.PathLike | None = None,
    folder: str | os.PathLike | None = None,
    keep_data: bool = False,
    values: Iterable[str] = (),
    maps: Mapping[str, str | os.PathLike] | None = None,
    register_to: Template | str | os.PathLike | Iterable | None = None,
    show_progress: bool = False,
) -> BundleSet:
    """Load tractograms as bundles.

    Parameters
    ----------
    input_files : str, Path or iterable of those
        Files, folders or globs; see `files.expand_inputs`. They are read in the
        order of their names, whatever the order given.
    bundles_from : str, optional
        Where the names of the bundles come from: ``"stem"``, the name of the file;
        ``"groups"``, the groups of a TRX, and the stem for streamlines in none;
        ``"auto"``, the groups or, with the JSON file that names them, the codes of a
        TRK where a file has some, the stem where not; or a key of
        ``data_per_streamline``, whose values as text are the names. The same name in
        several files is one bundle, with accents composed or apart.
    reference : Reference, str or Path, optional
        The common grid, in place of those in the headers; or a file that holds it.
    invalid : str, optional
        What to do with non-finite points, single points and zero length: ``"drop"``
        or ``"error"``.
    out_of_bounds : str, optional
        What to do with streamlines that leave the box of the grid: ``"drop"``,
        ``"keep"`` or ``"error"``. A grid that is a placeholder has no box. Where more
        than a tenth of all streamlines, or more than half of those of a file, would be
        dropped, the grid is taken for a wrong one and an error is raised.
    min_length : float, optional
        Streamlines that are shorter are dropped (mm).
    unassigned : str, optional
        What to do with streamlines that a file calls ``"unassigned"`` in place of a
        bundle: ``"keep"`` or ``"drop"``. Those of a file of that name are kept.
    categorical, continuous : str or iterable of str, optional
        Names of values that are loaded with the streamlines, those that are categories
        (a diagnosis) and those that are numbers (an age). They are columns of
        `participants`, or else keys of ``data_per_streamline``, whose numbers as text
        are the categories. ``subject`` is the ``sub-<label>`` of the path. ``bundle``,
        ``length``, ``tortuosity`` and ``curvature`` need no loading: the labels and the
        points tell them. A streamline without one of the values is dropped.
    participants : Participants, str or Path, optional
        What is known of the subjects: a ``participants.tsv`` as in BIDS, see
        `participants.read_participants`. The subject of a file is the ``sub-<label>``
        of its name, or else of its nearest folder.
    folder : str or Path, optional
        Where the points are kept, in a file without a name that is mapped into memory.
        They need as much room there as in the input files, and no memory; without it
        they are in memory.
    keep_data : bool, optional
        Whether the set carries the ``data_per_streamline`` and ``data_per_point`` of
        the files, so that it can be written again. A file that lacks some gets NaN. A
        warning names what files hold besides, as values of groups, which are not read.
    values : iterable of str, optional
        Names of ``data_per_point`` that the set carries in any case, one number for
        each point, such as FA. All files have to have them; NaN is a missing number.
    maps : mapping of str to str or Path, optional
        Images by name, such as ``{"FA": "fa.nii.gz"}``, that are sampled at the points
        and become ``data_per_point``, trilinear, NaN outside of the image. They are of
        the space of the streamlines, on any grid. For several subjects, a glob such as
        ``"dwi/**/*_FA.nii.gz"``, of whose images a tractogram takes the one with its
        ``sub-`` and ``ses-`` labels. They replace values of the same name in files.
    register_to : Template, str, Path or iterable of those, optional
        A template, or its tractograms, in whose space and grid the bundles are to be.
        Each subject of the files, see `template.files_by_subject`, is read in its own
        grid and registered by its streamlines, by default by an affine transform. Those
        that leave the grid of the template are out of bounds.
    show_progress : bool, optional
        Whether a progress bar is shown.

    Returns
    -------
    bundles : BundleSet
        Streamlines in RASMM millimetres, float32, with their own numbers of points;
        names in alphabetical order. Without any real grid, the reference is one
        that covers the streamlines. It carries the values, and the units that the
        table has for them.

    Raises
    ------
    OSError
        If a file is missing or cannot be opened.
    ValueError
        If a file is empty, damaged or cut short, the grids of the files differ, an
        option is not accepted, a value is found nowhere or is no number, a file lacks
        some of `values` or tells no subject where one is needed, an image is not of the
        space of a file, no streamline is left, or so many would be dropped that the
        files or their grid must be wrong.
    """
    rules = {
        "invalid": invalid,
        "out_of_bounds": out_of_bounds,
        "min_length": min_length,
    }
    check_options(**rules, unassigned=unassigned)
    files = sorted(expand_inputs(input_files))
    reader = ValueReader(files, categorical, continuous, participants)
    template, subjects = None, []
    if register_to is None:
        grid = common_grid(files, reference)
        grids = [grid] * len(files)
    elif reference is not None:
        raise ValueError(
            "reference and register_to are both given, and the grid is that of the "
            "template: leave out the reference"
        )
    else:
        template, subjects = Template.of(register_to), files_by_subject(files)
        grid, grids = template.grid, grids_of(subjects)
    progress = ReadProgress(files)
    parts, left_out = [], []
    points = None if folder is None else PointBuffer(folder)
    of_points = PointValueReader(values, maps, keep_data=keep_data, folder=folder)
    reading = progress.iterate(show_progress=show_progress)
    for file, own_grid in zip(reading, grids):
        part, names = _read_part(
            file,
            reader,
            bundles_from,
            points,
            of_points,
            keep_data,
            unassigned,
            reference=own_grid,
            **rules,
        )
        progress.add(file, part.report)
        parts.append(part)
        left_out.append(names)
    progress.finish()
    progress.check_kept(min_length)
    keep, report = None, progress.report
    if template is not None:
        parts, keep, outside = template.gather(subjects, parts, points, out_of_bounds)
        report += outside
    bundles = _joined(parts, points, grid, report)
    bundles = replace(bundles, data_per_point=of_points.finish())
    if keep is not None and not keep.all():
        bundles = bundles.select(keep)
    warn_of_left_out(left_out)
    logger.info(
        "%s in %s: %s",
        format_count(len(bundles), "streamline"),
        format_count(len(bundles.bundle_names), "bundle"),
        listed(f"{name} {n}" for name, n in bundles.counts().items()),
    )
    return bundles


def _read_part(
    file: Path,
    reader: ValueReader,
    bundles_from: str,
    points: PointBuffer | None,
    of_points: PointValueReader,
    keep_data: bool,
    unassigned: str,
    **screening,
) -> tuple[BundleSet, dict[str, list[str]]]:
    """Return what is used of a file, and by kind the names of what is left out.

    `screening` is as for `screen`.
    """
    first = 0 if points is None else len(points)
    check_digest(file)
    contents = of_points.read(file, points)
    stem = normalized_name(split_extension(whole_name(file))[0])
    labels, names = bundle_labels(contents, bundles_from, stem=stem, path=file)
    values = reader.read(contents, file)
    without = missing_values(values)
    if unassigned == "drop" and UNASSIGNED in names and stem != UNASSIGNED:
        without[UNASSIGNED] = labels == names.index(UNASSIGNED)
    try:
        keep, found = screen(contents.streamlines, lacking=without, **screening)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    streamlines = contents.streamlines
    of_points.add(contents, keep, file)
    if points is not None:
        # Of points on disk only offsets are kept, counted from the first file on.
        kept = streamlines[keep]
        nowhere = np.zeros((0, 3), dtype=np.float32)
        streamlines = as_sequence(nowhere, kept._lengths, kept._offsets + first)
    elif not keep.all():
        streamlines = take(streamlines, keep)
    used, labels = np.unique(labels[keep], return_inverse=True)
    part = BundleSet(
        streamlines,
        labels,
        [names[code] for code in used],
        screening["reference"] or _NO_GRID,
        found,
        {name: given[keep] for name, given in values.items()},
        reader.units,
        _kept_data(contents, keep, bundles_from) if keep_data else {},
    )
    return part, _left_out(contents, bundles_from) if keep_data else {}


def _kept_data(
    contents: TractogramContents, keep: np.ndarray, bundles_from: str
) -> dict[str, np.ndarray]:
    """Return the values of the streamlines that are kept, but for their bundles."""
    columns = as_columns(contents.data_per_streamline, len(keep))
    if values_with_bundles(contents, bundles_from) == BUNDLE:
        columns.pop(BUNDLE, None)
    columns = {name: values[keep] for name, values in columns.items()}
    return codes_to_text(columns, contents.categories)


def _left_out(contents: TractogramContents, bundles_from: str) -> dict[str, list[str]]:
    """Return names, by kind, of contents that are not used."""
    if bundles_from in ("auto", "groups"):
        return contents.left_out
    return {**contents.left_out, "groups": sorted(contents.groups)}


def _joined(
    parts: list[BundleSet], points: PointBuffer | None, grid: Reference | None, report
) -> BundleSet:
    """Join the parts of all files, whose points may be on disk."""
    sequences = [part.streamlines for part in parts]
    if points is not None:
        lengths = np.concatenate([one._lengths for one in sequences])
        offsets = np.concatenate([one._offsets for one in sequences])
        streamlines = as_sequence(points.since(0), lengths, offsets)
    elif len(parts) == 1:
        streamlines = sequences[0]
    else:
        streamlines = concatenate_streamlines(sequences)
    grid = Reference.covering(streamlines) if grid is None else grid
    return BundleSet.joined(parts, streamlines, grid, report)


def save_with_conditions(
    path: str | Path, bundles: BundleSet, conditions: Conditions, *, force: bool = False
) -> None:
    """Write a BundleSet with its values as numbers, by the codes of `conditions`."""
    save_bundles(
        path,
        bundles,
        data_per_streamline=values_to_numbers(conditions, bundles.values),
        inherited={
            name: values
            for name, values in bundles.data_per_streamline.items()
            if name not in bundles.values
        },
        categories=code_tables(conditions),
        force=force,
    )
