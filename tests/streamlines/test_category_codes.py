import logging

import numpy as np
import pytest

from dipy_tractogen.streamlines.conditions import Condition, Conditions
from dipy_tractogen.streamlines.naming import categories_of
from dipy_tractogen.workflows.options.conditions import (
    log_codes,
    parse_conditions,
    parse_proportions,
    split_conditions,
    values_that_were_written,
    values_to_write,
)

KNOWN = Conditions(
    [
        Condition("bundle", ("AF_L", "CST_R")),
        Condition("site", ("1", "Basel, Ost", "Genf")),
        Condition("age", mean=50, deviation=10, low=20, high=80, unit="year"),
    ]
)


def parse(*texts):
    return parse_conditions(split_conditions(list(texts)), KNOWN)


def test_values_are_read_by_the_kind_of_the_condition():
    assert parse("age=70", "site=1", "bundle=AF_L,CST_R") == {
        "age": 70.0,
        "site": ["1"],
        "bundle": ["AF_L", "CST_R"],
    }
    assert parse("age = -5.5:1e2") == {"age": (-5.5, 100.0)}
    assert parse_conditions(split_conditions(None), KNOWN) == {}


def test_category_with_a_comma_is_one():
    assert parse("site=Basel, Ost") == {"site": ["Basel, Ost"]}
    assert parse("site=Genf, 1") == {"site": ["Genf", "1"]}
    assert parse("site=Genf,Basel, Ost,1") == {"site": ["Genf", "Basel, Ost", "1"]}
    assert parse("site=Basel,Genf") == {"site": ["Basel", "Genf"]}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["age"], "--conditions age: give NAME=VALUE"),
        (["age="], "--conditions age=: give NAME=VALUE"),
        (["=3"], "--conditions =3: give NAME=VALUE"),
        ([], "give NAME=VALUE"),
        (["age=3", "age=4"], "age is given twice"),
        (["age=old"], "age=old: give a number or a range"),
        (["age=1:2:3"], "age=1:2:3: give a number or a range"),
        (["age=1,2"], "age=1,2: give a number or a range"),
        (["age=:4"], "age=:4: give a number or a range"),
        (["weight=3"], "weight is no condition of the model; it has bundle, site, age"),
    ],
)
def test_what_cannot_be_read_is_refused(texts, said):
    with pytest.raises(ValueError, match=said):
        parse(*texts)


def test_categories_are_written_as_their_codes(caplog):
    values = {"site": np.array(["Genf", "1", "Genf"]), "age": np.array([1.5, 2, 3])}
    written = values_to_write(KNOWN, values)
    np.testing.assert_array_equal(written["site"], [2, 0, 2])
    np.testing.assert_array_equal(written["age"], [1.5, 2, 3])
    with caplog.at_level(logging.INFO, "dipy_tractogen"):
        log_codes(KNOWN)
    (line,) = caplog.messages
    assert line == 'data_per_streamline["site"]: 0 is 1, 1 is Basel, Ost, 2 is Genf'


def _read_again(condition, texts):
    """What is read of numbers in a tractogram that were written for categories."""
    known = Conditions([condition])
    written = values_to_write(known, {condition.name: np.array(texts)})
    labels, names = categories_of(written[condition.name].astype(np.float32))
    read = values_that_were_written(known, {condition.name: np.array(names)[labels]})
    return written[condition.name].tolist(), read[condition.name].tolist()


def test_codes_that_were_written_are_read_again():
    texts = ["b", "a", "b"]
    assert _read_again(Condition("group", ("a", "b")), texts) == ([1, 0, 1], texts)
    texts = ["1", "Genf", "Basel, Ost"]
    assert _read_again(KNOWN["site"], texts) == ([0, 2, 1], texts)


def test_names_that_a_file_has_kept_are_no_codes():
    site = {"site": np.array(["1", "Genf", "1"])}
    assert values_that_were_written(KNOWN, site)["site"].tolist() == ["1", "Genf", "1"]


@pytest.mark.parametrize("names", [("1", "2", "3"), ("0.1", "1", "2")])
def test_categories_that_are_numbers_stay_these(names, caplog):
    site = Condition("site", names)
    texts = [names[2], names[0], names[1]]
    written, read = _read_again(site, texts)
    assert written == [np.float32(text) for text in texts]
    assert read == texts
    known = Conditions([KNOWN["bundle"], site])
    np.testing.assert_array_equal(
        values_to_write(known, {"site": np.array([2, 0, 1])})["site"],
        np.float32(texts),
    )
    with caplog.at_level(logging.INFO, "dipy_tractogen"):
        log_codes(known)
    assert not caplog.messages


@pytest.mark.parametrize("names", [("01", "2"), ("1e9", "7"), ("a", "1")])
def test_names_that_a_number_does_not_give_back_have_codes(names):
    texts = [names[1], names[0]]
    assert _read_again(Condition("site", names), texts) == ([1, 0], texts)


def test_unknown_code_is_refused():
    values = {"group": np.array(["0", "2"])}
    with pytest.raises(ValueError, match="group 2 is not in the model; it has a, b"):
        values_that_were_written(Conditions([Condition("group", ("a", "b"))]), values)


def test_proportions_are_read_by_bundle():
    assert parse_proportions(None) is None
    read = parse_proportions(["AF_L=2", "CST_R = 0.5", "a=b=1e-1"])
    assert read == {"AF_L": 2, "CST_R": 0.5, "a=b": 0.1}


@pytest.mark.parametrize(
    "text", ["a=1e308", "a=1e-320", "AF_L", "AF_L=", "=2", "AF_L=nan", "AF_L=x", None]
)
def test_proportions_of_another_form_are_refused(text):
    with pytest.raises(ValueError, match="give BUNDLE=SHARE"):
        parse_proportions([] if text is None else [text])
