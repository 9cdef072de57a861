"""TRX files with members, names and numbers that do not belong there."""

import json
import zipfile

import numpy as np
import pytest

from .corruptions import members, packed
from .roles import CHEAP, command_line, in_turn

POSITIONS, OFFSETS, HEADER = "positions.3.float32", "offsets.uint32", "header.json"


def header_with(**changes):
    """Change the header; what is None goes."""

    def change(content):
        header = {**json.loads(content[HEADER]), **changes}
        header = {key: value for key, value in header.items() if value != "gone"}
        content[HEADER] = json.dumps(header).encode()

    return change


def header_text(text):
    return lambda content: content.update({HEADER: text})


def add(name, data=b""):
    return lambda content: content.update({name: data})


def rename(old, new):
    return lambda content: content.update({new: content.pop(old)})


def without(name):
    return lambda content: content.pop(name)


def points_with(value, *places):
    def change(content):
        points = np.frombuffer(content[POSITIONS], "<f4").copy()
        points[list(places) or slice(None)] = value
        content[POSITIONS] = points.tobytes()

    return change


def offsets_with(value, place):
    def change(content):
        offsets = np.frombuffer(content[OFFSETS], "<u4").copy()
        offsets[place] = value
        content[OFFSETS] = offsets.tobytes()

    return change


NESTED = b'{"a":' * 100_000
GROUP = np.arange(4, dtype="<u4").tobytes()
BROKEN = {
    "no header": without(HEADER),
    "no points": without(POSITIONS),
    "no offsets": without(OFFSETS),
    "header is a list": header_text(b"[]"),
    "header is a number": header_text(b"7"),
    "header is null": header_text(b"null"),
    "header not in UTF-8": header_text(b'{"\xff\xfe": 1}'),
    "header nested deeply": header_text(NESTED),
    "header of digits": header_text(b'{"NB_VERTICES": ' + b"9" * 5000 + b"}"),
    "header without the grid": header_with(DIMENSIONS="gone"),
    "header without the affine": header_with(VOXEL_TO_RASMM="gone"),
    "header without numbers": header_with(NB_VERTICES="gone", NB_STREAMLINES="gone"),
    "dimensions of text": header_with(DIMENSIONS=["64", "x", []]),
    "dimensions in two directions": header_with(DIMENSIONS=[64, 64]),
    "dimensions without bounds": header_with(DIMENSIONS=[10**30, 1e300, 3]),
    "dimensions below zero": header_with(DIMENSIONS=[-1, -1, -1]),
    "dimensions of NaN": header_with(DIMENSIONS=[float("nan")] * 3),
    "affine of text": header_with(VOXEL_TO_RASMM="eye(4)"),
    "affine of three rows": header_with(VOXEL_TO_RASMM=[[1, 0, 0, 0]] * 3),
    "affine of ragged rows": header_with(VOXEL_TO_RASMM=[[1], [2, 3], [], [4]]),
    "affine of NaN": header_with(VOXEL_TO_RASMM=[[float("nan")] * 4] * 4),
    "affine of zeros": header_with(VOXEL_TO_RASMM=[[0] * 4] * 4),
    "affine of objects": header_with(VOXEL_TO_RASMM={"a": 1}),
    "vertices of text": header_with(NB_VERTICES="many"),
    "vertices of a list": header_with(NB_VERTICES=[1]),
    "vertices below zero": header_with(NB_VERTICES=-1),
    "vertices beyond the file": header_with(NB_VERTICES=10**12),
    "vertices beyond integers": header_with(NB_VERTICES=10**40),
    "vertices infinite": header_with(NB_VERTICES=float("inf")),
    "fewer vertices": header_with(NB_VERTICES=3),
    "no vertices": header_with(NB_VERTICES=0),
    "streamlines beyond the file": header_with(NB_STREAMLINES=10**12),
    "streamlines below zero": header_with(NB_STREAMLINES=-12),
    "streamlines of text": header_with(NB_STREAMLINES="12"),
    "fewer streamlines": header_with(NB_STREAMLINES=2),
    "half a streamline": header_with(NB_STREAMLINES=11.5),
    "offsets that go back": offsets_with(3, 5),
    "offsets beyond the points": offsets_with(2**32 - 1, -1),
    "offsets that begin late": offsets_with(5, 0),
    "points of objects": rename(POSITIONS, "positions.3.object"),
    "points of text": rename(POSITIONS, "positions.3.str"),
    "points of bits": rename(POSITIONS, "positions.3.bit"),
    "points of an unknown type": rename(POSITIONS, "positions.3.float31"),
    "points of voids": rename(POSITIONS, "positions.3.V12"),
    "points of dates": rename(POSITIONS, "positions.3.datetime64"),
    "points in two dimensions": rename(POSITIONS, "positions.2.float32"),
    "points in no dimension": rename(POSITIONS, "positions.0.float32"),
    "points in many dimensions": rename(POSITIONS, "positions.99999999999.float32"),
    "points in fewer than none": rename(POSITIONS, "positions.-3.float32"),
    "points of other width": rename(POSITIONS, "positions.3.float64"),
    "points twice": add("positions.3.float16", b"\0" * 6),
    "points cut short": lambda content: content.update(
        {POSITIONS: content[POSITIONS][:-5]}
    ),
    "offsets of objects": rename(OFFSETS, "offsets.object"),
    "offsets of floats": rename(OFFSETS, "offsets.float32"),
    "offsets of other width": rename(OFFSETS, "offsets.uint64"),
    "offsets cut short": lambda content: content.update(
        {OFFSETS: content[OFFSETS][:-3]}
    ),
    "group of objects": add("groups/x.object", b"\x41" * 40),
    "group of pointers": add("groups/x.uint64", b"\xff" * 40),
    "group of floats": add("groups/x.float32", GROUP),
    "group below zero": add("groups/x.int32", b"\xff" * 16),
    "group that is cut": add("groups/x.uint32", GROUP[:-1]),
    "group of no type": add("groups/x", GROUP),
    "values of objects": add("dps/x.object", b"\x41" * 96),
    "values of text": add("dps/x.S8", b"\x41" * 96),
    "values that are too few": add("dps/x.float32", b"\0" * 8),
    "values in many columns": add("dps/x.999999999.float32", b"\0" * 48),
    "values in fewer than none": add("dps/x.-1.float32", b"\0" * 48),
    "values of points of objects": add("dpv/x.object", b"\x41" * 80),
    "values of points too few": add("dpv/x.float32", b"\0" * 4),
    "values of points in many columns": add("dpv/x.999999999.float32", b"\0" * 80),
    "values of points in no column": add("dpv/x.0.float32", b"\0" * 80),
    "values of points twice": add("dpv/FA.float64", b"\0" * 80),
    "values of points in a folder": add("dpv/x/y.float32", b"\0" * 80),
    "values of groups of objects": add("dpg/x/y.object", b"\x41" * 8),
    "values of groups that are none": add("dpg/none/y.float32", b"\0" * 4),
    "member above the folder": add("../../above.float32", b"\0" * 48),
    "member from the root": add("/tmp/tractogen_root.float32", b"\0" * 48),
    "member above in values": add("dps/../../../above.float32", b"\0" * 48),
    "member of Windows": add("dps\\..\\..\\x.float32", b"\0" * 48),
    "member in a deep folder": add("dps/" + "a/" * 200 + "x.float32", b"\0" * 48),
    "member with a long name": add("dps/" + "a" * 5000 + ".float32", b"\0" * 48),
    "member without a name": add("dps/.float32", b"\0" * 48),
    "member that is unknown": add("readme.txt", b"hello"),
}
MAY_BE_READ = {
    "group below zero",
    "header of digits",
    "dimensions without bounds",
    "values of groups that are none",
    "member that is unknown",
    "member above the folder",
    "member from the root",
    "member above in values",
    "member of Windows",
    "member in a deep folder",
    "member with a long name",
    "member without a name",
    "values of points of objects",
    "values of points too few",
    "values of groups of objects",
}


@pytest.mark.parametrize(("kind", "role"), in_turn(BROKEN, CHEAP))
def test_member(attempt, good, kind, role):
    path = attempt.given / "bundle_1.trx"
    content = members(good.tractogram(".trx"))
    BROKEN[kind](content)
    path.write_bytes(packed(content))
    codes = (0, 1) if kind in MAY_BE_READ else (1,)
    attempt(*command_line(role, good, path), codes=codes)


NUMBERS = {"NaN": np.nan, "infinite": np.inf, "1e38": 1e38, "-1e38": -1e38}
POINTS = [(name, where) for name in NUMBERS for where in ("one", "all")]


@pytest.mark.parametrize(("kind", "role"), in_turn(POINTS, CHEAP))
def test_points_that_are_no_place(attempt, good, kind, role):
    name, where = kind
    path = attempt.given / "bundle_1.trx"
    content = members(good.tractogram(".trx"))
    points_with(NUMBERS[name], *([7] if where == "one" else []))(content)
    path.write_bytes(packed(content))
    codes = (0, 1) if where == "one" else (1,)
    attempt(*command_line(role, good, path), codes=codes)


def archived(good, kind):
    """Make an archive that is broken as such."""
    content = members(good.tractogram(".trx"))
    if kind == "twice the same member":
        return packed(content, more=[(POSITIONS, content[POSITIONS])])
    if kind == "twice the header":
        return packed(content, more=[(HEADER, b"{}")])
    if kind == "bomb":
        content["dpv/x.float32"] = bytes(40_000_000)
        return packed(content, compression=zipfile.ZIP_DEFLATED)
    if kind == "bomb in the points":
        content[POSITIONS] = bytes(60_000_000)
        return packed(content, compression=zipfile.ZIP_LZMA)
    if kind == "many members":
        content.update({f"dps/v{k}.float32": bytes(48) for k in range(3000)})
        return packed(content)
    if kind == "members in folders":
        content.update({f"{'dps/' * k}x.float32": bytes(48) for k in range(1, 60)})
        return packed(content)
    data = packed(content)
    start = data.index(b"PK\x01\x02")
    directory = bytearray(data[start:])
    if kind == "sizes beyond the file":
        directory[20:28] = b"\xff\xff\xff\x7f" * 2
    elif kind == "sums that do not fit":
        directory[16:20] = bytes(4)
    elif kind == "encrypted":
        directory[8] |= 1
    elif kind == "way of compression unknown":
        directory[10] = 77
    elif kind == "place beyond the end":
        directory[42:46] = b"\xff\xff\xff\x7f"
    elif kind == "no directory":
        directory = bytearray()
    elif kind == "comment without end":
        directory[-2:] = b"\xff\xff"
    return data[:start] + bytes(directory)


ARCHIVES = (
    *("twice the same member", "twice the header", "bomb", "bomb in the points"),
    *("many members", "members in folders", "sizes beyond the file"),
    *("sums that do not fit", "encrypted", "way of compression unknown"),
    *("place beyond the end", "no directory", "comment without end"),
)


@pytest.mark.parametrize(("kind", "role"), in_turn(ARCHIVES, CHEAP))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archive(attempt, good, kind, role):
    path = attempt.given / "bundle_1.trx"
    path.write_bytes(archived(good, kind))
    attempt(*command_line(role, good, path), codes=(0, 1))
