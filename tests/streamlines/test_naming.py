import logging
from pathlib import Path

import numpy as np
import pytest

from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.formats.readers import TractogramContents
from dipy_tractogen.streamlines.naming import bundle_labels, categories_of


def name(bundles_from, *, groups=None, data=None, n=5):
    contents = TractogramContents(
        to_sequence(np.zeros((n, 2, 3))), data or {}, groups or {}
    )
    labels, names = bundle_labels(
        contents, bundles_from, stem="stem", path=Path("a.trx")
    )
    return [names[label] for label in labels]


GROUPS = {"right": np.array([3, 1], dtype=np.uint32), "Left": np.array([0, 3])}


@pytest.mark.parametrize("bundles_from", ["auto", "stem"])
def test_stem_without_groups(bundles_from):
    assert name(bundles_from) == ["stem"] * 5


def test_stem_in_spite_of_groups():
    assert name("stem", groups=GROUPS) == ["stem"] * 5


@pytest.mark.parametrize("bundles_from", ["auto", "groups"])
def test_first_group_in_alphabetical_order_or_stem(bundles_from, caplog):
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        names = name(bundles_from, groups=GROUPS)
    assert names == ["Left", "right", "stem", "Left", "stem"]
    assert "in several groups: 1 streamline;" in caplog.text


def test_separate_groups_are_no_reason_to_warn(caplog):
    groups = {"a": np.array([0, 0, 4]), "b": np.array([1, 2]), "c": np.array([])}
    assert name("groups", groups=groups) == ["a", "b", "b", "stem", "a"]
    assert caplog.text == ""


def test_groups_that_are_not_there():
    with pytest.raises(ValueError, match="no groups to name bundles from"):
        name("groups")


def test_values_as_text():
    values = np.array([[2], [10], [2], [1234567], [0.1]], dtype=np.float32)
    expected = ["2", "10", "2", "1234567", "0.1"]
    assert name("cluster", data={"cluster": values}) == expected
    assert name("cluster", data={"cluster": values[:, 0]}) == expected


def test_as_many_values_as_streamlines():
    labels, names = categories_of(np.arange(200_000) + 0.5)
    assert len(names) == 200_000
    assert names[labels[123_456]] == "123456.5"


def test_values_of_no_streamlines():
    assert name("cluster", data={"cluster": np.zeros((0, 1))}, n=0) == []


def test_values_that_are_not_there_name_what_is():
    data = {"cluster": np.zeros(5), "age": np.zeros(5)}
    with pytest.raises(ValueError, match=r"no data_per_streamline 'x'.*age, cluster"):
        name("x", data=data)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((5, 2)), "has 2 numbers a streamline"),
        (np.full(5, np.nan), "cannot name bundles"),
        (np.full(5, np.inf), "cannot name bundles"),
    ],
)
def test_values_that_cannot_be_names(values, said):
    with pytest.raises(ValueError, match=rf"a\.trx: .*'x' {said}"):
        name("x", data={"x": values})


def test_categories_of_numbers():
    labels, names = categories_of(np.array([2, 10, -1, 2, 0.5]))
    assert names == ("-1", "0.5", "10", "2")
    assert labels.tolist() == [3, 2, 0, 3, 1]
    assert categories_of(np.array([]))[1] == ()
