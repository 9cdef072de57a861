"""Latents that follow from the length, in a line, for two bundles."""

import numpy as np
import pytest

from dipy_tractogen.sampling.condition_request import ConditionRequest
from dipy_tractogen.sampling.density import ConditionalDensity
from dipy_tractogen.sampling.latents import LatentPosteriors
from dipy_tractogen.streamlines.conditions import Conditions

NB_LATENTS = 2000
NOISE = 0.05


@pytest.fixture(scope="module")
def known():
    """Lengths of 60 to 100 mm in bundle a and 80 to 140 mm in b; z = length / 10.

    Three in four are of bundle a; all of b and half of a are female; ages are free.
    """
    rng = np.random.default_rng(0)
    labels = (np.arange(NB_LATENTS) % 4 == 3).astype(int)
    length = np.where(
        labels, rng.uniform(80, 140, NB_LATENTS), rng.uniform(60, 100, NB_LATENTS)
    )
    male = (labels == 0) & (np.arange(NB_LATENTS) % 4 == 1)
    values = {
        "bundle": np.array(["a", "b"])[labels],
        "sex": np.where(male, "m", "f"),
        "length": length,
        "age": rng.normal(50, 5, NB_LATENTS),
    }
    z = np.column_stack([length / 10, rng.normal(size=NB_LATENTS)])
    z[:, 0] += rng.normal(0, NOISE, NB_LATENTS)
    return values, z


@pytest.fixture(scope="module")
def density(known):
    values, z = known
    return density_of(values, z, units={"age": "years"})


def density_of(values, z, active=None, **given):
    conditions = Conditions.of(values, **given)
    posteriors = LatentPosteriors.of(
        z,
        np.full_like(z, 0.05),
        conditions.codes(values),
        conditions.standardised(values),
        active=active,
    )
    return ConditionalDensity(conditions, posteriors, seed=0)


def drawn(density, stratum, number=2000, seed=1, **given):
    """Numbers in their units, and latents."""
    request = ConditionRequest(density.conditions, given)
    numbers, z = density.sample(number, stratum, request, seed)
    return density.conditions.restored(numbers), z


def test_combinations_of_the_training_are_known(density):
    np.testing.assert_array_equal(density.strata, [[0, 0], [0, 1], [1, 0]])
    np.testing.assert_array_equal(density.counts, [1000, 500, 500])
    assert [density.name(stratum) for stratum in range(3)] == ["a, f", "a, m", "b, f"]


@pytest.mark.parametrize(("stratum", "length"), [(0, 65), (1, 90), (2, 90), (2, 130)])
def test_latents_are_those_of_the_length_asked(density, stratum, length):
    values, z = drawn(density, stratum, length=length)
    np.testing.assert_allclose(values["length"], length, rtol=1e-6)
    assert z[:, 0].mean() == pytest.approx(length / 10, abs=0.1)
    assert z[:, 0].std() < 0.5
    assert z[:, 1].std() == pytest.approx(1, abs=0.15)
    assert values["age"].std() == pytest.approx(5, rel=0.2)


def test_range_is_kept_and_filled_as_in_training(density):
    values, z = drawn(density, 2, length=(90, 120))
    length = values["length"]
    assert length.min() >= 90 - 1e-3
    assert length.max() <= 120 + 1e-3
    assert length.mean() == pytest.approx(105, abs=1.5)
    assert length.std() == pytest.approx(30 / np.sqrt(12), rel=0.1)
    np.testing.assert_allclose(z[:, 0], length / 10, atol=1)
    assert np.corrcoef(z[:, 0], length)[0, 1] > 0.95


def test_numbers_that_are_free_are_about_those_of_the_training(density, known):
    values, _ = known
    for stratum, bundle in ((0, "a"), (2, "b")):
        found, _ = drawn(density, stratum)
        real = values["length"][values["bundle"] == bundle]
        assert found["length"].mean() == pytest.approx(real.mean(), rel=0.03)
        assert found["length"].std() == pytest.approx(real.std(), rel=0.1)
        room = 0.1 * np.ptp(real) + 1e-3
        assert found["length"].min() >= real.min() - room
        assert found["length"].max() <= real.max() + room


def test_lengths_that_are_free_stay_well_above_nothing():
    """Though a tenth of their range is more than the least of them."""
    rng = np.random.default_rng(0)
    values = {"bundle": np.repeat("a", 400), "length": rng.exponential(40, 400) + 5}
    z = values["length"][:, None] / 40 + 0.5 * rng.normal(size=(400, 2))
    density = density_of(values, z)
    found = drawn(density, 0)[0]["length"]
    assert 0.1 * np.ptp(values["length"]) > 5
    assert found.min() >= 0.9 * values["length"].min() - 1e-3
    assert found.max() > 0.9 * values["length"].max()


def test_narrow_range_without_streamlines_is_filled_evenly(density):
    """Far below all lengths of the bundle."""
    values, z = drawn(density, 2, length=(20, 22))
    assert values["length"].min() >= 20 - 1e-3
    assert values["length"].max() <= 22 + 1e-3
    assert values["length"].std() == pytest.approx(2 / np.sqrt(12), rel=0.1)
    assert np.isfinite(z).all()


def weights(density, **given):
    return density.weights(ConditionRequest(density.conditions, given))


def test_shares_are_those_of_the_training(density):
    np.testing.assert_allclose(weights(density), [0.5, 0.25, 0.25])
    np.testing.assert_allclose(weights(density, bundle="a"), [2 / 3, 1 / 3, 0])
    np.testing.assert_allclose(weights(density, sex="f"), [2 / 3, 0, 1 / 3])
    np.testing.assert_allclose(weights(density, bundle=["a", "b"], sex="m"), [0, 1, 0])


def test_shares_follow_the_numbers_asked(density):
    """By Bayes: of 70 mm only bundle a has any, of 120 mm only b."""
    np.testing.assert_allclose(weights(density, length=70)[2], 0, atol=0.02)
    np.testing.assert_allclose(weights(density, length=120), [0, 0, 1])
    np.testing.assert_allclose(weights(density, length=(105, 160)), [0, 0, 1])
    # A share of 20 mm in 40 of a, and of 20 in 60 of b.
    found = weights(density, length=(80, 100))
    expected = np.array([0.5 / 2, 0.25 / 2, 0.25 / 3])
    np.testing.assert_allclose(found, expected / expected.sum(), atol=0.06)
    # And of densities where one number is asked.
    found = weights(density, length=90)
    expected = np.array([0.5 / 40, 0.25 / 40, 0.25 / 60])
    np.testing.assert_allclose(found, expected / expected.sum(), atol=0.06)


def test_out_of_the_range_of_all_the_shares_are_those_without(density, caplog):
    np.testing.assert_allclose(weights(density, length=50), [0.5, 0.25, 0.25])
    assert "length=50 is requested" in caplog.text
    assert " mm: the result is an extrapolation" in caplog.text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"length": 300}, "length=300 .* of b have 80.0.* to 139.* mm: request a"),
        ({"length": 15}, "length=15 .* of a have 60.* to .* mm"),
        ({"length": 190, "bundle": "a"}, "of a have 60.* to .* mm"),
        ({"length": (150, 400)}, "length=150 to 400 .* of b have"),
        ({"age": 200}, "age=200 .* years: request"),
        ({"age": -40}, "age=-40 "),
        ({"age": 50, "length": 300}, "length=300 "),
    ],
)
def test_what_is_beyond_a_range_by_more_than_its_width_is_refused(density, given, said):
    with pytest.raises(ValueError, match=said):
        weights(density, **given)


def test_bundles_whose_range_is_too_far_get_none(density):
    np.testing.assert_array_equal(weights(density, length=190), [0, 0, 1])
    np.testing.assert_array_equal(weights(density, length=(150, 190)), [0, 0, 1])
    # A range that shares something with the training's is one of those numbers.
    assert weights(density, length=(0, 1000)).min() > 0.2


def test_categories_that_get_no_share_are_said(density, caplog):
    weights(density, bundle=["a", "b"], length=120)
    assert (
        "No streamlines are generated for the bundle a: no training streamline"
        in caplog.text
    )
    caplog.clear()
    weights(density, bundle=["a", "b"], sex="m")
    assert "No streamlines are generated for the bundle b" in caplog.text
    caplog.clear()
    for given in ({"length": 120}, {"bundle": ["a", "b"], "length": (70, 120)}):
        weights(density, **given)
    assert not caplog.records


def test_range_that_is_said_is_that_of_what_is_asked(density, caplog):
    """120 mm are in the training, but not for bundle a."""
    weights(density, length=120)
    assert not caplog.records
    weights(density, length=120, bundle="a")
    assert "length=120 is requested" in caplog.text
    low, high = caplog.text.split("have ")[1].split(" mm")[0].split(" to ")
    assert (float(low), float(high)) == pytest.approx((60, 100), abs=0.5)


def test_combination_that_never_was_is_refused(density):
    with pytest.raises(ValueError, match="has all requested categories"):
        weights(density, bundle="b", sex="m")


def test_seed_fixes_the_draw(density):
    for given in ({}, {"length": 90}, {"length": (85, 95), "age": 50}):
        first, again, other = (
            drawn(density, 0, 50, seed, **given)[1] for seed in (3, 3, 4)
        )
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)


def test_arrays_give_the_same_density(density):
    arrays = {name: array.copy() for name, array in density.to_arrays().items()}
    assert all(array.dtype.kind in "bif" for array in arrays.values())
    conditions = Conditions(density.conditions.to_plain())
    copy = ConditionalDensity.from_arrays(arrays, conditions)
    for given in ({}, {"length": (85, 95)}, {"age": 50}):
        np.testing.assert_array_equal(weights(copy, **given), weights(density, **given))
        for found, expected in zip(drawn(copy, 0, **given), drawn(density, 0, **given)):
            np.testing.assert_equal(found, expected)


def test_latents_that_say_nothing_are_left_to_the_prior(known):
    values, z = known
    z = np.column_stack([z[:, 0], 1e-4 * z[:, 1]])
    part = density_of(values, z, np.array([True, False]))
    found = drawn(part, 0, length=80)[1]
    assert found[:, 0].mean() == pytest.approx(8, abs=0.1)
    assert found[:, 1].std() == pytest.approx(1, abs=0.1)


def test_number_that_never_changes_is_given_back():
    values = {"bundle": ["a", "b"] * 50, "length": np.full(100, 70.0)}
    z = np.random.default_rng(0).normal(size=(100, 2))
    same = density_of(values, z)
    for given in ({}, {"length": 70}, {"length": (60, 80)}):
        found, latents = drawn(same, 1, 200, **given)
        np.testing.assert_allclose(found["length"], 70, atol=0.2)
        assert latents.std() == pytest.approx(1, abs=0.3)
