"""Plain values of files are checked by names, types, sizes and ranges."""

import json
import math
from pathlib import Path

import pytest

from dipy_tractogen.utils import schema
from dipy_tractogen.utils.schema import write_json

NUMBERS = schema.list_of(schema.number(0, 1), 2, 2)
OBJECT = schema.record({"n": schema.integer(1, 9)}, {"name": schema.text(5)})


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (schema.integer(1, 5), 5),
        (schema.number(0, 1), 0.5),
        (schema.number(finite=False), math.nan),
        (schema.number(finite=False), math.inf),
        (schema.boolean, False),
        (schema.one_of("a", "b"), "b"),
        (schema.optional(schema.text()), None),
        (schema.either(schema.text(), schema.integer(0, 3)), 3),
        (NUMBERS, [0, 1.0]),
        (schema.mapping(NUMBERS), {"any": [0, 0]}),
        (OBJECT, {"n": 2, "name": "five5", "other": [1, {"a": None}]}),
        (schema.plain, json.loads("[" * 30 + "]" * 30)),
    ],
)
def test_what_belongs_there_passes(check, value):
    check(value, "")


@pytest.mark.parametrize(
    ("check", "value", "said"),
    [
        (schema.integer(1, 5), 6, "it is 6; expected a whole number from 1 to 5"),
        (schema.integer(1, 5), True, "it is True"),
        (schema.integer(1, 5), 2.0, "it is 2.0"),
        (schema.integer(0, 5), 10**400, "10000"),
        (schema.number(), 10**400, "expected a finite number"),
        (schema.number(0, 1), math.nan, "it is nan; expected a number from 0 up to 1"),
        (schema.number(), "1", "it is '1'"),
        (schema.text(3), "four", "text of up to 3 characters"),
        (schema.boolean, 1, "true or false"),
        (schema.one_of("a", "b"), ["a"], "one of a, b"),
        (schema.one_of(1), True, "one of 1"),
        (schema.either(schema.text(), schema.integer(0, 3)), [], "or a whole number"),
        (NUMBERS, [1], "it is a list of 1; expected a list of 2"),
        (NUMBERS, [1, None], "[1] is None"),
        (NUMBERS, {"0": 1}, "an object of 1"),
        (schema.mapping(NUMBERS), {"a": 3}, "a is 3"),
        (OBJECT, {"m": 2}, "it is without n; expected n"),
        (OBJECT, [], "a list of 0; expected an object with n"),
        (schema.record({}, others=False), {"x": 1}, "it is with x"),
        (schema.plain, json.loads("[" * 100 + "]" * 100), "nested too deeply"),
    ],
)
def test_what_does_not_is_named_with_its_place(check, value, said):
    with pytest.raises(schema.SchemaError) as raised:
        check(value, "")
    assert said in str(raised.value)
    assert len(str(raised.value)) < 400


def test_at_most_ten_names_are_listed():
    with pytest.raises(schema.SchemaError, match=r"with a, b, c, .*j and 3 more"):
        schema.record({}, others=False)(dict.fromkeys("abcdefghijklm"), "")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe{}", b"[" * 100_000, b'{"n": 10}', b"7" * 6000, b"NaN"],
)
def test_a_file_that_holds_something_else_is_named(tmp_path, content):
    path = tmp_path / "some.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"some\.json is not a list of ours, or is"):
        schema.read_json(path, OBJECT, "a list of ours")


def test_a_whole_file_is_read(tmp_path):
    path = tmp_path / "some.json"
    path.write_text('{"n": 3}')
    assert schema.read_json(path, OBJECT, "a list of ours") == {"n": 3}


def test_json_is_whole_or_not_there(tmp_path):
    path = tmp_path / "report.json"
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"share": float("nan")}, force=False)
    assert list(tmp_path.iterdir()) == []
    write_json(path, {"share": 0.5}, force=False)
    assert path.read_text(encoding="utf-8") == '{\n  "share": 0.5\n}\n'
    with pytest.raises(FileExistsError):
        write_json(path, {}, force=False)


def test_text_in_json_can_be_written(tmp_path):
    path = tmp_path / "report.json"
    report = {"B\udcfc": [Path("d") / "\udcfc.trk", ("a\n", 1, None)]}
    write_json(path, report, force=False)
    assert json.loads(path.read_bytes()) == {
        "B\\xfc": ["d/\\xfc.trk", ["a\\n", 1, None]]
    }
