"""Write streamlines to an open tractogram, block by block."""

from __future__ import annotations

import logging
from pathlib import Path

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.messages import listed

from ..array_sequence import as_sequence, blocks
from ..columns import (
    EXACT_TO,
    checked_labels,
    choose_inherited,
    rounds_large,
    storable_columns,
    text_to_codes,
)
from ..conditions import BUNDLE
from ..conversion import to_sequence
from ..point_data.values import as_point_data
from ..reference import Reference
from .block_writer import BlockWriter
from .sidecar import Description

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
        data_per_point: dict[str, np.ndarray] | None = None,
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
        data_per_point : dict of str to ndarray of shape (nb_points_in_all, k), optional
            Values of each point, in the order of the points, as float32; the same names
            in every call. Those that the format has no room for are left out, and a
            warning says so.

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
        of_points = as_point_data(data_per_point or {}, int(streamlines._lengths.sum()))
        self._check_kinds(data, labels, of_points)
        self._warn_of_losses(labels, data, of_points)
        of_points = self._with_room(of_points)
        done = 0
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
                {k: each[done : done + len(block)] for k, each in of_points.items()},
            )
            done += len(block)
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

    def _with_room(self, of_points: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the values of points that the file has room for."""
        if not self._stream.keeps_point_data:
            return {}
        names = list(of_points)
        unfit = names[self._stream.most_point_data or len(names) :]
        self._warn_once("this format has no room for the data_per_point %s", unfit)
        return {name: of_points[name] for name in names if name not in unfit}

    def _check_kinds(self, data: dict, labels, of_points: dict) -> None:
        """Raise ValueError if names or types differ from the first call."""
        kinds = {
            name: (values.shape[1], values.dtype.name) for name, values in data.items()
        }
        widths = {name: values.shape[1] for name, values in of_points.items()}
        kind = (labels is not None, kinds, widths)
        if self._kind is None:
            self._kind = kind
        elif kind != self._kind:
            raise ValueError(
                f"{self._path}: labels or values of streamlines or points changed from "
                f"{self._kind} to {kind}: give the same in every call"
            )

    def _warn_of_losses(
        self, labels: np.ndarray | None, data: dict, of_points: dict
    ) -> None:
        """Warn once of each loss: what the format cannot hold, or rounds."""
        keeps_data = self._stream.keeps_data
        lost = [] if keeps_data else sorted(data)
        lost += [] if self._stream.keeps_point_data else sorted(of_points)
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
