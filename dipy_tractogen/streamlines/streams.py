"""Tractograms written block by block, with the memory of a block.

One class a format, with the same methods: ``write`` a block of streamlines,
``finish`` what comes after the last one, and ``close`` what is open, in any case.
"""

from __future__ import annotations

from collections.abc import Iterator
import io
import json
from pathlib import Path
import re
import tempfile
import zipfile

from nibabel.streamlines import ArraySequence, TckFile, Tractogram, TrkFile
from nibabel.streamlines.trk import (
    encode_value_in_name,
    get_affine_trackvis_to_rasmm,
    header_2_dtype,
)
import numpy as np

from .ragged import as_sequence
from .reference import Reference
from .vtk import VTK_EXTENSIONS, check_vtk, save_vtk

Data = dict[str, np.ndarray]

_ROWS_PER_CHUNK = 1_000_000


def safe_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Make names fit to be those of files inside a TRX.

    Parameters
    ----------
    names : tuple of str
        Any names.

    Returns
    -------
    names : tuple of str
        Letters, digits, spaces and ``_-+`` only, all different: a dot would be read
        as the end of the name, a slash as a folder.
    """
    safe: list[str] = []
    for name in names:
        stem = re.sub(r"[^\w \-+]", "_", name).strip() or "_"
        candidate, number = stem, 2
        while candidate in safe:
            candidate, number = f"{stem}_{number}", number + 1
        safe.append(candidate)
    return tuple(safe)


class TrxStream:
    """A TRX: points go straight into a stored zip, the rest by way of disk.

    Parameters
    ----------
    path : Path
        File to write.
    reference : Reference
        Grid.
    bundle_names : tuple of str
        Names of the groups.
    dtype : str
        Type of the points, ``"float32"`` or ``"float16"``.
    """

    keeps_data = True
    keeps_bundles = True

    def __init__(
        self,
        path: Path,
        reference: Reference,
        bundle_names: tuple[str, ...],
        dtype: str,
    ):
        self._reference = reference
        self._names = safe_names(bundle_names)
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._columns: dict[str, _Column] = {}
        self._counts = np.zeros(len(bundle_names), dtype=np.int64)
        self._nb_points = 0
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        self._positions = self._archive.open(
            f"positions.3.{dtype}", "w", force_zip64=True
        )

    def write(
        self, points: np.ndarray, lengths: np.ndarray, labels: np.ndarray, data: Data
    ) -> None:
        """Write a block; see `writers.TractogramWriter.write`."""
        self._positions.write(np.ascontiguousarray(points, dtype=self._dtype))
        self._nb_points += len(points)
        self._column("lengths", "<u4").append(lengths)
        if labels is not None:
            self._column("labels", "<i4").append(labels)
            self._counts += np.bincount(labels, minlength=len(self._counts))
        for name, values in data.items():
            self._column(f"dps/{name}", "<f4", values.shape[1]).append(values)

    def finish(self) -> None:
        """Write what needs the number of streamlines and of points."""
        self._positions.close()
        lengths = self._columns["lengths"]
        self._write_offsets(lengths)
        for (code, count), name in zip(enumerate(self._counts), self._names):
            if count:
                self._write_group(code, name, lengths.nb_rows)
        data = {key: column for key, column in self._columns.items() if "/" in key}
        names = safe_names(tuple(key.split("/", 1)[1] for key in data))
        for name, column in zip(names, data.values()):
            width = f".{column.width}" if column.width > 1 else ""
            self._write_member(f"dps/{name}{width}.float32", column.chunks())
        header = {
            "DIMENSIONS": [max(size, 1) for size in self._reference.dimensions],
            "VOXEL_TO_RASMM": self._reference.affine.tolist(),
            "NB_VERTICES": self._nb_points,
            "NB_STREAMLINES": lengths.nb_rows,
        }
        self._archive.writestr("header.json", json.dumps(header))
        self._archive.close()

    def close(self) -> None:
        """Close what is open."""
        self._positions.close()
        self._archive.close()
        for column in self._columns.values():
            column.close()

    def _column(self, key: str, dtype: str, width: int = 1) -> _Column:
        """Return a column of values, made when it is first needed."""
        if key not in self._columns:
            self._columns[key] = _Column(dtype, width)
        return self._columns[key]

    def _write_offsets(self, lengths: _Column) -> None:
        """Write where each streamline begins, and where the last one ends."""
        dtype = np.dtype("<u4" if self._nb_points < 2**32 else "<u8")

        def offsets() -> Iterator[np.ndarray]:
            end = 0
            yield np.zeros(1, dtype=dtype)
            for chunk in lengths.chunks():
                ends = end + np.cumsum(chunk, dtype=np.int64)
                end = ends[-1]
                yield ends.astype(dtype)

        self._write_member(f"offsets.{dtype.name}", offsets())

    def _write_group(self, code: int, name: str, nb_streamlines: int) -> None:
        """Write the indices of the streamlines of one bundle."""
        dtype = np.dtype("<u4" if nb_streamlines < 2**32 else "<u8")

        def indices() -> Iterator[np.ndarray]:
            start = 0
            for chunk in self._columns["labels"].chunks():
                yield (np.flatnonzero(chunk == code) + start).astype(dtype)
                start += len(chunk)

        self._write_member(f"groups/{name}.{dtype.name}", indices())

    def _write_member(self, name: str, chunks: Iterator[np.ndarray]) -> None:
        """Write arrays one after the other as a file of the zip."""
        with self._archive.open(name, "w", force_zip64=True) as member:
            for chunk in chunks:
                member.write(np.ascontiguousarray(chunk))


class _Column:
    """Values of the streamlines, kept on disk until they are asked for."""

    def __init__(self, dtype: str, width: int):
        self._dtype = np.dtype(dtype)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self.width = width
        self.nb_rows = 0

    def append(self, values: np.ndarray) -> None:
        self._file.write(np.ascontiguousarray(values, dtype=self._dtype))
        self.nb_rows += len(values)

    def chunks(self) -> Iterator[np.ndarray]:
        self._file.seek(0)
        size = self._dtype.itemsize * self.width * _ROWS_PER_CHUNK
        while data := self._file.read(size):
            yield np.frombuffer(data, dtype=self._dtype)

    def close(self) -> None:
        self._file.close()


class TrkStream:
    """A TRK, with the bundle as a property of each streamline.

    Parameters
    ----------
    path, reference, bundle_names, dtype
        As for `TrxStream`; the points are float32.
    """

    keeps_data = True
    keeps_bundles = True

    def __init__(
        self,
        path: Path,
        reference: Reference,
        bundle_names: tuple[str, ...],
        dtype: str,
    ):
        data = bytearray(_empty_file(TrkFile, reference))
        self._header = np.frombuffer(data, header_2_dtype.newbyteorder("<"), count=1)
        to_rasmm = get_affine_trackvis_to_rasmm(self._header[0]).astype(np.float64)
        self._from_rasmm = np.linalg.inv(to_rasmm)
        self._names: list[str] | None = None
        self._file = path.open("wb")
        self._file.write(self._header.tobytes())

    def write(
        self, points: np.ndarray, lengths: np.ndarray, labels: np.ndarray, data: Data
    ) -> None:
        """Write a block; see `writers.TractogramWriter.write`."""
        if labels is not None:
            data = {**data, "bundle": labels[:, None]}
        names = sorted(data)
        if not self._header["nb_streamlines"][0]:
            self._name_properties({name: data[name].shape[1] for name in names})
        properties = np.concatenate(
            [data[name] for name in names] or [np.empty((len(lengths), 0))], axis=1
        )
        affine = self._from_rasmm
        points = points @ affine[:3, :3].T + affine[:3, 3]
        self._file.write(_trk_records(points, lengths, properties))
        self._header["nb_streamlines"] += len(lengths)

    def finish(self) -> None:
        """Write the header again, with the number of streamlines."""
        self._file.seek(0)
        self._file.write(self._header.tobytes())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _name_properties(self, widths: dict[str, int]) -> None:
        """Put the names of the values into the header."""
        accepted = len(self._header["property_name"][0])
        if len(widths) > accepted:
            raise ValueError(
                f"a .trk holds {accepted} values by name for each streamline, the "
                f"bundle among them, and {len(widths)} are given: write a .trx"
            )
        for row, (name, width) in enumerate(widths.items()):
            self._header["property_name"][0, row] = encode_value_in_name(width, name)
        self._header["nb_properties_per_streamline"] = sum(widths.values())


def _trk_records(
    points: np.ndarray, lengths: np.ndarray, properties: np.ndarray
) -> np.ndarray:
    """Lay out streamlines as TRK does: number of points, points, properties."""
    words = 1 + 3 * lengths + properties.shape[1]
    starts = np.cumsum(words) - words
    records = np.empty(int(words.sum()), dtype="<f4")
    records.view("<i4")[starts] = lengths
    is_point = np.ones(len(records), dtype=bool)
    is_point[starts] = False
    after = (starts + 1 + 3 * lengths)[:, None] + np.arange(properties.shape[1])
    records[after] = properties
    is_point[after] = False
    records[is_point] = points.ravel()
    return records


class TckStream:
    """A TCK, which holds points alone.

    Parameters
    ----------
    path, reference, bundle_names, dtype
        As for `TrxStream`; the points are float32, and the bundles are not kept.
    """

    keeps_data = False
    keeps_bundles = False

    def __init__(
        self,
        path: Path,
        reference: Reference,
        bundle_names: tuple[str, ...],
        dtype: str,
    ):
        end = TckFile.EOF_DELIMITER.nbytes
        self._header = _empty_file(TckFile, reference)[:-end]
        self._nb_streamlines = 0
        self._file = path.open("wb")
        self._file.write(self._header)

    def write(
        self, points: np.ndarray, lengths: np.ndarray, labels: np.ndarray, data: Data
    ) -> None:
        """Write a block; see `writers.TractogramWriter.write`."""
        rows = np.full((len(points) + len(lengths), 3), np.nan, dtype="<f4")
        is_point = np.ones(len(rows), dtype=bool)
        is_point[np.cumsum(lengths + 1) - 1] = False
        rows[is_point] = points
        self._file.write(rows)
        self._nb_streamlines += len(lengths)

    def finish(self) -> None:
        """Write the mark of the end, and the number of streamlines."""
        self._file.write(TckFile.EOF_DELIMITER.astype("<f4").tobytes())
        count = b"count: %010d" % self._nb_streamlines
        self._file.seek(0)
        self._file.write(self._header.replace(b"count: %010d" % 0, count, 1))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class CollectedFile:
    """A VTK, VTP, FIB or DPY: collected in memory, and written whole by DIPY.

    Parameters
    ----------
    path, reference, bundle_names, dtype
        As for `TrxStream`; the points are float32, and the bundles are not kept.
    """

    keeps_data = False
    keeps_bundles = False

    def __init__(
        self,
        path: Path,
        reference: Reference,
        bundle_names: tuple[str, ...],
        dtype: str,
    ):
        self._path = path
        self._is_vtk = path.suffix.lower() in VTK_EXTENSIONS
        if self._is_vtk:
            check_vtk()
        self._points: list[np.ndarray] = []
        self._lengths: list[np.ndarray] = []

    def write(
        self, points: np.ndarray, lengths: np.ndarray, labels: np.ndarray, data: Data
    ) -> None:
        """Keep a block; see `writers.TractogramWriter.write`."""
        self._points.append(points.copy())
        self._lengths.append(lengths)

    def finish(self) -> None:
        """Write the file."""
        streamlines = as_sequence(
            np.concatenate(self._points), np.concatenate(self._lengths)
        )
        if self._is_vtk:
            save_vtk(self._path, streamlines)
            return
        from dipy.io.dpy import Dpy

        dpy = Dpy(str(self._path), mode="w")
        try:
            dpy.write_tracks(streamlines)
        finally:
            dpy.close()

    def close(self) -> None:
        """Free the memory."""
        self._points.clear()
        self._lengths.clear()


STREAMS = {
    ".trx": TrxStream,
    ".trk": TrkStream,
    ".tck": TckStream,
    ".vtk": CollectedFile,
    ".vtp": CollectedFile,
    ".fib": CollectedFile,
    ".dpy": CollectedFile,
}


def _empty_file(format_class: type, reference: Reference) -> bytes:
    """Return what nibabel writes when there are no streamlines."""
    from dipy.io.utils import create_tractogram_header

    header = create_tractogram_header(format_class, *reference.space_attributes)
    buffer = io.BytesIO()
    tractogram = Tractogram(ArraySequence(), affine_to_rasmm=np.eye(4))
    format_class(tractogram, header=header).save(buffer)
    return buffer.getvalue()
