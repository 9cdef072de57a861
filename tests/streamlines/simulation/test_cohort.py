import numpy as np
import pytest

from dipy_tractogen.streamlines.geometry import lengths
from dipy_tractogen.streamlines.simulation.cohort import (
    CohortLaws,
    Participant,
    simulate_cohort,
    simulate_participants,
)

NONE = CohortLaws(0, 0, 0, 0, 0, 0, 0)


def subject(age, diagnosis="control"):
    return Participant("sub-001", age, diagnosis)


def points_of(participant, laws, **options):
    """Streamlines of one subject; the random numbers are those of the first."""
    ((_, bundles),) = simulate_cohort([participant], laws, nb_streamlines=30, **options)
    return bundles.resample(100)


def test_participants_have_names_ages_and_groups():
    people = simulate_participants(21, youngest=30, oldest=70, seed=3)
    assert [one.participant_id for one in people[:2]] == ["sub-001", "sub-002"]
    ages = np.array([one.age for one in people])
    assert 30 <= ages.min() < 33
    assert 67 < ages.max() <= 70
    assert not np.all(np.diff(ages) > 0)
    groups = [one.diagnosis for one in people]
    assert (groups.count("control"), groups.count("patient")) == (11, 10)
    patients = np.array(groups) == "patient"
    assert abs(ages[patients].mean() - ages[~patients].mean()) < 4
    assert people == simulate_participants(21, youngest=30, oldest=70, seed=3)
    assert people != simulate_participants(21, youngest=30, oldest=70, seed=4)


@pytest.mark.parametrize(
    ("laws", "age", "diagnosis", "expected"),
    [
        (CohortLaws(0.005, 0, 0, 0, 0, 0, 0), 60, "control", 0.8),
        (CohortLaws(0, 0, 0, 0.1, 0, 0, 0), 20, "patient", 0.9),
        (CohortLaws(0.005, 0, 0, 0.1, 0, 0, 0), 60, "patient", 0.72),
        (CohortLaws(0.005, 0, 0, 0.1, 0, 0, 0), 20, "control", 1.0),
    ],
)
def test_lengths_follow_their_law(laws, age, diagnosis, expected):
    before = lengths(points_of(subject(20), NONE))
    after = lengths(points_of(subject(age, diagnosis), laws))
    np.testing.assert_allclose(after / before, expected, atol=0.02)
    assert after.mean() / before.mean() == pytest.approx(expected, abs=2e-3)


def test_shifts_follow_their_law():
    laws = CohortLaws(0, 0, 0.05, 0, 0, 2.0, 0)
    before = points_of(subject(20), NONE)
    after = points_of(subject(60, "patient"), laws)
    moved = np.broadcast_to((0, 4, 0), before.shape)
    np.testing.assert_allclose(after - before, moved, atol=1e-3)


def test_widths_follow_their_law():
    laws = CohortLaws(0, 0.01, 0, 0, 0.25, 0, 0)
    # In the straight bundle the width is that of the cross-section alone.
    straight = slice(60, 90)

    def width(points):
        return points[straight, 50, 1].std()

    before = width(points_of(subject(20), NONE))
    after = width(points_of(subject(40, "patient"), laws))
    assert after / before == pytest.approx(1.2 * 1.25, rel=0.05)


def test_subjects_deviate_from_the_laws_each_in_its_own_way():
    people = [Participant(f"sub-{n:03d}", 20, "control") for n in range(1, 31)]
    laws = CohortLaws(0, 0, 0, 0, 0, 0, subject_noise=0.05)

    def means(seed):
        cohort = simulate_cohort(
            people, laws, nb_streamlines=2, nb_points=10, seed=seed
        )
        return np.array([part.lengths().mean() for _, part in cohort])

    first = means(0)
    assert len(set(first)) == 30
    np.testing.assert_array_equal(first, means(0))
    assert not np.array_equal(first, means(1))


def test_bundles_of_a_subject_have_places_and_widths_of_their_own():
    people = [Participant(f"sub-{n:03d}", 20, "control") for n in range(1, 31)]
    sizes = {"nb_streamlines": 40, "nb_points": 30}
    plain, moved = (
        [
            each.resample(30).reshape(7, 40, 30, 3)
            for _, each in simulate_cohort(
                people,
                CohortLaws(0, 0, 0, 0, 0, 0, subject_noise=0, **more),
                **sizes,
            )
        ]
        for more in ({}, {"subject_shift": 2.0, "subject_fan": 0.1})
    )
    moves = np.stack(moved).mean(axis=2) - np.stack(plain).mean(axis=2)
    assert moves[..., :2].std() == pytest.approx(2, rel=0.1)
    np.testing.assert_allclose(moves[..., 2], 0, atol=0.2)
    # Bundles of a subject move each in its own way, but are all as wide.
    assert abs(np.corrcoef(moves[:, 0, 15, 0], moves[:, 1, 15, 0])[0, 1]) < 0.5
    ratios = np.log(
        np.stack(moved)[..., 15, 1].std(axis=2)
        / np.stack(plain)[..., 15, 1].std(axis=2)
    )
    assert ratios[:, 0].std() == pytest.approx(0.1, rel=0.4)
    assert np.corrcoef(ratios[:, 0], ratios[:, 5])[0, 1] > 0.9


def test_streamlines_stay_in_the_volume_and_in_their_bundles():
    people = simulate_participants(4)
    for _, bundles in simulate_cohort(people, nb_streamlines=20, nb_points=30):
        points = bundles.resample(30)
        assert (points > 0).all()
        assert (points < (192, 192, 9)).all()
        assert bundles.counts() == {f"bundle_{n}": 20 for n in range(1, 8)}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"nb_subjects": 1}, "nb_subjects=1"),
        ({"youngest": 50, "oldest": 40}, "in that order"),
        ({"youngest": -1}, "youngest=-1"),
        ({"oldest": np.inf}, "oldest=inf"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_impossible_participants_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        simulate_participants(**{"nb_subjects": 4, **options})


@pytest.mark.parametrize(
    ("laws", "said"),
    [
        (CohortLaws(length_per_year=0.02), "of 80 years, would have -0.17 times"),
        (CohortLaws(length_per_year=-0.01), "have 1.37 times the length"),
        (CohortLaws(fan_per_year=0.1), "radius of"),
        (CohortLaws(shift_per_year=1.0), "shifted by 62.0 mm"),
    ],
)
def test_laws_that_go_too_far_are_refused(laws, said):
    with pytest.raises(ValueError, match=said):
        next(simulate_cohort([subject(80, "patient")], laws))


@pytest.mark.parametrize(
    ("name", "value"), [("patient_fan", np.nan), ("subject_noise", -0.1)]
)
def test_laws_are_finite_numbers_in_their_range(name, value):
    with pytest.raises(ValueError, match=f"{name}={value}"):
        CohortLaws(**{name: value})


def test_one_point_is_no_streamline():
    with pytest.raises(ValueError, match="nb_points=1"):
        next(simulate_cohort([subject(30)], nb_points=1))
