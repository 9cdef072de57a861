import logging
from pathlib import Path
import warnings

import pytest

from dipy_tractogen.utils.messages import (
    briefly,
    encodable,
    first_difference,
    format_count,
    format_number,
    listed,
    log_warnings,
    printable,
    read_error,
    reason,
)


def test_what_the_system_refuses_keeps_its_type():
    error = read_error("a.trk", PermissionError(13, "Permission denied", "a.trk"))
    assert type(error) is PermissionError
    assert str(error).startswith("a.trk cannot be read (Permission denied)")


@pytest.mark.parametrize(
    "cause", [KeyError("x"), OSError("bad signature"), TypeError("first\nsecond")]
)
def test_other_causes_are_contents_that_make_no_sense(cause):
    error = read_error("a.trk", cause)
    assert type(error) is ValueError
    assert "a.trk is not a whole .trk file" in str(error)
    assert "\n" not in str(error)


def test_memory_is_named():
    assert "more memory" in str(read_error("a.trk", MemoryError()))


def test_reason_without_a_message_is_the_type():
    assert reason(RuntimeError()) == "RuntimeError"


def test_warnings_are_logged_once_with_the_file(caplog):
    with (
        caplog.at_level(logging.WARNING, logger="dipy_tractogen"),
        log_warnings("a.trk"),
    ):
        for _ in range(2):
            warnings.warn("no voxel\norder", UserWarning, stacklevel=1)
        warnings.warn("old function", DeprecationWarning, stacklevel=1)
    assert [record.getMessage() for record in caplog.records] == [
        "a.trk: no voxel order"
    ]


def test_first_difference_is_named_with_both_values():
    there = {"a": 1, "inner": {"b": [1, 2], "c": None}}
    assert first_difference(there, {"a": 1, "inner": {"b": [1, 2], "c": None}}) == ""
    assert first_difference(there, {**there, "a": 2}) == "a (1, now 2)"
    changed = {"a": 1, "inner": {"b": [1, 2], "c": 0}}
    assert first_difference(there, changed) == "c (None, now 0)"
    assert first_difference(there, {**there, "more": 5}) == "more (None, now 5)"


def test_at_most_ten_names_are_listed_and_the_others_counted():
    assert listed([]) == "none"
    assert listed(range(3)) == "0, 1, 2"
    assert listed("abcdefghij", "; ") == "a; b; c; d; e; f; g; h; i; j"
    names = [f"AF_{number}" for number in range(72)]
    assert listed(names) == f"{', '.join(names[:10])} and 62 more"


def test_long_values_are_cut():
    assert briefly((1, 2)) == "(1, 2)"
    cut = briefly("word " * 200)
    assert len(cut) <= 100
    assert cut.endswith(" ...")
    there = {"bundle": "a " * 500}
    assert len(first_difference(there, {"bundle": "b " * 500})) < 250


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bündel", "Bündel"),
        ("B\udcfcndel", "B\\xfcndel"),
        ("B\udcc3\udcbcndel", "Bündel"),
        ("a\nb\t\x1b[31m\u2028", "a\\nb\\t\\x1b[31m\\u2028"),
        ("\ud800\udbff", "\\ud800\\udbff"),
        (Path("a") / "\udcff", "a/\\xff"),
        (7, "7"),
    ],
)
def test_what_can_be_written_of_a_text(text, shown):
    assert printable(text) == shown
    assert printable(shown) == shown
    shown.encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [(20240131.0, "20240131"), (123456.78, "123456.8"), (2 / 3, "0.666667"), (3, "3")],
)
def test_digits_of_numbers(value, text):
    assert format_number(value) == text


def test_lines_stay_in_encodable_text():
    assert encodable("a\n\udcfc\td") == "a\n\\xfc\td"


def test_nouns_agree_with_their_numbers():
    told = [format_count(number, "bundle") for number in (0, 1, 2, 1200)]
    assert told == ["0 bundles", "1 bundle", "2 bundles", "1,200 bundles"]
