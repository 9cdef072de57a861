import pytest

from dipy_tractogen.sampling.condition_text import (
    parse_conditions,
    parse_proportions,
    split_conditions,
)
from dipy_tractogen.streamlines.conditions import Condition, Conditions

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
    assert parse_conditions({}, KNOWN) == {}


def test_category_with_a_comma_is_one():
    assert parse("site=Basel, Ost") == {"site": ["Basel, Ost"]}
    assert parse("site=Genf, 1") == {"site": ["Genf", "1"]}
    assert parse("site=Genf,Basel, Ost,1") == {"site": ["Genf", "Basel, Ost", "1"]}
    assert parse("site=Basel,Genf") == {"site": ["Basel", "Genf"]}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["age"], "^age: give NAME=VALUE"),
        (["age="], "^age=: give NAME=VALUE"),
        (["=3"], "^=3: give NAME=VALUE"),
        ([""], "give NAME=VALUE"),
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


def test_proportions_are_read_by_bundle():
    read = parse_proportions(["AF_L=2", "CST_R = 0.5", "a=b=1e-1"])
    assert read == {"AF_L": 2, "CST_R": 0.5, "a=b": 0.1}


@pytest.mark.parametrize(
    "text", ["a=1e308", "a=1e-320", "AF_L", "AF_L=", "=2", "AF_L=nan", "AF_L=x", ""]
)
def test_proportions_of_another_form_are_refused(text):
    with pytest.raises(ValueError, match="give BUNDLE=SHARE"):
        parse_proportions([text])
