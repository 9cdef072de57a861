import math

import pytest

from dipy_tractogen.workflows.options.arguments import (
    check_choice,
    check_int,
    check_number,
)


def test_accepted_values_pass():
    check_choice("kind", "a", ("a", "b"))
    check_int("number", 3)
    check_int("number", 0, low=0, high=0)
    check_number("share", 0.0, low=0, high=1, open_high=True)
    check_number("share", 5)


def test_unknown_choice_names_the_choices():
    with pytest.raises(ValueError, match=r"--kind c: accepted are a, b\."):
        check_choice("kind", "c", ("a", "b"))


@pytest.mark.parametrize("value", [0, -3, 2.5, True, None, 11])
def test_impossible_whole_numbers(value):
    with pytest.raises(ValueError, match="whole number from 1 to 10"):
        check_int("number", value, high=10)


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1, 1.0, "x"])
def test_impossible_numbers(value):
    with pytest.raises(ValueError, match="at least 0 and less than 1"):
        check_number("share", value, low=0, high=1, open_high=True)


def test_open_lower_limit():
    with pytest.raises(ValueError, match="more than 0"):
        check_number("size", 0.0, low=0, open_low=True)
