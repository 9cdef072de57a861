"""Tractograms of generated streamlines, written batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
import logging
import os
from pathlib import Path

import numpy as np

from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.category_codes import code_tables, values_to_numbers
from dipy_tractogen.streamlines.conditions import (
    COMPUTED,
    Conditions,
    measured_values,
)
from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.formats.block_writers import BLOCK_WRITERS
from dipy_tractogen.streamlines.formats.writers import open_writer
from dipy_tractogen.streamlines.point_data.values import respace_with_data
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.spaces.moved import moved_streamlines
from dipy_tractogen.streamlines.spaces.transform import Transform
from dipy_tractogen.utils.messages import format_count, listed
from dipy_tractogen.utils.progress import Progress
from dipy_tractogen.utils.shards import Shard

from .condition_check import ConditionCheck
from .plausibility import Plausibility, with_box

logger = logging.getLogger("dipy_tractogen")


def save_generated(
    path: str | Path,
    batches: Iterable[tuple],
    *,
    nb_streamlines: int,
    bundle_names: tuple[str, ...],
    conditions: Conditions,
    reference: Reference,
    transform: Transform | None = None,
    nb_points: int | None = None,
    step_size: float | None = None,
    dtype: str = "float32",
    measure: Callable[[dict], None] = lambda values: None,
    force: bool = False,
    show_progress: bool = False,
) -> tuple[dict[str, int], dict]:
    """Write generated streamlines as they come.

    Memory does not grow with their number for .trx, .trk and .tck.

    Parameters
    ----------
    path : str or Path
        File to write; its extension is the format.
    batches : iterable of (points, labels, values, data_per_point)
        From ``generate_batches`` of a model; a batch is of one bundle.
    nb_streamlines : int
        Their number, for the progress bar.
    bundle_names : tuple of str
        Names of the bundles, by label.
    conditions : Conditions
        What the model knows of streamlines.
    reference : Reference
        Grid that goes into the header.
    transform : Transform, optional
        From the space that is written to that of the batches, where they are two.
    nb_points : int, optional
        Points of each streamline; by default those that the batches have.
    step_size : float, optional
        Distance of neighbouring points in mm, in place of `nb_points`.
    dtype : {"float32", "float16"}, optional
        Type of the points in the file.
    measure : callable, optional
        Called with the values of each batch, before points are moved and resampled.
    force : bool, optional
        Replace an existing file.
    show_progress : bool, optional
        Show a progress bar.

    Returns
    -------
    counts : dict of str to int
        Number of streamlines, by bundle.
    description : dict
        True names and codes that the file tells, and ``nb_outside_box``.
    """
    path = Path(path)
    counts = dict.fromkeys(bundle_names, 0)
    back = None if transform is None else transform.inverse()
    progress = Progress(
        nb_streamlines,
        "Generating",
        show_bar=show_progress,
        unit="streamline",
        unit_scale=True,
    )
    writer = open_writer(
        path,
        reference=reference,
        bundle_names=bundle_names,
        force=force,
        dtype=dtype,
        categories=code_tables(conditions),
    )
    with progress, writer as tractogram:
        for points, labels, values, data in batches:
            measure(values)
            given = moved_streamlines(points, back), values, data
            points, values, data = _respaced(
                points, *given, nb_points, step_size, dtype
            )
            if not BLOCK_WRITERS[path.suffix.lower()].keeps_data:
                # What can be computed again is left out.
                values = {k: each for k, each in values.items() if k not in COMPUTED}
            numbers = values_to_numbers(conditions, values)
            tractogram.write(points, labels, numbers, data_per_point=data)
            counts[bundle_names[labels[0]]] += len(points)
            # Before the first ones, the density is fitted and the decoder compiled.
            progress.advance(len(points), timed=progress.done > 0)
    described = tractogram.description.as_dict()
    return counts, {**described, "nb_outside_box": tractogram.nb_outside}


@dataclass
class GeneratedFile:
    """What `generate_file` wrote.

    Attributes
    ----------
    counts : dict of str to int
        Number of streamlines, by bundle.
    description : dict
        Names and codes in the file, and ``nb_outside_box``, see `save_generated`.
    check : ConditionCheck
        Streamlines that miss the length, curvature or tortuosity that was asked.
    plausibility : Plausibility or None
        Criteria, the bounding box of the grid among them, and what they rejected.
    """

    counts: dict[str, int]
    description: dict
    check: ConditionCheck
    plausibility: Plausibility | None

    def to_dict(self) -> dict:
        """Return all of it as plain values, the check as ``obtained``."""
        rejected = self.plausibility.to_dict() if self.plausibility else {}
        obtained = self.check.to_dict()
        found = {"counts": self.counts, "obtained": obtained, **rejected}
        return {**self.description, **found}


def generate_file(
    model,
    path: str | Path,
    nb_streamlines: int,
    bundles: str | Sequence[str] | None = None,
    *,
    conditions: Mapping | None = None,
    plausibility: Plausibility | None = None,
    nb_points: int | None = None,
    step_size: float | None = None,
    reference: Reference | str | os.PathLike | None = None,
    transform: Transform | None = None,
    outside_box: str = "drop",
    dtype: str = "float32",
    shard: Shard | None = None,
    force: bool = False,
    show_progress: bool = False,
    **options,
) -> GeneratedFile:
    """Generate new streamlines into a tractogram, in memory that does not grow.

    Parameters
    ----------
    path : str or Path
        Tractogram to write, in any format of DIPY.
    nb_streamlines, bundles, conditions, plausibility, nb_points, step_size
        As ``generate_batches`` takes them.
    reference : Reference, image, str or Path, optional
        Grid of the header; by default that of the training.
    transform : Transform, optional
        From the space that streamlines are written in, which is that of `reference` and
        of the criteria, to that of the training, where they are two. Numbers that are
        asked for, such as a length, are those in the space of the training.
    outside_box : {"drop", "keep", "error"}, optional
        What is done with streamlines that leave the bounding box of the grid: those
        that are dropped are replaced by others.
    dtype : {"float32", "float16"}, optional
        Type of the points in the file; float16 for .trx only.
    shard : Shard, optional
        Write only what is of one shard of `nb_streamlines`; `generate_shards` writes
        all, with what makes a folder of them one tractogram.
    force : bool, optional
        Replace an existing file.
    show_progress : bool, optional
        Show a progress bar.
    **options
        ``balanced``, ``proportions``, ``smooth``, ``sampler``, ``seeds``, ``like``,
        ``max_tries`` and ``seed`` of ``generate_batches``.

    Returns
    -------
    GeneratedFile
        What was written. Where its ``plausibility`` has a ``shortfall``, there are
        fewer streamlines than asked for.

    Raises
    ------
    FileExistsError
        If the file exists and `force` is False.
    ValueError
        As from ``generate_batches``, or if too many streamlines leave the grid.
    """
    sources = (options.pop(name, None) for name in ("sampler", "seeds", "like"))
    density = model.density_by(*sources)
    known = density.conditions
    reference = Reference.of(reference or Reference.from_dict(model.record.reference))
    plausibility = with_box(plausibility, reference, outside_box, dtype, transform)
    nb_written = nb_streamlines if shard is None else shard.size(nb_streamlines)
    logger.info("Generating %s", format_count(nb_written, "streamline"))
    batches = model.generate_batches(
        nb_streamlines,
        bundles,
        conditions=conditions,
        plausibility=plausibility,
        sampler=density,
        return_data_per_point=True,
        shard=shard,
        **options,
    )
    check = ConditionCheck(conditions or {}, known)
    counts, description = save_generated(
        path,
        batches,
        nb_streamlines=nb_written,
        bundle_names=model.record.bundle_names,
        conditions=known,
        reference=reference,
        transform=transform,
        nb_points=nb_points,
        step_size=step_size,
        dtype=dtype,
        measure=check.update,
        force=force,
        show_progress=show_progress,
    )
    made = (f"{name} {number}" for name, number in counts.items() if number)
    logger.info("Generated %s", listed(made))
    check.warn()
    if hasattr(density.sampler, "acceptance_rate_"):
        rate = 100 * density.sampler.acceptance_rate_
        logger.info("The sampler accepted %.2g %% of its proposals", rate)
    return GeneratedFile(counts, description, check, plausibility)


def bytes_per_streamline(
    conditions: Conditions, nb_points: int, step_size: float | None, dtype: str
) -> int:
    """Estimate the size of a generated streamline in a file."""
    if step_size is not None:
        nb_points = round(conditions["length"].mean / step_size) + 1
    size = np.dtype(dtype).itemsize
    # Beside the points its place, bundle and values.
    return nb_points * 3 * size + 4 * (3 + len(conditions.names))


def _respaced(points, moved, values, data, nb_points, step_size, dtype) -> tuple:
    """Return points that are written, values measured on them, and those along them.

    `values` are those of the points before they were `moved`.
    """
    written, data = respace_with_data(moved, data, nb_points, step_size)
    if dtype == "float16":
        sequence = to_sequence(written)
        rounded = sequence._data.astype(np.float16).astype(np.float32)
        written = as_sequence(rounded, sequence._lengths)
    if written is not points:
        values = {**values, **measured_values(written, values)}
    return written, values, data
