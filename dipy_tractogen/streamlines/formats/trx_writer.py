"""Writer of a TRX block by block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
import json
from pathlib import Path
import tempfile
import zipfile

import numpy as np

from .block_writer import BlockWriter
from .sidecar import HEADER_KEY, Description, trx_names

_ROWS_PER_CHUNK = 1_000_000


class TrxBlockWriter(BlockWriter):
    """A TRX: points go straight into a stored zip, the rest by way of disk."""

    keeps_data = True
    keeps_point_data = True
    keeps_bundles = True
    keeps_types = True
    keeps_description = True

    def __init__(self, path, reference, bundle_names, dtype):
        self._folder = path.parent
        self._reference = reference
        self._bundle_names = bundle_names
        self._names = trx_names(bundle_names)
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._lengths = _Column(path.parent, "<u4")
        self._labels = _Column(path.parent, "<i4")
        self._data: dict[str, _Column] = {}
        self._of_points: dict[str, _Column] = {}
        self._counts = np.zeros(len(bundle_names), dtype=np.int64)
        self._nb_points = 0
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        self._positions = self._archive.open(
            f"positions.3.{dtype}", "w", force_zip64=True
        )

    def write(self, points, lengths, labels, data, of_points):
        """Write a block."""
        self._positions.write(np.ascontiguousarray(points, dtype=self._dtype))
        self._nb_points += len(points)
        self._lengths.append(lengths)
        if labels is not None:
            self._labels.append(labels)
            self._counts += np.bincount(labels, minlength=len(self._counts))
        self._append(self._data, data)
        self._append(self._of_points, of_points)

    def finish(self, categories):
        """Write what follows the last block."""
        self._positions.close()
        self._write_offsets()
        for (code, count), name in zip(enumerate(self._counts), self._names):
            if count:
                self._write_group(code, name)
        names = self._write_columns("dps", self._data)
        of_points = self._write_columns("dpv", self._of_points)
        groups = [
            pair
            for pair, count in zip(zip(self._names, self._bundle_names), self._counts)
            if count
        ]
        description = Description(
            dict(groups),
            dict(zip(names, self._data)),
            {name: table for name, table in categories.items() if name in self._data},
            dict(zip(of_points, self._of_points)),
        )
        header = {
            "DIMENSIONS": [max(size, 1) for size in self._reference.dimensions],
            "VOXEL_TO_RASMM": self._reference.affine.tolist(),
            "NB_VERTICES": self._nb_points,
            "NB_STREAMLINES": self._lengths.nb_rows,
        }
        if said := description.as_dict():
            header[HEADER_KEY] = said
        # writestr would write the time, and equal contents be different files.
        with self._archive.open("header.json", "w") as member:
            member.write(json.dumps(header).encode())
        self._archive.close()
        return description

    def close(self):
        """Close all that is open, whatever fails."""
        with ExitStack() as stack:
            others = (*self._data.values(), *self._of_points.values())
            for column in (self._lengths, self._labels, *others):
                stack.callback(column.close)
            # Once closed, it does not raise again when it is garbage-collected.
            stack.callback(self._archive.close)
            stack.callback(self._positions.close)

    def _append(self, columns: dict[str, _Column], data: dict[str, np.ndarray]) -> None:
        """Append values (k, j) by name to those in files."""
        for name, values in data.items():
            if name not in columns:
                dtype = values.dtype.newbyteorder("<")
                columns[name] = _Column(self._folder, dtype, values.shape[1])
            columns[name].append(values)

    def _write_columns(self, kind: str, columns: dict[str, _Column]) -> tuple[str, ...]:
        """Write values as members of a kind; return their names there."""
        names = trx_names(tuple(columns))
        for name, column in zip(names, columns.values()):
            width = f".{column.width}" if column.width > 1 else ""
            member = f"{kind}/{name}{width}.{column.dtype.name}"
            self._write_member(member, column.chunks())
        return names

    def _write_offsets(self) -> None:
        """Write where each streamline begins, and where the last one ends."""
        dtype = np.dtype("<u4" if self._nb_points < 2**32 else "<u8")

        def offsets() -> Iterator[np.ndarray]:
            end = 0
            yield np.zeros(1, dtype=dtype)
            for chunk in self._lengths.chunks():
                ends = end + np.cumsum(chunk, dtype=np.int64)
                end = ends[-1]
                yield ends.astype(dtype)

        self._write_member(f"offsets.{dtype.name}", offsets())

    def _write_group(self, code: int, name: str) -> None:
        """Write the indices of the streamlines of one bundle."""
        dtype = np.dtype("<u4" if self._lengths.nb_rows < 2**32 else "<u8")

        def indices() -> Iterator[np.ndarray]:
            start = 0
            for chunk in self._labels.chunks():
                yield (np.flatnonzero(chunk == code) + start).astype(dtype)
                start += len(chunk)

        self._write_member(f"groups/{name}.{dtype.name}", indices())

    def _write_member(self, name: str, chunks: Iterator[np.ndarray]) -> None:
        """Write arrays one after the other as a file of the zip."""
        with self._archive.open(name, "w", force_zip64=True) as member:
            for chunk in chunks:
                member.write(np.ascontiguousarray(chunk))


class _Column:
    """Values of streamlines or points in a temporary file."""

    def __init__(self, folder: Path, dtype: np.dtype | str, width: int = 1):
        self.dtype = np.dtype(dtype)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self.width = width
        self.nb_rows = 0

    def append(self, values: np.ndarray) -> None:
        self._file.write(np.ascontiguousarray(values, dtype=self.dtype))
        self.nb_rows += len(values)

    def chunks(self) -> Iterator[np.ndarray]:
        self._file.seek(0)
        size = self.dtype.itemsize * self.width * _ROWS_PER_CHUNK
        while data := self._file.read(size):
            yield np.frombuffer(data, dtype=self.dtype)

    def close(self) -> None:
        self._file.close()
