from dataclasses import replace
import json

import numpy as np
import pytest

from dipy_tractogen.streamlines.simulation.cohort import (
    Participant,
    simulate_cohort,
)
from dipy_tractogen.streamlines.simulation.profiles import (
    PROFILE_LAWS,
    ProfileLaw,
    check_profile_laws,
    laws_as_dict,
    simulate_profiles,
)

AT = np.linspace(0, 1, 100)
FA = PROFILE_LAWS["FA"]
QUIET = replace(FA, core_effect=0.0, subject_sd=0.0, noise_sd=0.0)
NAMES = tuple(FA.base)
LINE = AT[:, None] * (100.0, 0.0, 0.0)


def drawn(law, nb_streamlines, *, age=35.0, diagnosis="control", nb_points=100, seed=0):
    """Values (n, nb_points) of straight streamlines of bundle_3."""
    places = np.random.default_rng(9).standard_normal((nb_streamlines, 1, 3))
    line = np.linspace(0, 100, nb_points)[:, None] * (1.0, 0.0, 0.0)
    return simulate_profiles(
        {"FA": law},
        line + places * (0, 1, 1),
        np.full(nb_streamlines, 2),
        NAMES,
        age=age,
        diagnosis=diagnosis,
        rng=np.random.default_rng(seed),
    )["FA"]


@pytest.mark.parametrize("name", PROFILE_LAWS)
def test_profiles_are_as_in_adults(name):
    low, high = {"FA": (0.3, 0.75), "MD": (0.6, 0.9)}[name]
    for bundle in PROFILE_LAWS[name].base:
        profile = PROFILE_LAWS[name].base_profile(bundle, AT)
        assert low < profile.min() < profile.max() < high
        assert np.ptp(profile) > 0.05


def test_age_is_a_quadratic_about_its_peak():
    ages = np.array([20.0, 35.0, 65.0])
    found = [FA.profile("bundle_1", AT, age, "control").mean() for age in ages]
    np.testing.assert_allclose(np.array(found) - found[1], [-0.01, 0, -0.04])


def test_dip_is_of_patients_in_one_bundle():
    def change(bundle):
        control, patient = (
            FA.profile(bundle, AT, 50, group) for group in ("control", "patient")
        )
        return patient - control

    assert not change("bundle_1").any()
    dip = change("bundle_3")
    assert AT[dip.argmin()] == pytest.approx(0.35, abs=0.01)
    assert dip.min() == pytest.approx(-0.08, rel=0.01)
    assert FA.dip_change("bundle_3", [0.43], "patient")[0] == pytest.approx(
        -0.08 * np.exp(-0.5)
    )


@pytest.mark.parametrize("nb_points", [7, 100, 256])
def test_values_without_deviations_are_the_profile(nb_points):
    found = drawn(QUIET, 3, age=62, diagnosis="patient", nb_points=nb_points)
    at = np.linspace(0, 1, nb_points)
    expected = FA.profile("bundle_3", at, 62, "patient")
    np.testing.assert_allclose(found, np.tile(expected, (3, 1)), rtol=1e-6)


def test_subjects_deviate_with_their_covariance():
    names = tuple(f"bundle {number}" for number in range(1000))
    base = dict.fromkeys(names, (0.5,))
    law = replace(QUIET, base=base, dip_bundle=names[0], subject_sd=0.02)
    # Two streamlines in each.
    labels = np.repeat(np.arange(1000), 2)
    points = np.random.default_rng(0).random((2000, 1, 3)) + LINE
    found = simulate_profiles(
        {"FA": law},
        points,
        labels,
        names,
        age=35.0,
        diagnosis="control",
        rng=np.random.default_rng(1),
    )["FA"]
    np.testing.assert_array_equal(found[::2], found[1::2])
    expected = law.subject_covariance(AT)
    assert np.sqrt(np.diag(expected)) == pytest.approx(0.02)
    error = np.linalg.norm(np.cov(found[::2].T) - expected)
    assert error / np.linalg.norm(expected) < 0.1


def test_noise_is_correlated_along_each_streamline():
    law = replace(QUIET, noise_sd=0.03)
    found = drawn(law, 4000)
    expected = law.noise_covariance(AT)
    error = np.linalg.norm(np.cov(found.T) - expected) / np.linalg.norm(expected)
    assert error < 0.1
    np.testing.assert_allclose(
        found.mean(axis=0), FA.profile("bundle_3", AT, 35, "control"), atol=0.002
    )


def test_core_effect_leaves_the_mean_profile_as_it_is():
    plain, cored = drawn(QUIET, 50), drawn(replace(QUIET, core_effect=0.02), 50)
    gained = (cored - plain).mean(axis=1)
    assert gained.mean() == pytest.approx(0, abs=1e-6)
    places = np.random.default_rng(9).standard_normal((50, 1, 3))[:, 0, 1:]
    squared = ((places - places.mean(axis=0)) ** 2).sum(axis=1)
    np.testing.assert_allclose(gained, 0.02 * (1 - squared / squared.mean()), atol=1e-6)


def test_values_are_in_the_direction_of_the_bundle():
    """However its streamlines are stored."""
    given = {"labels": np.full(4, 2), "bundle_names": NAMES}
    given |= {"age": 35.0, "diagnosis": "patient"}
    for points in (LINE, LINE[::-1]):
        stored = np.tile(points, (4, 1, 1))
        found = simulate_profiles(
            {"FA": QUIET}, stored, **given, rng=np.random.default_rng(0)
        )["FA"]
        expected = FA.profile("bundle_3", AT, 35, "patient")
        if points[0, 0] > points[-1, 0]:
            expected = expected[::-1]
        np.testing.assert_allclose(found[0], expected, rtol=1e-6)


def test_one_streamline_has_no_core():
    assert np.isfinite(drawn(FA, 1)).all()


def test_cohort_has_the_same_points_with_values_and_without():
    people = [
        Participant("sub-001", 30.0, "control"),
        Participant("sub-002", 70.0, "patient"),
    ]
    size = {"nb_streamlines": 3, "nb_points": 20, "seed": 4}
    plain = list(simulate_cohort(people, **size))
    known = list(simulate_cohort(people, profiles=PROFILE_LAWS, **size))
    again = list(simulate_cohort(people, profiles=PROFILE_LAWS, **size))
    for (_, one), (_, other), (_, same) in zip(plain, known, again):
        np.testing.assert_array_equal(
            one.streamlines.get_data(), other.streamlines.get_data()
        )
        assert not one.data_per_point
        assert list(other.data_per_point) == ["FA", "MD"]
        for name, values in other.data_per_point.items():
            assert values.shape == (7 * 3 * 20, 1)
            np.testing.assert_array_equal(values, same.data_per_point[name])
    first, second = (each.data_per_point["FA"] for _, each in known)
    # The older subject, by the law of age.
    change = FA.age_change(70.0) - FA.age_change(30.0)
    assert second.mean() - first.mean() == pytest.approx(change, abs=0.02)


def test_laws_are_read_back_from_json():
    text = json.dumps(laws_as_dict(PROFILE_LAWS))
    law = ProfileLaw(**json.loads(text)["FA"])
    for diagnosis in ("control", "patient"):
        np.testing.assert_array_equal(
            law.profile("bundle_3", AT, 61.5, diagnosis),
            FA.profile("bundle_3", AT, 61.5, diagnosis),
        )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dip_width": 0.0}, "dip_width=0.0"),
        ({"noise_scale": 1.5}, "noise_scale=1.5"),
        ({"subject_sd": -0.1}, "subject_sd=-0.1"),
        ({"noise_sd": np.nan}, "noise_sd=nan"),
        ({"dip_bundle": "AF_L"}, "dip_bundle='AF_L' has no base"),
    ],
)
def test_impossible_laws_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        replace(FA, **changes)


@pytest.mark.parametrize(
    ("law", "said"),
    [
        (replace(FA, age_effect=-0.4), "FA of a patient of 80 years would be -0.63"),
        (replace(FA, base={"bundle_3": (0.5,)}), "has no base for bundle_1, bundle_2"),
    ],
)
def test_laws_that_go_too_far_are_refused(law, said):
    people = [Participant("sub-001", 80.0, "patient")]
    with pytest.raises(ValueError, match=said):
        check_profile_laws({"FA": law}, people, NAMES)
