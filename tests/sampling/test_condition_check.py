import logging

import numpy as np
import pytest

from dipy_tractogen.sampling.condition_check import ConditionCheck
from dipy_tractogen.streamlines.conditions import Condition, Conditions
from dipy_tractogen.utils.messages import ThresholdsNotMet

CONDITIONS = Conditions(
    [
        Condition("bundle", ("AF", "CST")),
        Condition("length", (), 100.0, 20.0, 60.0, 150.0, "mm"),
        Condition("curvature", (), 0.05, 0.02, 0.01, 0.2, "1/mm"),
        Condition("age", (), 50.0, 10.0, 30.0, 70.0),
    ]
)


def test_streamlines_of_another_length_are_counted(caplog):
    asked = ConditionCheck({"length": 100.0, "age": 50.0, "bundle": ["AF"]}, CONDITIONS)
    # The tolerance is two per cent, or a millimetre.
    asked.update({"length": np.array([99, 101.5, 103, 90]), "age": np.zeros(4)})
    asked.update({"length": np.array([100.0])})
    assert asked.to_dict() == {
        "length": {"nb_streamlines": 5, "nb_missed": 2, "largest_miss": 10}
    }
    with caplog.at_level(logging.WARNING, "dipy_tractogen"):
        asked.warn()
    assert (
        "2 of 5 streamlines miss the asked length by more than 1 mm and 2 %, by 10 mm "
        "at most: ask within" in caplog.text
    )
    asked.raise_if_missed()
    asked.update({"length": np.array([80.0])})
    asked.raise_if_missed()
    asked.update({"length": np.array([80.0, 79])})
    with pytest.raises(ThresholdsNotMet, match="5 of 8 streamlines miss the asked len"):
        asked.raise_if_missed()


def test_of_a_range_its_inside_is_asked_and_of_others_a_deviation():
    asked = ConditionCheck({"length": (2.0, 80.0), "curvature": 0.1}, CONDITIONS)
    asked.update(
        {
            "length": np.array([1.1, 1.5, 40, 81, 82, 0.5]),
            "curvature": np.array([0.1, 0.081, 0.119, 0.13, 0.07, 0.1]),
        }
    )
    found = asked.to_dict()
    assert [one["nb_missed"] for one in found.values()] == [2, 2]
    assert found["length"]["largest_miss"] == 2
    assert found["curvature"]["largest_miss"] == pytest.approx(0.03)


def test_nothing_is_said_where_all_is_met_or_nothing_asked(caplog):
    for given in ({}, {"length": 70.0}, {"age": 30.0}):
        asked = ConditionCheck(given, CONDITIONS)
        asked.update({"length": np.full(3, 70.0), "age": np.zeros(3)})
        asked.warn()
        asked.raise_if_missed()
    assert caplog.text == ""
