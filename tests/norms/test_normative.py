"""What is usual among subjects: intervals, shrinkage, shapes of bad input."""

import numpy as np
import pytest

from dipy_tractogen.norms.design import Design
from dipy_tractogen.norms.normative import NormativeModel

from .subjects import (
    BETWEEN,
    NB_NODES,
    NODES,
    WITHIN,
    draw_subjects,
    fit,
    peaked,
    smooth_draws,
    within_covariance,
)


@pytest.fixture(scope="module")
def fitted():
    values, profiles, counts = draw_subjects(0, 100, counts=(5, 200))
    return fit(NormativeModel(8), values, profiles, counts)


def test_intervals_hold_new_subjects(fitted):
    model, design = fitted
    values, profiles, counts = draw_subjects(1, 600)
    low, high = model.predict(design(values, 600), counts).quantiles([0.05, 0.95])
    held = ((low <= profiles) & (profiles <= high)).mean()
    assert 0.87 < held < 0.93


def test_distances_of_new_subjects_have_their_probability(fitted):
    model, design = fitted
    values, profiles, counts = draw_subjects(1, 600)
    p = model.compare(design(values, 600), profiles, counts).p_together
    assert 0.02 < (p < 0.05).mean() < 0.09
    assert 0.4 < (p < 0.5).mean() < 0.6


def test_the_law_of_age_is_found(fitted):
    model, design = fitted
    ages = np.array([25.0, 40.0, 55.0, 75.0])
    values = {"age": ages, "sex": np.full(4, "F")}
    expected = model.predict(design(values, 4)).expected.mean(axis=1)
    law = peaked(ages)[:, 0] + (0.02 * np.sin(6 * NODES)).mean()
    np.testing.assert_allclose(expected, law, atol=0.008)


def test_the_deviation_is_that_between_subjects(fitted):
    model, design = fitted
    values = {"age": np.array([45.0]), "sex": np.array(["F"])}
    deviation = model.predict(design(values, 1)).deviation
    assert deviation.mean() == pytest.approx(BETWEEN, rel=0.15)


def test_few_streamlines_make_a_wider_interval(fitted):
    model, design = fitted
    one = design({"age": np.array([45.0]), "sex": np.array(["F"])}, 1)
    few, many = (model.predict(one, [n]).deviation.mean() for n in (5, 5000))
    noise = model.dependence_ * np.diag(within_covariance()).mean() / 5
    assert few == pytest.approx(np.hypot(many, np.sqrt(noise)), rel=0.05)
    assert model.dependence_ < 2


def test_few_streamlines_weigh_less():
    values, profiles, _ = draw_subjects(2, 40, counts=(500, 500))
    counts = np.where(np.arange(40) % 2, 1, 500)
    noise = smooth_draws(np.random.default_rng(3), 40, WITHIN)
    profiles += 3 * noise * (counts == 1)[:, None]
    design = Design.of(values)
    given = {"groups": design.groups, "within": 9 * within_covariance()}
    X = design.matrix(values, 40)
    weighed = NormativeModel(8).fit(X, profiles, nb_streamlines=counts, **given)
    trusted = NormativeModel(8).fit(
        X, profiles, nb_streamlines=0 * counts + 500, **given
    )
    ages = np.linspace(25, 75, 5)
    one = design.matrix({"age": ages, "sex": np.full(5, "F")}, 5)
    truth = peaked(ages) + 0.02 * np.sin(6 * NODES)
    errors = [
        np.abs(m.predict(one).expected - truth).mean() for m in (weighed, trusted)
    ]
    assert errors[0] < 0.6 * errors[1]


def test_a_dip_is_found_at_its_nodes_and_together(fitted):
    model, design = fitted
    values, profiles, counts = draw_subjects(3, 1, counts=(200, 200))
    at = slice(18, 24)
    before = model.compare(design(values, 1), profiles, counts)
    profiles[:, at] -= 0.1
    after = model.compare(design(values, 1), profiles, counts)
    assert (after.z[0, at] < before.z[0, at] - 2).all()
    assert after.p_together[0] < 1e-4 < before.p_together[0]
    assert (after.centiles[0, at] < 5).all()


def test_missing_nodes_have_no_score(fitted):
    model, design = fitted
    values, profiles, counts = draw_subjects(4, 200)
    profiles[:, -10:] = np.nan
    scores = model.compare(design(values, 200), profiles, counts)
    assert np.isnan(scores.z[:, -10:]).all()
    assert np.isfinite(scores.z[:, :-10]).all()
    assert 0.01 < (scores.p_together < 0.05).mean() < 0.11


def test_a_subject_without_a_node_has_no_distance(fitted):
    model, design = fitted
    values, profiles, _ = draw_subjects(4, 1)
    scores = model.compare(design(values, 1), np.full_like(profiles, np.nan))
    assert np.isnan(scores.distance).all()
    assert np.isnan(scores.p_together).all()


def test_training_subjects_may_lack_nodes():
    values, profiles, counts = draw_subjects(5, 40)
    profiles[::3, :8] = np.nan
    profiles[:, 20] = np.nan
    model, design = fit(NormativeModel(8), values, profiles, counts)
    others, theirs, numbers = draw_subjects(6, 300)
    predicted = model.predict(design(others, 300), numbers)
    known = np.arange(NB_NODES) != 20
    assert np.isnan(predicted.expected[:, 20]).all()
    low, high = predicted.quantiles([0.05, 0.95])
    assert 0.84 < ((low <= theirs) & (theirs <= high))[:, known].mean() < 0.95


def test_ages_out_of_range_are_less_certain(fitted):
    model, design = fitted
    values = {"age": np.array([50.0, 110.0]), "sex": np.full(2, "F")}
    inside, beyond = model.predict(design(values, 2)).deviation.mean(axis=1)
    assert beyond > 1.3 * inside


def test_numbers_that_are_not_in_a_row():
    rng = np.random.default_rng(0)
    values, _, _ = draw_subjects(7, 80)
    mixing = rng.standard_normal((3, 3))
    made = rng.standard_normal((380, 3)) @ mixing * [1, 100, 0.01]
    model, design = fit(NormativeModel(None), values, made[:80])
    one = {name: np.repeat(each[:1], 300) for name, each in values.items()}
    scores = model.compare(design(one, 300), made[80:])
    assert 0.86 < (scores.p > 0.1).mean() < 0.94
    assert 0.02 < (scores.p_together < 0.05).mean() < 0.1


def test_equal_numbers_of_streamlines():
    values, profiles, _ = draw_subjects(8, 40, counts=(50, 50))
    model, design = fit(NormativeModel(8), values, profiles, np.full(40, 50))
    deviation = model.predict(design(values, 40)).deviation
    assert model.dependence_ == 1
    assert deviation.mean() == pytest.approx(BETWEEN, rel=0.25)


def test_streamlines_that_depend_on_each_other_count_less():
    values, profiles, counts = draw_subjects(9, 120, counts=(5, 300))
    # As many as are said tell as much as a quarter of them.
    model, _ = fit(NormativeModel(8), values, profiles, 4 * counts)
    assert 2 < model.dependence_ < 6


@pytest.mark.parametrize(("nb_subjects", "fewest"), [(1, 4), (3, 4)])
def test_too_few_subjects(nb_subjects, fewest):
    design = Design.of({"age": np.array([20.0, 30.0, 50.0, 60.0])})
    values = {"age": np.linspace(20, 60, nb_subjects)}
    y = np.zeros((nb_subjects, 5))
    with pytest.raises(ValueError, match=f"{fewest} at least are needed"):
        NormativeModel(2).fit(
            design.matrix(values, nb_subjects), y, groups=design.groups
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y[:-1], "a row of both"),
        (lambda y: y[:, 0], "a row of both"),
        (lambda y: np.where(y > y.mean(), np.inf, y), "finite numbers or NaN"),
        (lambda y: np.full_like(y, 0.4), "all have the same values"),
        (lambda y: np.full_like(y, np.nan), "No node is known"),
        (lambda y: y[:, :4], "nb_components=8"),
    ],
)
def test_hostile_profiles(change, message):
    values, profiles, _ = draw_subjects(0, 12)
    design = Design.of(values)
    X = design.matrix(values, 12)
    with pytest.raises(ValueError, match=message):
        NormativeModel(8).fit(X, change(profiles), groups=design.groups)


@pytest.mark.parametrize("counts", [[0] * 12, [10] * 11, [np.nan] * 12])
def test_hostile_counts(counts):
    values, profiles, _ = draw_subjects(0, 12)
    design = Design.of(values)
    X = design.matrix(values, 12)
    with pytest.raises(ValueError, match="one number of 1 or more"):
        NormativeModel(8).fit(X, profiles, groups=design.groups, nb_streamlines=counts)
