"""Numbers that are each in their range, but that no streamline has together."""

import numpy as np
import pytest

from dipy_tractogen.sampling.condition_request import ConditionRequest
from dipy_tractogen.sampling.density import ConditionalDensity
from dipy_tractogen.sampling.joint_range import warn_far_together
from dipy_tractogen.sampling.latents import LatentPosteriors
from dipy_tractogen.streamlines.conditions import Conditions


def density_of(values, **given):
    conditions = Conditions.of(values, **given)
    z = np.zeros((len(values["length"]), 2))
    posteriors = LatentPosteriors.of(
        z, z + 1, conditions.codes(values), conditions.standardised(values)
    )
    return ConditionalDensity(conditions, posteriors)


@pytest.fixture(scope="module")
def cohort():
    """Forty subjects of 30 to 69 years, with 20 streamlines of each of two bundles.

    At 30 they have 110 mm in a and 60 mm in b, and half a millimetre less each year.
    Curvature and weight depend on nothing.
    """
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(40), 40)
    is_b = np.arange(1600) % 40 >= 20
    age = 30.0 + subject
    sex = np.where(subject % 2, "m", "f")
    length = np.where(is_b, 60, 110) - 0.5 * (age - 30) + rng.normal(0, 2, 1600)
    values = {
        "bundle": np.where(is_b, "b", "a"),
        "sex": sex,
        "length": length,
        "curvature": rng.uniform(0.01, 0.02, 1600),
        "age": age,
        "weight": rng.uniform(50, 90, 40)[subject],
    }
    return density_of(values, units={"age": "years"})


def warnings(density, caplog, counts=None, **given):
    request = ConditionRequest(density.conditions, given)
    if counts is None:
        counts = request.matches(density.strata) * 10
    warn_far_together(density, request, np.array(counts))
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"age": 30},
        {"length": 92.0, "bundle": "a"},
        {"age": 30, "bundle": "a", "length": 111},
        {"age": 44.5, "bundle": "a", "length": 103},
        {"age": 69, "bundle": "b", "length": (38, 42), "sex": "m"},
        {"age": (30, 40), "length": (20, 95), "bundle": "b"},
        {"length": 100, "curvature": 0.015, "bundle": "a"},
        # Each bundle has some.
        {"age": 31, "length": (55, 115)},
        # Out of the range of one number, which has its own warning.
        {"age": 80, "length": 110, "bundle": "a"},
    ],
)
def test_numbers_that_streamlines_have_together_are_not_warned_of(
    cohort, caplog, given
):
    assert not warnings(cohort, caplog, **given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"age": 30, "length": 92, "bundle": "a"},
            "length=92 mm and age=30 years are requested together, but no training "
            "streamline of a is near to them (the nearest has length=",
        ),
        ({"age": 69, "length": (108, 112), "bundle": ["a"]}, "length=108 to 112 mm"),
        ({"age": (30, 33), "length": 45, "bundle": "b"}, "age=30 to 33 years"),
        ({"age": 30, "length": 92, "curvature": 0.015, "bundle": "a"}, "=0.015 1/mm"),
        ({"age": 30, "length": 80}, "streamline of a, b is near"),
    ],
)
def test_numbers_that_no_streamline_has_together_are_warned_of(
    cohort, caplog, given, said
):
    (text,) = warnings(cohort, caplog, **given)
    assert said in text
    assert text.endswith("): the result is an extrapolation")


def test_the_nearest_streamline_is_named(cohort, caplog):
    (text,) = warnings(cohort, caplog, age=30, length=92, bundle="a")
    nearest = text.split("(the nearest has ")[1]
    length = float(nearest.split("length=")[1].split(" mm")[0])
    age = float(nearest.split("age=")[1].split(" years")[0])
    assert length == pytest.approx(110 - 0.5 * (age - 30), abs=7)


def test_bundles_without_streamlines_to_draw_are_not_named(cohort, caplog):
    """Of 60 mm at 30 years there are some in b only."""
    of_b = cohort.strata[:, 0] == 1
    assert not warnings(cohort, caplog, counts=of_b * 5, age=30, length=60)
    (text,) = warnings(cohort, caplog, age=30, length=60)
    assert "streamline of a is near" in text


def test_streamlines_of_other_categories_do_not_count(caplog):
    """Men are longer: what women of an age have is far from any man of that age."""
    rng = np.random.default_rng(0)
    is_m, age = np.arange(800) % 2 == 1, rng.uniform(30, 70, 800)
    length = 100 - age / 2 + 10 * is_m + rng.normal(0, 1, 800)
    values = {
        "bundle": np.repeat("a", 800),
        "sex": np.where(is_m, "m", "f"),
        "length": length,
        "age": age,
    }
    density = density_of(values)
    asked = {"age": 35, "length": 82.5}
    assert not warnings(density, caplog, **asked)
    assert not warnings(density, caplog, **asked, sex="f")
    (text,) = warnings(density, caplog, **asked, sex="m")
    assert "length=82.5 mm and age=35 are requested together" in text


def test_subjects_that_are_few_are_not_near_to_each_other(caplog):
    """Two ages: the middle may be asked, but not the length of the other at either."""
    age = np.repeat([30.0, 70.0], 200)
    length = np.where(age == 30, 80, 110) + np.random.default_rng(0).normal(0, 2, 400)
    density = density_of({"length": length, "age": age, "bundle": ["a"] * 400})
    assert not warnings(density, caplog, age=50, length=110)
    assert len(warnings(density, caplog, age=30, length=110)) == 1


def test_one_streamline_has_no_usual_distance(caplog):
    values = {
        "bundle": ["a", "b", "b"],
        "length": [80.0, 90, 60],
        "age": [30.0, 40, 20],
    }
    density = density_of({name: np.array(each) for name, each in values.items()})
    assert not warnings(density, caplog, counts=[5, 0], age=25, length=82)
