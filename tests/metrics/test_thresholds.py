import re

import pytest

from dipy_tractogen.metrics.measures import DESCRIPTIONS, MEASURE_NAMES
from dipy_tractogen.metrics.thresholds import (
    Threshold,
    check_bundles,
    check_thresholds,
    describe_unmet,
)


def entry(generated, real):
    return {
        "generated": {"coverage": generated, "length_w1": 3.0},
        "real": {"coverage": real, "length_w1": 1.0},
        "ratios": {"novelty": 0.9},
    }


@pytest.fixture
def report():
    bundles = {"AF:L": entry(0.7, 0.8), "CST_R": entry(None, None)}
    return {"overall": entry(0.88, 0.92), "bundles": bundles}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("coverage>=0.9", Threshold("coverage", ">=", 0.9)),
        (" length_w1 <= 2 * real ", Threshold("length_w1", "<=", 2, True)),
        ("each:dice>=1e-1", Threshold("dice", ">=", 0.1, bundle="each")),
        ("p>=1: x:dice>=1", Threshold("dice", ">=", 1.0, bundle="p>=1: x")),
        ("AF:L:dice>=.5*real", Threshold("dice", ">=", 0.5, True, "AF:L")),
        ("A:f a_profile_w1<=1", Threshold("f a_profile_w1", "<=", 1.0, bundle="A")),
        ("pairing_auc>=.5*real", Threshold("pairing_auc", ">=", 0.5, True)),
    ],
)
def test_forms_that_are_read(text, expected):
    assert Threshold.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("precision", "in quotes"),
        ("precision>0.9", "in quotes"),
        ("precision==0.9", "in quotes"),
        (">=0.9", "in quotes"),
        ("precision>=high", "is no number"),
        ("precision>=nan", "is no number"),
        ("precision>=__import__('os')", "is no number"),
        ("precision>=2*generated", "is no number"),
        ("recal>=0.9", "do you mean recall?"),
        ("xyz>=0.9", "accepted are precision, recall"),
        ("FA_profile_mean>=0.9", "is no measure"),
        ("_profile_w1>=0.9", "is no measure"),
        ("novelty>=0.9*real", "a ratio to real already"),
    ],
)
def test_other_forms_are_refused(text, said):
    pattern = f"{re.escape(text)}.*{re.escape(said)}"
    with pytest.raises(ValueError, match=pattern):
        Threshold.parse(text)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("coverage>=0.88", True),
        ("coverage>=0.881", False),
        ("coverage<=0.88", True),
        ("coverage<=0.87", False),
        ("coverage>=0.95*real", True),
        ("coverage>=0.96*real", False),
        ("length_w1<=2*real", False),
        ("novelty>=0.8", True),
        ("AF:L:coverage>=0.8", False),
        ("CST_R:coverage>=0", False),
        ("CST_R:coverage>=0*real", False),
    ],
)
def test_limits_are_compared(report, text, met):
    (found,) = check_thresholds([Threshold.parse(text)], report)
    assert found["met"] is met


def test_each_bundle_is_checked_and_the_misses_are_said(report):
    found = check_thresholds([Threshold.parse("each:coverage>=0.95*real")], report)
    assert [one["bundle"] for one in found] == ["AF:L", "CST_R"]
    assert describe_unmet(found[0]) == "AF:L: coverage 0.7, asked >=0.95*real = 0.76"
    assert describe_unmet(found[1]) == "CST_R: coverage has no value, asked >=0.95*real"


def test_bundles_that_are_not_there_are_refused():
    known, other = Threshold.parse("AF_L:dice>=0"), Threshold.parse("UF_L:dice>=0")
    check_bundles([known, Threshold.parse("each:dice>=0")], ["AF_L"])
    with pytest.raises(ValueError, match=r"UF_L:dice.*each and AF_L"):
        check_bundles([known, other], ["AF_L"])
    with pytest.raises(ValueError, match="leave out 'each:'"):
        check_bundles([Threshold.parse("each:dice>=0")], [])


def test_every_measure_is_described():
    assert set(MEASURE_NAMES) == set(DESCRIPTIONS)
