import logging

import numpy as np
import pytest

from dipy_tractogen.streamlines.category_codes import (
    log_codes,
    values_from_numbers,
    values_to_numbers,
)
from dipy_tractogen.streamlines.conditions import Condition, Conditions
from dipy_tractogen.streamlines.naming import categories_of

KNOWN = Conditions(
    [
        Condition("bundle", ("AF_L", "CST_R")),
        Condition("site", ("1", "Basel, Ost", "Genf")),
        Condition("age", mean=50, deviation=10, low=20, high=80, unit="year"),
    ]
)


def test_categories_are_written_as_their_codes(caplog):
    values = {"site": np.array(["Genf", "1", "Genf"]), "age": np.array([1.5, 2, 3])}
    written = values_to_numbers(KNOWN, values)
    np.testing.assert_array_equal(written["site"], [2, 0, 2])
    np.testing.assert_array_equal(written["age"], [1.5, 2, 3])
    with caplog.at_level(logging.INFO, "dipy_tractogen"):
        log_codes(KNOWN)
    (line,) = caplog.messages
    assert line == 'data_per_streamline["site"]: 0 is 1, 1 is Basel, Ost, 2 is Genf'


def _read_again(condition, texts):
    """What is read of numbers in a tractogram that were written for categories."""
    known = Conditions([condition])
    written = values_to_numbers(known, {condition.name: np.array(texts)})
    labels, names = categories_of(written[condition.name].astype(np.float32))
    read = values_from_numbers(known, {condition.name: np.array(names)[labels]})
    return written[condition.name].tolist(), read[condition.name].tolist()


def test_codes_that_were_written_are_read_again():
    texts = ["b", "a", "b"]
    assert _read_again(Condition("group", ("a", "b")), texts) == ([1, 0, 1], texts)
    texts = ["1", "Genf", "Basel, Ost"]
    assert _read_again(KNOWN["site"], texts) == ([0, 2, 1], texts)


def test_names_that_a_file_has_kept_are_no_codes():
    site = {"site": np.array(["1", "Genf", "1"])}
    assert values_from_numbers(KNOWN, site)["site"].tolist() == ["1", "Genf", "1"]


@pytest.mark.parametrize("names", [("1", "2", "3"), ("0.1", "1", "2")])
def test_categories_that_are_numbers_stay_these(names, caplog):
    site = Condition("site", names)
    texts = [names[2], names[0], names[1]]
    written, read = _read_again(site, texts)
    assert written == [np.float32(text) for text in texts]
    assert read == texts
    known = Conditions([KNOWN["bundle"], site])
    np.testing.assert_array_equal(
        values_to_numbers(known, {"site": np.array([2, 0, 1])})["site"],
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
        values_from_numbers(Conditions([Condition("group", ("a", "b"))]), values)
