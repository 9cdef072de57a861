"""Write streamlines as tractograms, at once or block by block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
import logging
import os
from pathlib import Path

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.files import (
    atomic_write,
    check_outputs,
    tractogram_extension,
)
from dipy_tractogen.utils.messages import check_choice, listed, normalized_name

from ..array_sequence import as_sequence, blocks
from ..columns import (
    checked_labels,
    choose_inherited,
    storable_columns,
    text_to_codes,
)
from ..conditions import BUNDLE
from ..conversion import to_sequence
from ..dataset import BundleSet
from ..reference import Reference
from .block_writer import BlockWriter
from .block_writers import BLOCK_WRITERS, EXACT_TO, rounds_large
from .sidecar import Description, sidecar_path, write_sidecar

logger = logging.getLogger("dipy_tractogen")


class TractogramWriter:
    """Writes streamlines block by block; made by `open_writer`.

    Attributes
    ----------
    nb_streamlines, nb_outside : int
        Streamlines that were written so far, and those that leave the box of the grid.
    description : Description
        True names and codes of a file that is complete.
    """

    def __init__(
        self,
        path: Path,
        stream: BlockWriter,
        reference: Reference,
        bundle_names: tuple[str, ...],
        dtype: str,
        categories: dict[str, dict[int, str]],
    ):
        self._path, self._stream, self._reference = path, stream, reference
        self._bundle_names, self._dtype = bundle_names, np.dtype(dtype)
        self._categories = categories
        self._kind: tuple | None = None
        self._labels: set[int] = set()
        self._lost: list[str] = []
        self._inherited: list[str] | None = None
        self.nb_outside = 0
        self.nb_streamlines = 0
        self.description = Description()

    def write(
        self,
        points: np.ndarray | ArraySequence,
        labels: np.ndarray | None = None,
        data_per_streamline: dict[str, np.ndarray] | None = None,
        inherited: dict[str, np.ndarray] | None = None,
    ) -> None:
        """Write streamlines after those that were written before.

        Parameters
        ----------
        points : ndarray of shape (m, nb_points, 3) or ArraySequence
            Streamlines (RASMM, mm). The number of points may change between calls.
        labels : ndarray of int, shape (m,), optional
            Bundle of each streamline, as an index into the bundle names, in any
            order. Given in every call or in none.
        data_per_streamline : dict of str to ndarray of shape (m,) or (m, k), optional
            Values of each streamline, the same names and types in every call. Text is
            taken for names of categories, and written as codes.
        inherited : dict of str to ndarray of shape (m,) or (m, k), optional
            Values that the inputs of a command have of each streamline. Those whose
            name is also that of other values, or that the format has no room for, are
            left out, and a warning says so.

        Raises
        ------
        ValueError
            If points are not finite, or the labels or values do not fit.
        """
        streamlines = to_sequence(points)
        if not (n := len(streamlines)):
            return
        if labels is not None:
            labels = checked_labels(labels, n, len(self._bundle_names))
        data = storable_columns(data_per_streamline or {}, n)
        if labels is not None and BUNDLE in data:
            raise ValueError(
                "data_per_streamline 'bundle' is where labels go: give another name"
            )
        kept = self._chosen(storable_columns(inherited or {}, n), data, labels)
        data = text_to_codes({**data, **kept}, self._categories)
        self._check_kinds(data, labels)
        self._warn_of_losses(labels, data)
        for rows, block, lengths in blocks(streamlines):
            block = np.ascontiguousarray(block, dtype=np.float32)
            self._check_finite(block)
            if not self._reference.is_placeholder:
                inside = self._reference.contains(as_sequence(block, lengths))
                self.nb_outside += int((~inside).sum())
            self._stream.write(
                block,
                lengths,
                None if labels is None else labels[rows],
                {name: values[rows] for name, values in data.items()},
            )
        self.nb_streamlines += len(streamlines)

    def finish(self) -> None:
        """Complete the file; `open_writer` calls this when its body ends."""
        if not self.nb_streamlines:
            raise ValueError(
                f"there is no streamline to write to {self._path}: give one or more"
            )
        self.description = self._stream.finish(self._categories)
        if self.nb_outside:
            logger.warning(
                "%s: out of the bounding box of the reference: %d of %d streamlines; "
                "DIPY loads them only without its check of the bounding box",
                self._path,
                self.nb_outside,
                self.nb_streamlines,
            )

    def _chosen(self, inherited, own: dict, labels: np.ndarray | None) -> dict:
        """Return the values of inputs that the file has room for, always the same."""
        if not inherited or not self._stream.keeps_data:
            return inherited
        if self._inherited is None:
            names = {*own, *([BUNDLE] if labels is not None else [])}
            most = self._stream.most_columns
            self._inherited = choose_inherited(
                inherited,
                names,
                path=self._path,
                room=None if most is None else max(most - len(names), 0),
            )
        # `_check_kinds` raises for blocks that lack a name.
        return {name: inherited[name] for name in self._inherited if name in inherited}

    def _check_kinds(self, data: dict, labels: np.ndarray | None) -> None:
        """Raise ValueError if names or types differ from the first call."""
        kinds = {
            name: (values.shape[1], values.dtype.name) for name, values in data.items()
        }
        kind = (labels is not None, kinds)
        if self._kind is None:
            self._kind = kind
        elif kind != self._kind:
            raise ValueError(
                f"{self._path}: labels and data_per_streamline changed from "
                f"{self._kind} to {kind}: give the same in every call"
            )

    def _warn_of_losses(
        self, labels: np.ndarray | None, data: dict[str, np.ndarray]
    ) -> None:
        """Warn once of each loss: what the format cannot hold, or rounds."""
        keeps_data = self._stream.keeps_data
        lost = [] if keeps_data else sorted(data)
        if labels is not None and not self._stream.keeps_bundles:
            self._labels.update(np.unique(labels).tolist())
            lost += ["the bundles"] if len(self._labels) > 1 else []
        self._warn_once("this format cannot hold %s, which are left out", lost)
        if keeps_data and not self._stream.keeps_types:
            rounded = [name for name, values in data.items() if rounds_large(values)]
            said = f"float32 rounds the numbers of %s that are above {EXACT_TO}"
            self._warn_once(f"{said}, to infinity from 3.4e38 on", rounded)

    def _warn_once(self, what: str, names: list[str]) -> None:
        """Warn of a loss for names that it was not logged for."""
        names = [one for one in names if one not in self._lost]
        if names:
            self._lost += names
            lost = what % listed(names)
            logger.warning("%s: %s: write a .trx to keep them", self._path, lost)

    def _check_finite(self, points: np.ndarray) -> None:
        """Raise ValueError for points that are not finite in the file."""
        # Absolute values would be a copy; comparisons with NaN are false.
        most, flat = np.finfo(self._dtype).max, points.ravel()
        if not (flat.min(initial=0) >= -most and flat.max(initial=0) <= most):
            raise ValueError(
                f"points that are not finite as {self._dtype} cannot be written to "
                f"{self._path}: drop those streamlines first"
            )


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
        groups in a .trx, and ``data_per_streamline["bundle"]`` in a .trk. A BundleSet
        brings its labels and names.
    bundle_names : sequence of str, optional
        Names of the bundles.
    data_per_streamline : dict of str to ndarray of shape (n,) or (n, k), optional
        Values of each streamline; .trx and .trk keep them.
    inherited : dict of str to ndarray of shape (n,) or (n, k), optional
        Further values, which give way; see `TractogramWriter.write`.
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
    if labels is None and isinstance(streamlines, BundleSet):
        labels, bundle_names = streamlines.labels, streamlines.bundle_names
    with open_writer(
        path,
        reference=reference,
        bundle_names=bundle_names,
        force=force,
        categories=categories,
    ) as writer:
        writer.write(streamlines, labels, data_per_streamline, inherited)
