"""Tractograms that are broken, by accident or on purpose."""

import io
import os
import re

import h5py
import numpy as np
import pytest

from dipy_tractogen.utils.files import TRACTOGRAM_EXTENSIONS

from .corruptions import cut, flip, patch
from .roles import ALL, CHEAP, command_line, in_turn

SHARES = (0.001, 0.03, 0.5, 0.9999)
CUT = [(each, share) for share in SHARES for each in TRACTOGRAM_EXTENSIONS]
FLIPPED = [(each, seed) for seed in range(2) for each in TRACTOGRAM_EXTENSIONS]


@pytest.mark.parametrize(("kind", "role"), in_turn(CUT, ALL))
def test_cut_short(attempt, good, kind, role):
    extension, share = kind
    path = attempt.given / f"bundle_1{extension}"
    path.write_bytes(cut(good.tractogram(extension).read_bytes(), share))
    # The header is all that is read of a grid.
    only_header = role == "generate, reference" and share > 0.03
    # Values of points come last: without them the streamlines are whole.
    only_values = extension in (".vtk", ".fib") and share > 0.03
    codes = (0, 1) if only_header or only_values else (1,)
    done = attempt(*command_line(role, good, path), codes=codes)
    said = done.error if done.code else "".join(done.lines)
    assert path.name in said or only_header
    assert done.code or only_header or "lines are damaged at" in said


@pytest.mark.parametrize(("kind", "role"), in_turn(FLIPPED, CHEAP))
def test_flipped_bits(attempt, good, kind, role):
    """Half of them in the header, where a bit changes what the others mean."""
    extension, seed = kind
    path = attempt.given / f"bundle_1{extension}"
    data = good.tractogram(extension).read_bytes()
    last = 1000 if seed % 2 else None
    path.write_bytes(flip(data, seed, nb_bits=4, last=last))
    attempt(*command_line(role, good, path), codes=(0, 1))


TRK = {
    "no dimensions": (6, "<3h", 0, 0, 0),
    "dimensions below zero": (6, "<3h", -64, -64, -3),
    "voxels of no size": (12, "<3f", 0, 0, 0),
    "voxels of NaN": (12, "<3f", *(np.nan,) * 3),
    "voxels of infinite size": (12, "<3f", *(np.inf,) * 3),
    "scalars below zero": (36, "<h", -1),
    "scalars that are not there": (36, "<h", 32767),
    "properties below zero": (238, "<h", -1),
    "properties that are not there": (238, "<h", 32767),
    "properties without order": (238, "<20s", b"\x01\x00" + b"\xff" * 18),
    "affine of NaN": (440, "<16f", *(np.nan,) * 16),
    "affine that is singular": (440, "<16f", *(1.0,) * 16),
    "affine of 1e38": (440, "<16f", *(1e38,) * 16),
    "order of voxels unknown": (948, "<4s", b"XYZ"),
    "order of voxels not in ASCII": (948, "<4s", b"\xff\xfe\xfd"),
    "order of voxels twice the same": (948, "<4s", b"LLS"),
    "more streamlines than there are": (988, "<i", 2**31 - 1),
    "fewer than no streamlines": (988, "<i", -5),
    "version 99": (992, "<i", 99),
    "header of no size": (996, "<i", 0),
    "fewer than no points": (1000, "<i", -1),
    "more points than there are": (1000, "<i", 2**31 - 1),
    "a point that is NaN": (1004, "<f", np.nan),
    "a point that is infinite": (1004, "<f", np.inf),
    "a point at 1e38": (1004, "<f", 1e38),
    "points at -1e38": (1004, "<30f", *(-1e38,) * 30),
}
MAY_BE_READ = {
    "dimensions below zero",
    "voxels of no size",
    "voxels of infinite size",
    "properties without order",
    "affine that is singular",
    "order of voxels unknown",
    "order of voxels not in ASCII",
    "order of voxels twice the same",
    "fewer than no streamlines",
    "version 99",
    "a point that is NaN",
    "a point that is infinite",
    "a point at 1e38",
    "points at -1e38",
    "affine of 1e38",
    "affine of NaN",
    "no dimensions",
    "voxels of NaN",
}


@pytest.mark.parametrize(("kind", "role"), in_turn(TRK, CHEAP))
def test_trk(attempt, good, kind, role):
    path = attempt.given / "bundle_1.trk"
    path.write_bytes(patch(good.tractogram(".trk").read_bytes(), *TRK[kind]))
    codes = (0, 1) if kind in MAY_BE_READ else (1,)
    attempt(*command_line(role, good, path), codes=codes)


TCK = {
    "count of 1e12": (rb"count: \d+", b"count: 1000000000000"),
    "count that is no number": (rb"count: \d+", b"count: many"),
    "count below zero": (rb"count: \d+", b"count: -12"),
    "offset beyond the end": (rb"file: \. \d+", b"file: . 99999999"),
    "offset below zero": (rb"file: \. \d+", b"file: . -9"),
    "offset that is no number": (rb"file: \. \d+", b"file: . x"),
    "another file": (rb"file: \. \d+", b"file: /etc/passwd 0"),
    "header without end": (b"END", b"AND"),
    "type unknown": (b"Float32LE", b"Complex64"),
    "type of integers": (b"Float32LE", b"Int32LE"),
    "type of other width": (b"Float32LE", b"Float64BE"),
    "header not in UTF-8": (b"datatype", b"\xff\xfe: \xfd\ndatatype"),
    "line without colon": (b"datatype", b"nothing\ndatatype"),
}


@pytest.mark.parametrize(("kind", "role"), in_turn(TCK, CHEAP))
def test_tck(attempt, good, kind, role):
    path = attempt.given / "bundle_1.tck"
    data = good.tractogram(".tck").read_bytes()
    changed, times = re.subn(*TCK[kind], data, count=1)
    assert times
    path.write_bytes(changed)
    attempt(*command_line(role, good, path), codes=(0, 1))


def with_lines(connectivity, offsets, points=b"0 0 0 1 1 1 2 2 2", nb_points=3):
    """Write a VTK file as text, whose lines go where one likes."""
    return (
        b"# vtk DataFile Version 5.1\nlines\nASCII\nDATASET POLYDATA\n"
        b"POINTS %d float\n%s\nLINES %d %d\nOFFSETS vtktypeint64\n%s\n"
        b"CONNECTIVITY vtktypeint64\n%s\n"
    ) % (
        *(nb_points, points, len(offsets.split()), len(connectivity.split())),
        *(offsets, connectivity),
    )


def old_lines(lines, size, text):
    """Write a VTK file as text, of the version before."""
    return (
        b"# vtk DataFile Version 3.0\nlines\nASCII\nDATASET POLYDATA\n"
        b"POINTS 3 float\n0 0 0 1 1 1 2 2 2\nLINES %d %d\n%s\n" % (lines, size, text)
    )


VTK = {
    "an index beyond the points": with_lines(b"0 1 99999999", b"0 3"),
    "an index below zero": with_lines(b"0 1 -7", b"0 3"),
    "offsets that go back": with_lines(b"0 1 2", b"0 3 1 3"),
    "offsets beyond the indices": with_lines(b"0 1 2", b"0 9999999"),
    "offsets below zero": with_lines(b"0 1 2", b"-4 3"),
    "offsets that begin late": with_lines(b"0 1 2", b"2 3"),
    "no offsets": with_lines(b"", b""),
    "points beyond the memory": with_lines(b"0 1 2", b"0 3", nb_points=10**13),
    "points below zero": with_lines(b"0 1 2", b"0 3", nb_points=-3),
    "points that are words": with_lines(b"0 1 2", b"0 3", points=b"a b c d e f g h i"),
    "points that are NaN": with_lines(b"0 1 2", b"0 3", points=b"nan " * 9),
    "lines beyond the memory": old_lines(10**12, 4 * 10**12, b"3 0 1 2"),
    "lines below zero": old_lines(-1, -4, b"3 0 1 2"),
    "a line longer than the file": old_lines(1, 4, b"99999 0 1 2"),
    "a line of fewer than no points": old_lines(1, 4, b"-3 0 1 2"),
    "an old index beyond the points": old_lines(1, 4, b"3 0 1 2147483647"),
    "another kind of data": with_lines(b"0 1 2", b"0 3").replace(
        b"POLYDATA", b"STRUCTURED_GRID"
    ),
    "no data": b"# vtk DataFile Version 3.0\nlines\nASCII\n",
    "title without end": b"# vtk DataFile Version 3.0\n" + b"x" * 100_000,
    "an array of a field beyond the memory": with_lines(b"0 1 2", b"0 3")
    + b"FIELD FieldData 1\nx 1 9999999999999 float\n",
}


@pytest.mark.parametrize(("kind", "role"), in_turn(VTK, CHEAP))
def test_vtk(attempt, good, kind, role):
    suffix = ".fib" if len(kind) % 2 else ".vtk"
    path = attempt.given / f"bundle_1{suffix}"
    path.write_bytes(VTK[kind])
    assert path.name in attempt(*command_line(role, good, path)).error


ENTITIES = "".join(f'<!ENTITY a{k + 1} "{f"&a{k};" * 10}">' for k in range(9))
BOMB = f'<!DOCTYPE x [<!ENTITY a0 "ha">{ENTITIES}]>\n'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a9 SYSTEM "file:///etc/passwd">]>\n'
VTP = {
    "points beyond the memory": ('NumberOfPoints="724', 'NumberOfPoints="99999999892'),
    "points below zero": ('NumberOfPoints="724', 'NumberOfPoints="-892'),
    "points that are no number": ('NumberOfPoints="724', 'NumberOfPoints="x'),
    "lines beyond the memory": ('NumberOfLines="12', 'NumberOfLines="9999999912'),
    "lines below zero": ('NumberOfLines="12', 'NumberOfLines="-12'),
    "fewer lines": ('NumberOfLines="12', 'NumberOfLines="3'),
    "offset beyond the end": ('offset="0"', 'offset="99999999999"'),
    "offset below zero": ('offset="0"', 'offset="-8"'),
    "components of no number": ('NumberOfComponents="3"', 'NumberOfComponents="0"'),
    "four components": ('NumberOfComponents="3"', 'NumberOfComponents="4"'),
    "components beyond the memory": (
        'NumberOfComponents="3"',
        'NumberOfComponents="999999999"',
    ),
    "type unknown": ('type="Float32"', 'type="Object"'),
    "type of text": ('type="Float32"', 'type="String"'),
    "other width of headers": ('header_type="UInt64"', 'header_type="UInt32"'),
    "other order of bytes": ("LittleEndian", "BigEndian"),
    "compressed": ("header_type", 'compressor="vtkZLibDataCompressor" header_type'),
    "other kind of data": ("PolyData", "ImageData"),
    "entities that explode": ("<VTKFile", f"{BOMB}<VTKFile x='&a9;'"),
    "entity of another file": ("<VTKFile", f"{OUTSIDE}<VTKFile x='&a9;'"),
}


@pytest.mark.parametrize(("kind", "role"), in_turn(VTP, CHEAP))
def test_vtp(attempt, good, kind, role):
    path = attempt.given / "bundle_1.vtp"
    data = good.tractogram(".vtp").read_bytes()
    old, new = (text.encode() for text in VTP[kind])
    assert old in data
    path.write_bytes(data.replace(old, new))
    attempt(*command_line(role, good, path), codes=(0, 1))


def replace(name, *arguments, **options):
    """Replace a dataset of an HDF5 file by another one."""

    def change(file):
        if name in file:
            del file[name]
        file.create_dataset(name, *arguments, **options)

    return change


def link(name, to):
    """Replace a dataset by a link."""

    def change(file):
        del file[name]
        file[name] = to

    return change


def change_in_place(name, place, value):
    """Write a value into a dataset."""

    def change(file):
        file[name][place] = value

    return change


TRACKS, OFFSETS = "streamlines/tracks", "streamlines/offsets"
DPY = {
    "no points": lambda file: file.__delitem__(TRACKS),
    "no offsets": lambda file: file.__delitem__(OFFSETS),
    "nothing": lambda file: file.clear(),
    "points in two dimensions": replace(TRACKS, data=np.ones((20, 2), "f4")),
    "points in a row": replace(TRACKS, data=np.ones(60, "f4")),
    "points of text": replace(TRACKS, data=[["a", "b", "c"]] * 20),
    "points of integers": replace(TRACKS, data=np.ones((892, 3), "i8")),
    "points of structures": replace(TRACKS, data=np.ones(20, "f4,i8")),
    "points of objects": replace(
        TRACKS, (20, 3), dtype=h5py.vlen_dtype(np.dtype("f4"))
    ),
    "points beyond the memory": replace(TRACKS, (10**13, 3), "f4", chunks=(100, 3)),
    "points that are a scalar": replace(TRACKS, data=1.0),
    "a point that is NaN": change_in_place(TRACKS, (3, 1), np.nan),
    "points that are infinite": change_in_place(TRACKS, slice(None), np.inf),
    "offsets that go back": change_in_place(OFFSETS, 3, 2),
    "offsets below zero": change_in_place(OFFSETS, 3, -7),
    "offsets beyond the points": change_in_place(OFFSETS, -1, 2**62),
    "offsets of floats": replace(OFFSETS, data=np.linspace(0, 892, 13)),
    "offsets of NaN": replace(OFFSETS, data=np.full(13, np.nan)),
    "offsets of text": replace(OFFSETS, data=["0", "892"]),
    "offsets in a table": replace(OFFSETS, data=np.zeros((13, 2), "i8")),
    "offsets beyond the memory": replace(OFFSETS, (10**13,), "i8", chunks=(100,)),
    "link to another file": link(TRACKS, h5py.ExternalLink("/etc/passwd", "/x")),
    "link to itself": link(TRACKS, h5py.SoftLink("/streamlines/tracks")),
    "a group for an array": link(TRACKS, h5py.SoftLink("/streamlines")),
}


@pytest.mark.parametrize(("kind", "role"), in_turn(DPY, CHEAP))
def test_dpy(attempt, good, kind, role):
    path = attempt.given / "bundle_1.dpy"
    path.write_bytes(good.tractogram(".dpy").read_bytes())
    with h5py.File(path, "r+") as file:
        DPY[kind](file)
    codes = (0, 1) if kind in ("a point that is NaN", "points of integers") else (1,)
    attempt(*command_line(role, good, path), codes=codes)


KINDS_OF_FILE = ("empty", "folder", "pipe", "nobody's", "link to itself", "text", "zip")
NO_FILE = [(each, kind) for kind in KINDS_OF_FILE for each in (".trk", ".trx")]


@pytest.mark.parametrize(("kind", "role"), in_turn(NO_FILE, ALL))
def test_no_tractogram(attempt, good, kind, role):
    extension, kind = kind
    path = attempt.given / f"bundle_1{extension}"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to itself":
        path.symlink_to(path)
    elif kind == "nobody's":
        path.symlink_to(attempt.given / "none")
    elif kind == "text":
        path.write_bytes(b"\xff\x00{[<" * 1000)
    elif kind == "zip":
        buffer = io.BytesIO(b"PK\x05\x06" + bytes(18))
        path.write_bytes(buffer.getvalue())
    assert path.name in attempt(*command_line(role, good, path)).error
