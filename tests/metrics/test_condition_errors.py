import numpy as np
import pytest

from dipy_tractogen.metrics.condition_errors import compare_with_asked

LABELS = np.array([0, 0, 0, 2, 2, 5])
NAMES = {0: "AF_L", 2: "CST_R"}


@pytest.fixture
def straight(lines):
    lengths = [30, 40, 50, 60, 70, 80]
    return np.concatenate([lines([0], length=length) for length in lengths])


def test_errors_are_those_of_the_lengths(straight):
    asked = np.array([31, 39, 50, 60, 74, np.nan])
    found = compare_with_asked(straight, {"length": asked}, LABELS, NAMES)["length"]
    assert found["unit"] == "mm"
    assert found["n"] == 5
    assert found["mae"] == pytest.approx(6 / 5, rel=1e-4)
    expected = 1 - (1 + 1 + 16) / 5 / np.var(asked[:5])
    assert found["r2"] == pytest.approx(expected, rel=1e-4)
    assert list(found["bundles"]) == ["AF_L", "CST_R"]
    assert found["bundles"]["CST_R"]["n"] == 2
    assert found["bundles"]["CST_R"]["mae"] == pytest.approx(2, rel=1e-4)


def test_one_value_for_all_has_no_r2(straight):
    asked = {"length": np.full(6, 50.0)}
    found = compare_with_asked(straight, asked, LABELS, NAMES)["length"]
    assert found["r2"] is None
    assert found["mae"] == pytest.approx(90 / 6, rel=1e-4)


def test_what_is_not_known_is_left_out(straight):
    asked = {"tortuosity": np.full(6, np.nan)}
    assert compare_with_asked(straight, asked, LABELS, NAMES) == {}
    asked = {"tortuosity": np.array([np.nan] * 5 + [1.5])}
    found = compare_with_asked(straight, asked, LABELS, NAMES)["tortuosity"]
    assert found["bundles"] == {}
    assert found["mae"] == pytest.approx(0.5, rel=1e-4)
