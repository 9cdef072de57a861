import re

import numpy as np
import pytest

from dipy_tractogen.sampling.condition_request import ConditionRequest
from dipy_tractogen.streamlines.conditions import Condition, Conditions

CONDITIONS = Conditions(
    [
        Condition("bundle", ("AF", "CST", "UF")),
        Condition("sex", ("f", "m")),
        Condition("length", (), 100.0, 20.0, 60.0, 150.0, "mm"),
        Condition("age", (), 50.0, 10.0, 30.0, 70.0),
    ]
)
STRATA = np.array([[0, 0], [0, 1], [1, 0], [2, 1]])


def asked(**given):
    return ConditionRequest(CONDITIONS, given)


def test_nothing_asked_leaves_all_free():
    free = ConditionRequest(CONDITIONS)
    assert free.codes == [None, None]
    assert np.isnan(free.ranges).all()
    assert not len(free.exact) + len(free.bounded)
    assert free.matches(STRATA).all()


def test_numbers_and_ranges_are_standardised():
    some = asked(length=(80, 140), age=60)
    np.testing.assert_allclose(some.ranges, [[-1, 2], [1, 1]])
    assert some.exact.tolist() == [1]
    assert some.bounded.tolist() == [0]
    assert asked(length="120").exact.tolist() == [0]
    assert asked(length=[90, 90]).exact.tolist() == [0]
    assert asked(age=-5).exact.tolist() == [1]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"bundle": "AF"}, [1, 1, 0, 0]),
        ({"bundle": ["AF", "UF"]}, [1, 1, 0, 1]),
        ({"bundle": ("AF", "CST"), "sex": "f"}, [1, 0, 1, 0]),
        ({"bundle": "UF", "sex": "f"}, [0, 0, 0, 0]),
    ],
)
def test_categories_choose_combinations(given, expected):
    np.testing.assert_array_equal(
        asked(**given).matches(STRATA), np.array(expected) > 0
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"site": "A"},
            "site is no condition of the model; it has bundle, sex, length",
        ),
        ({"bundle": "IFOF"}, "bundle IFOF is not in the model; it has AF, CST, UF"),
        ({"bundle": ["AF", "af"]}, "bundle af is not in the model"),
        ({"bundle": []}, "one of AF, CST, UF"),
        ({"bundle": 1}, "bundle=1: it is one of AF, CST, UF"),
        ({"bundle": None}, "bundle=None: it is one of"),
        ({"bundle": ["AF", 2]}, "one of AF, CST, UF"),
        ({"length": "long"}, r"length=long: .*\(length: 60 to 150 mm\)"),
        ({"length": (140, 80)}, "from low to high"),
        ({"length": (80, 100, 120)}, "a number or a range"),
        ({"length": np.nan}, "length=nan"),
        ({"length": (80, np.inf)}, "a number or a range"),
        ({"length": None}, "length=None"),
        ({"age": (40,)}, r"\(age: 30 to 70\)"),
        ({"length": -5}, r"length=-5: no streamline has less than 0 \(length: 60"),
        ({"length": (-1, 80)}, "no streamline has less than 0"),
        ({"length": 0}, r"length=0: no streamline has so little \(length: 60"),
    ],
)
def test_what_is_no_condition_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        asked(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"length": 40},
            "length=40 is requested, .* have 60 to 150 mm: .*extrapolation",
        ),
        ({"length": (140, 160)}, "length=140 to 160 is requested, .* 60 to 150 mm:"),
        ({"age": 71}, "age=71 is requested, .* have 30 to 70: "),
    ],
)
def test_numbers_that_no_streamline_had_are_said(given, said, caplog):
    asked(**given).warn_extrapolation(np.array([-2, -2]), np.array([2.5, 2]))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert re.search(said, record.getMessage())


def test_numbers_within_the_range_are_not_warned_of(caplog):
    limits = np.array([-2, -2]), np.array([2.5, 2])
    for given in ({}, {"length": 60}, {"length": (60, 150), "age": 70}):
        asked(**given).warn_extrapolation(*limits)
    assert not caplog.records


def test_whether_a_number_is_asked():
    some = asked(age=(40, 60))
    assert some.has("age")
    assert not some.has("length")
    assert not some.has("weight")
