"""Models whose record was edited."""

import pytest

from .corruptions import members
from .models import (
    DEEP,
    INFINITE,
    NAN,
    RECORD,
    recorded,
    whole,
    without,
)
from .roles import MODELS, in_turn

CONDITION = {"name": "age", "categories": [], "mean": 0, "deviation": 1}
RECORDS = {
    "no record": without(RECORD),
    "empty": whole(RECORD, b""),
    "a list": whole(RECORD, b"[]"),
    "null": whole(RECORD, b"null"),
    "nested deeply": whole(RECORD, DEEP),
    "not in UTF-8": whole(RECORD, b'{"bundle_names": ["\xff"]}'),
    "numbers of 5000 digits": whole(RECORD, b'{"active_units": ' + b"9" * 5000 + b"}"),
    "names of a text": recorded("bundle_names", value="bundle_1"),
    "names of numbers": recorded("bundle_names", value=[1, 2, 3]),
    "names that are the same": recorded("bundle_names", value=["bundle_1"] * 3),
    "no names": recorded("bundle_names", value=[]),
    "fewer names": recorded("bundle_names", value=["bundle_1"]),
    "other names": recorded("bundle_names", value=["x", "y", "z"]),
    "counts of text": recorded("bundle_counts", value=["a", "b", "c"]),
    "counts below zero": recorded("bundle_counts", value=[-1, -1, -1]),
    "fewer counts": recorded("bundle_counts", value=[1]),
    "lengths of NaN": recorded("length_ranges", value=[[NAN, NAN]] * 3),
    "lengths of text": recorded("length_ranges", value=[["a", "b"]] * 3),
    "fewer lengths": recorded("length_ranges", value=[[1, 2]]),
    "lengths of three": recorded("length_ranges", value=[[1, 2, 3]] * 3),
    "directions of text": recorded("directions", value=["a", "b", "c"]),
    "directions of other lengths": recorded("directions", value=[[1], [1, 2], []]),
    "directions of NaN": recorded("directions", value=[[NAN] * 18] * 3),
    "fewer directions": recorded("directions", value=[[1.0] * 18]),
    "conditions of a mapping": recorded("conditions", value={"a": 1}),
    "conditions of text": recorded("conditions", value="bundle"),
    "conditions of numbers": recorded("conditions", value=[1, 2]),
    "no conditions": recorded("conditions", value=[]),
    "a condition of nothing": recorded("conditions", 0, value={}),
    "a condition more": recorded("conditions", 1, value=[CONDITION, CONDITION]),
    "another condition": recorded("conditions", 1, value=CONDITION),
    "categories of a text": recorded("conditions", 0, "categories", value="bundle_1"),
    "categories of numbers": recorded("conditions", 0, "categories", value=[1, 2, 3]),
    "categories that are the same": recorded(
        "conditions", 0, "categories", value=["a", "a", "a"]
    ),
    "fewer categories": recorded("conditions", 0, "categories", value=["bundle_1"]),
    "deviation of zero": recorded("conditions", 1, "deviation", value=0),
    "deviation of NaN": recorded("conditions", 1, "deviation", value=NAN),
    "deviation of text": recorded("conditions", 1, "deviation", value="x"),
    "mean of a list": recorded("conditions", 1, "mean", value=[1]),
    "mean that is infinite": recorded("conditions", 1, "mean", value=INFINITE),
    "condition with a name of a number": recorded("conditions", 1, "name", value=7),
    "condition without a name": recorded("conditions", 1, "name", value=""),
    "unit of a list": recorded("conditions", 1, "unit", value=["mm"]),
    "condition with more": recorded("conditions", 1, "unknown", value=7),
    "reference of text": recorded("reference", value="image.nii.gz"),
    "reference of a list": recorded("reference", value=[1, 2]),
    "reference of nothing": recorded("reference", value={}),
    "affine of NaN": recorded("reference", "affine", value=[[NAN] * 4] * 4),
    "affine of zeros": recorded("reference", "affine", value=[[0] * 4] * 4),
    "affine of text": recorded("reference", "affine", value="eye"),
    "affine of ragged rows": recorded("reference", "affine", value=[[1], [2, 3]]),
    "dimensions of text": recorded("reference", "dimensions", value=["a"] * 3),
    "dimensions below zero": recorded("reference", "dimensions", value=[-1, 2, 3]),
    "dimensions beyond the memory": recorded(
        "reference", "dimensions", value=[10**30] * 3
    ),
    "dimensions of two": recorded("reference", "dimensions", value=[1, 2]),
    "voxels of no size": recorded("reference", "voxel_sizes", value=[0, 0, 0]),
    "order of voxels unknown": recorded("reference", "voxel_order", value="XYZ"),
    "order of voxels of a number": recorded("reference", "voxel_order", value=7),
    "truncation of text": recorded("truncation_mm", value="x"),
    "truncation of NaN": recorded("truncation_mm", value=NAN),
    "errors of a list": recorded("held_out_mm", value=[1, 2]),
    "errors of text": recorded("held_out_mm", value={"mean": "x"}),
    "errors of nothing": recorded("held_out_mm", value=None),
    "active units of text": recorded("active_units", value="x"),
    "active units of a list": recorded("active_units", value=[1]),
    "parameters of a list": recorded("parameters", value=[1]),
    "parameters of text": recorded("parameters", value="x"),
    "warnings of numbers": recorded("parameters", "warnings", value=[1, {}]),
    "warnings of text": recorded("parameters", "warnings", value="x"),
    "command of a list": recorded("parameters", "command", value=[1]),
    "data of a list": recorded("data", value=[1]),
    "files of a list": recorded("data", "files", value=[1, 2]),
    "digests of numbers": recorded("data", "files", value={"a.trk": 7}),
    "numbers of streamlines of text": recorded("data", "nb_training", value="x"),
    "dropped of a list": recorded("data", "dropped", value=[1]),
    "history of numbers": recorded("history", value=[1, 2]),
    "history of text": recorded("history", value="x"),
    "history of a mapping": recorded("history", value={"step": 1}),
    "losses of text": recorded("history", 0, value={"step": "a", "loss": "b"}),
    "steps of a list": recorded("history", 0, "step", value=[1]),
    "losses of NaN": recorded("history", 0, "loss", value=NAN),
    "no step": recorded("history", 0, "step", value="gone"),
    "versions of a list": recorded("versions", value=[1]),
    "versions of mappings": recorded("versions", value={"numpy": {"a": []}}),
}
RECORDS_MAY_BE_READ = {
    "numbers of 5000 digits",
    "losses of NaN",
    "no step",
    "versions of mappings",
    "condition with more",
    "digests of numbers",
    "numbers of streamlines of text",
    "errors of nothing",
    "warnings of numbers",
    "no conditions",
}


@pytest.mark.parametrize(("kind", "role"), in_turn(RECORDS, MODELS))
def test_record(model_refused, good, kind, role):
    content = members(good.model)
    RECORDS[kind](content)
    if kind in RECORDS_MAY_BE_READ and role == "explore":
        role = "generate"
    model_refused(role, content, (0, 1) if kind in RECORDS_MAY_BE_READ else (1,))
