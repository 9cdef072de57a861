"""Write streamlines as tractograms, at once or block by block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
import os
from pathlib import Path

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.files import (
    atomic_write,
    check_outputs,
    tractogram_extension,
)
from dipy_tractogen.utils.messages import check_choice, normalized_name

from ..dataset import BundleSet
from ..reference import Reference
from .block_writers import BLOCK_WRITERS
from .sidecar import sidecar_path, write_sidecar
from .tractogram_writer import TractogramWriter


@contextmanager
def open_writer(
    path: str | os.PathLike,
    *,
    reference: Reference,
    bundle_names: Sequence[str] = (),
    force: bool = False,
    dtype: str = "float32",
    categories: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[TractogramWriter]:
    """Open a tractogram to be written block by block.

    Memory stays bounded for .trx, .trk and .tck: points go to the disk as they come. A
    .vtk, .vtp, .fib or .dpy is collected in memory and written at the end. The file
    takes its name when the body ends; if the body raises, an older file stays. Names
    and codes that a format has no room for go into a JSON file beside it, see
    `sidecar`.

    Parameters
    ----------
    path, reference, bundle_names, force
        As for `save_bundles`.
    dtype : str, optional
        Type of the points: ``"float32"``, or ``"float16"`` for a .trx of half the
        size, with points rounded by up to 0.03 mm at 100 mm from the origin.
    categories : mapping of str to sequence of str, optional
        What the codes 0, 1, ... stand for, by the name of values that are codes.

    Yields
    ------
    writer : TractogramWriter
        Its method `TractogramWriter.write` takes the streamlines.

    Raises
    ------
    FileExistsError
        If the file exists and `force` is False.
    OSError
        If the file cannot be written.
    ValueError
        If the extension or the type is not accepted, or nothing was written.
    """
    path = Path(path)
    extension = tractogram_extension(path)
    names = tuple(map(normalized_name, bundle_names))
    tables = {name: dict(enumerate(one)) for name, one in (categories or {}).items()}
    check_choice("dtype", dtype, ("float32", "float16"))
    if dtype == "float16" and extension != ".trx":
        raise ValueError(f"{path} holds float32 only: write a .trx to use float16")
    check_outputs([path, sidecar_path(path)], force=force)
    reference = Reference.of(reference)
    with atomic_write(path, force=force) as temporary:
        stream = BLOCK_WRITERS[extension](temporary, reference, names, dtype)
        try:
            writer = TractogramWriter(path, stream, reference, names, dtype, tables)
            yield writer
            writer.finish()
        except BaseException:
            # The file is removed, so errors of closing it do not matter.
            with suppress(OSError, ValueError):
                stream.close()
            raise
        stream.close()
        # The JSON file is written once the tractogram is whole.
        said = writer.description.as_dict()
        write_sidecar(path, {} if stream.keeps_description else said, force=force)


def save_bundles(
    path: str | os.PathLike,
    streamlines: ArraySequence | np.ndarray,
    *,
    reference: Reference | None = None,
    labels: np.ndarray | None = None,
    bundle_names: Sequence[str] = (),
    data_per_streamline: dict[str, np.ndarray] | None = None,
    inherited: dict[str, np.ndarray] | None = None,
    data_per_point: dict[str, np.ndarray] | None = None,
    categories: Mapping[str, Sequence[str]] | None = None,
    force: bool = False,
) -> None:
    """Write streamlines as a tractogram.

    Parameters
    ----------
    path : str or Path
        File to write; its extension is the format.
    streamlines : ArraySequence or ndarray of shape (n, nb_points, 3)
        Streamlines (RASMM, mm), or what else `as_streamlines` takes.
    reference : Reference, StatefulTractogram, image, str or Path, optional
        Grid of the header; by default that of the streamlines, where they have one, as
        a BundleSet or a StatefulTractogram. The formats .tck, .vtk, .vtp, .fib and .dpy
        have none.
    labels : ndarray of int, shape (n,), optional
        Bundle of each streamline, as an index into `bundle_names`. The bundles are
        groups in a .trx, and ``data_per_streamline["bundle"]`` in a .trk and in the VTK
        formats. A BundleSet brings its labels and names.
    bundle_names : sequence of str, optional
        Names of the bundles.
    data_per_streamline : dict of str to ndarray of shape (n,) or (n, k), optional
        Values of each streamline; all formats but .tck and .dpy keep them.
    inherited : dict of str to ndarray of shape (n,) or (n, k), optional
        Further values, which give way; see `TractogramWriter.write`. By default those
        of a BundleSet.
    data_per_point : dict of str to ndarray of shape (nb_points_in_all, k), optional
        Values of each point, such as FA, in the order of the points; .trx, .trk, .vtk,
        .vtp and .fib keep them. By default those of a BundleSet.
    categories : mapping of str to sequence of str, optional
        What codes among the values stand for, see `open_writer`.
    force : bool, optional
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `force` is False.
    OSError
        If the file cannot be written.
    ValueError
        If the extension is not accepted, there is no streamline, points are not finite,
        or the labels or values do not fit.
    """
    reference = Reference.of(streamlines if reference is None else reference)
    if isinstance(streamlines, BundleSet):
        if labels is None:
            labels, bundle_names = streamlines.labels, streamlines.bundle_names
        if inherited is None:
            inherited = streamlines.data_per_streamline
        if data_per_point is None:
            data_per_point = streamlines.data_per_point
    with open_writer(
        path,
        reference=reference,
        bundle_names=bundle_names,
        force=force,
        categories=categories,
    ) as writer:
        writer.write(
            streamlines, labels, data_per_streamline, inherited, data_per_point
        )
