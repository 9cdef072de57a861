"""Writers of tractograms block by block, whose memory is that of a block.

One class a format; that of TRX is in `trx_writer`. nibabel and trx-python write whole
tractograms from memory, where ten million streamlines have no room.
"""

from __future__ import annotations

import io
from itertools import chain

from nibabel.streamlines import ArraySequence, TckFile, Tractogram, TrkFile
from nibabel.streamlines.trk import (
    encode_value_in_name,
    get_affine_trackvis_to_rasmm,
    header_2_dtype,
)
import numpy as np

from ..affine import transform_points
from ..array_sequence import as_sequence
from ..conditions import BUNDLE
from ..reference import Reference
from .block_writer import BlockWriter
from .hdf5 import save_dpy
from .sidecar import Description, trk_names
from .trx_writer import TrxBlockWriter
from .vtk import VTK_EXTENSIONS, save_vtk
from .vtk_writers import vtk_names


class TrkBlockWriter(BlockWriter):
    """A TRK, whose labels are ``data_per_streamline["bundle"]``; points are float32."""

    keeps_data = True
    keeps_point_data = True
    keeps_bundles = True
    most_columns = header_2_dtype["property_name"].shape[0]
    most_point_data = header_2_dtype["scalar_name"].shape[0]

    def __init__(self, path, reference, bundle_names, dtype):
        data = bytearray(_empty_file(TrkFile, reference))
        self._header = np.frombuffer(data, header_2_dtype.newbyteorder("<"), count=1)
        to_rasmm = get_affine_trackvis_to_rasmm(self._header[0]).astype(np.float64)
        self._from_rasmm = np.linalg.inv(to_rasmm)
        self._bundle_names = bundle_names
        self._columns: dict[str, str] = {}
        self._of_points: dict[str, str] = {}
        self._file = path.open("wb")
        self._file.write(self._header.tobytes())

    def write(self, points, lengths, labels, data, of_points):
        """Write a block."""
        if labels is not None:
            data = {**data, BUNDLE: labels[:, None]}
        # Other software takes each property for one number, in order: those of several
        # numbers come last.
        data = _single_first(data)
        of_points = _single_first(of_points)
        if not self._header["nb_streamlines"][0]:
            self._columns = self._named("property", "properties_per_streamline", data)
            self._of_points = self._named("scalar", "scalars_per_point", of_points)
        properties = np.concatenate(
            list(data.values()) or [np.empty((len(lengths), 0))], axis=1
        )
        columns = [each.T for each in of_points.values()]
        rows = np.empty((len(points), 3 + sum(map(len, columns))), dtype=np.float32)
        transform_points(points, self._from_rasmm, out=rows[:, :3])
        # A column at a time: rows of a few numbers are slow.
        for at, column in enumerate(chain.from_iterable(columns), start=3):
            rows[:, at] = column
        self._file.write(_trk_records(rows, lengths, properties))
        self._header["nb_streamlines"] += len(lengths)

    def finish(self, categories):
        """Write what follows the last block."""
        self._file.seek(0)
        self._file.write(self._header.tobytes())
        return Description(
            columns=self._columns,
            categories=_known_codes(categories, self._bundle_names, self._columns),
            points=self._of_points,
        )

    def _named(self, kind: str, count: str, data: dict) -> dict[str, str]:
        """Write names of values into the header; return the names by those written."""
        widths = {name: values.shape[1] for name, values in data.items()}
        names = self._header[f"{kind}_name"][0]
        if len(widths) > len(names):
            raise ValueError(
                f"a .trk holds {len(names)} values by name for each streamline, the "
                "bundle among them, and as many for each point; "
                f"{len(widths)} are given: write a .trx"
            )
        written = trk_names(widths)
        for row, (name, width) in enumerate(zip(written, widths.values())):
            names[row] = encode_value_in_name(width, name)
        self._header[f"nb_{count}"] = sum(widths.values())
        return dict(zip(written, widths))


def _known_codes(categories, bundle_names, columns: dict[str, str]) -> dict:
    """Return what codes stand for, the bundles among them, in the values of a file."""
    codes = {**categories, BUNDLE: dict(enumerate(bundle_names))}
    return {name: codes[name] for name in codes if name in columns.values()}


def _single_first(data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return values (m, k) by name, sorted, those of several numbers last."""
    names = sorted(data, key=lambda name: (data[name].shape[1] > 1, name))
    return {name: data[name] for name in names}


def _trk_records(
    points: np.ndarray, lengths: np.ndarray, properties: np.ndarray
) -> np.ndarray:
    """Return streamlines laid out as in a TRK: count, points, properties.

    Points (N, 3 or more) are coordinates and values.
    """
    size = points.shape[1] * lengths
    words = 1 + size + properties.shape[1]
    starts = np.cumsum(words) - words
    records = np.empty(int(words.sum()), dtype="<f4")
    records.view("<i4")[starts] = lengths
    after = (starts + 1 + size)[:, None] + np.arange(properties.shape[1])
    with np.errstate(over="ignore"):
        records[after] = properties
    if (lengths == lengths[0]).all():
        own = records.reshape(len(lengths), -1)[:, 1 : 1 + size[0]]
        own[:] = points.reshape(len(lengths), -1)
        return records
    is_point = np.ones(len(records), dtype=bool)
    is_point[starts] = False
    is_point[after] = False
    records[is_point] = points.ravel()
    return records


class TckBlockWriter(BlockWriter):
    """A TCK: float32 points only."""

    def __init__(self, path, reference, bundle_names, dtype):
        end = TckFile.EOF_DELIMITER.nbytes
        self._header = _empty_file(TckFile, reference)[:-end]
        self._nb_streamlines = 0
        self._file = path.open("wb")
        self._file.write(self._header)

    def write(self, points, lengths, labels, data, of_points):
        """Write a block."""
        rows = np.full((len(points) + len(lengths), 3), np.nan, dtype="<f4")
        is_point = np.ones(len(rows), dtype=bool)
        is_point[np.cumsum(lengths + 1) - 1] = False
        rows[is_point] = points
        self._file.write(rows)
        self._nb_streamlines += len(lengths)

    def finish(self, categories):
        """Write what follows the last block."""
        self._file.write(TckFile.EOF_DELIMITER.astype("<f4").tobytes())
        count = b"count: %010d" % self._nb_streamlines
        self._file.seek(0)
        self._file.write(self._header.replace(b"count: %010d" % 0, count, 1))
        return Description()


class CollectedFile(BlockWriter):
    """A DPY, collected in memory: float32 points only."""

    def __init__(self, path, reference, bundle_names, dtype):
        self._path = path
        self._bundle_names = bundle_names
        self._points: list[np.ndarray] = []
        self._lengths: list[np.ndarray] = []

    def write(self, points, lengths, labels, data, of_points):
        """Write a block."""
        self._points.append(points.copy())
        self._lengths.append(lengths)

    def finish(self, categories):
        """Write what follows the last block."""
        points, lengths = np.concatenate(self._points), np.concatenate(self._lengths)
        return self._save(as_sequence(points, lengths), categories)

    def _save(self, streamlines: ArraySequence, categories) -> Description:
        save_dpy(self._path, streamlines)
        return Description()

    def close(self):
        """Free the memory."""
        self._points.clear()
        self._lengths.clear()


class VtkBlockWriter(CollectedFile):
    """A VTK, VTP or FIB, collected in memory: float32 points, and values.

    Labels are ``data_per_streamline["bundle"]``.
    """

    keeps_data = True
    keeps_point_data = True
    keeps_bundles = True
    keeps_types = True

    def __init__(self, *args):
        super().__init__(*args)
        self._values: tuple[dict[str, list[np.ndarray]], ...] = ({}, {})

    def write(self, points, lengths, labels, data, of_points):
        """Write a block."""
        super().write(points, lengths, labels, data, of_points)
        if labels is not None:
            data = {**data, BUNDLE: labels[:, None].astype(np.int32)}
        for known, values in zip(self._values, (of_points, data)):
            for name, each in values.items():
                # VTK has no numbers of 16 bits with a fraction.
                dtype = (
                    np.result_type(each, np.float32) if each.dtype.kind == "f" else None
                )
                known.setdefault(name, []).append(np.array(each, dtype))

    def close(self):
        """Free the memory."""
        super().close()
        self._values = ({}, {})

    def _save(self, streamlines, categories):
        named, written = [], []
        for values in self._values:
            names = vtk_names(list(values))
            named.append(dict(zip(names, values)))
            written.append(dict(zip(names, map(np.concatenate, values.values()))))
        save_vtk(self._path, streamlines, *written)
        points, columns = named
        return Description(
            columns=columns,
            categories=_known_codes(categories, self._bundle_names, columns),
            points=points,
        )


BLOCK_WRITERS: dict[str, type[BlockWriter]] = {
    ".trx": TrxBlockWriter,
    ".trk": TrkBlockWriter,
    ".tck": TckBlockWriter,
    ".dpy": CollectedFile,
    **dict.fromkeys(VTK_EXTENSIONS, VtkBlockWriter),
}


def _empty_file(format_class: type, reference: Reference) -> bytes:
    """Return what nibabel writes when there are no streamlines."""
    from dipy.io.utils import create_tractogram_header

    header = create_tractogram_header(format_class, *reference.space_attributes)
    buffer = io.BytesIO()
    tractogram = Tractogram(ArraySequence(), affine_to_rasmm=np.eye(4))
    format_class(tractogram, header=header).save(buffer)
    return buffer.getvalue()
