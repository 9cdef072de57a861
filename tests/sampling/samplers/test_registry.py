"""What every sampler has to do: one contract, run over the registry."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from dipy_tractogen.sampling.samplers.base import LatentSampler
from dipy_tractogen.sampling.samplers.registry import SAMPLERS, make_sampler

NB_LATENTS = 300


@pytest.fixture(scope="module")
def given():
    """Two combinations; the first latent follows the number, the second is free."""
    rng = np.random.default_rng(0)
    stratum = np.repeat([2, 5], NB_LATENTS)
    number = rng.uniform(-1, 1, 2 * NB_LATENTS) + stratum
    z = np.column_stack([2 * number, rng.normal(size=2 * NB_LATENTS)])
    z[:, 0] += rng.normal(0, 0.1, len(z))
    return {
        "z": z,
        "conditions": np.column_stack([stratum, number]),
        "deviations": np.full(z.shape, 0.05),
    }


@pytest.fixture(scope="module", params=SAMPLERS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def sampler(name, given):
    return make_sampler(name, seed=0).fit(**given)


def test_draws_are_of_the_combination_and_the_range_of_its_numbers(sampler, given):
    for stratum in (2, 5):
        z, conditions = sampler.sample(500, [stratum, np.nan], seed=1)
        assert z.shape == (500, 2)
        assert z.dtype == np.float32
        np.testing.assert_array_equal(conditions[:, 0], stratum)
        own = given["conditions"][:, 0] == stratum
        real = given["conditions"][own, 1]
        assert conditions[:, 1].mean() == pytest.approx(real.mean(), abs=0.15)
        assert conditions[:, 1].std() == pytest.approx(real.std(), rel=0.25)


def test_given_numbers_are_kept_and_followed(sampler, name):
    asked = np.column_stack([np.repeat([2.0, 5.0], 200), np.tile([1.5, 5.2], 200)])
    asked[:200, 1], asked[200:, 1] = 1.5, 5.2
    z, conditions = sampler.sample(400, asked, seed=1)
    np.testing.assert_array_equal(conditions, asked)
    if name == "prior":
        assert np.abs(z.mean(axis=0)).max() < 0.2
        return
    for rows, number in ((slice(200), 1.5), (slice(200, None), 5.2)):
        assert z[rows, 0].mean() == pytest.approx(2 * number, abs=0.2)
        # A kernel of the whole combination blurs more than the others do.
        assert z[rows, 0].std() < 0.5
        assert z[rows, 1].std() == pytest.approx(1, abs=0.25)


def test_rows_may_have_numbers_of_their_own(sampler):
    asked = np.column_stack([np.full(60, 5.0), np.linspace(4.2, 5.8, 60)])
    asked[::3, 1] = np.nan
    z, conditions = sampler.sample(60, asked, seed=1)
    known = ~np.isnan(asked[:, 1])
    np.testing.assert_array_equal(conditions[known], asked[known])
    assert np.isfinite(conditions).all()
    assert np.isfinite(z).all()


def test_seed_fixes_fit_and_draw(name, given, sampler):
    again = make_sampler(name, seed=0).fit(**given)
    asked = [5, np.nan]
    first, same, other = (
        one.sample(20, asked, seed)[0]
        for one, seed in ((sampler, 3), (again, 3), (sampler, 4))
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_asking_nothing_gives_the_first_combination(sampler):
    z, conditions = sampler.sample(7)
    assert len(z) == 7
    assert set(conditions[:, 0]) == {2}


def test_fit_without_conditions(name):
    z = np.random.default_rng(0).normal(3, 0.5, size=(100, 3))
    drawn, conditions = make_sampler(name).fit(z).sample(500, seed=1)
    assert conditions.shape == (500, 1)
    expected = 0 if name == "prior" else 3
    np.testing.assert_allclose(drawn.mean(axis=0), expected, atol=0.2)


def test_copies_do_not_make_kernels_of_themselves(name):
    """Their density is that of the latents, each once."""
    z = np.random.default_rng(0).normal(size=(150, 3))
    once, _ = make_sampler(name).fit(z).sample(800, seed=1)
    copies, _ = make_sampler(name).fit(np.repeat(z, 6, axis=0)).sample(800, seed=1)

    def usual_distance(drawn):
        return np.median(np.linalg.norm(drawn[:, None] - z, axis=2).min(axis=1))

    assert usual_distance(copies) == pytest.approx(usual_distance(once), rel=0.1)


@pytest.mark.parametrize("nb_latents", [1, 2, 5])
def test_tiny_combinations_are_drawn_near_their_latents(name, nb_latents):
    z = np.random.default_rng(0).normal(size=(nb_latents, 6))
    conditions = np.column_stack([np.zeros(nb_latents), np.arange(nb_latents)])
    drawn, _ = make_sampler(name).fit(z, conditions).sample(200, seed=0)
    assert np.isfinite(drawn).all()
    assert np.abs(drawn - z.mean(axis=0)).max() < 7


def test_weights_draw_to_the_heavier_latents(name):
    if name == "prior":
        pytest.skip("the prior knows no latents")
    z = np.repeat([[-5.0], [5.0]], 100, axis=0)
    z = z + np.random.default_rng(0).normal(0, 0.3, z.shape)
    weights = np.repeat([1.0, 9.0], 100)
    drawn, _ = make_sampler(name).fit(z, weights=weights).sample(1000, seed=0)
    assert np.mean(drawn > 0) == pytest.approx(0.9, abs=0.06)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"z": np.zeros((0, 2))}, "one latent at least"),
        ({"z": np.full((4, 2), np.nan)}, "NaN or infinite"),
        ({"conditions": np.zeros((3, 2))}, "a row for each"),
        ({"deviations": np.zeros((4, 3))}, "a deviation for each"),
        ({"deviations": np.full((4, 2), -1.0)}, "not negative"),
        ({"weights": np.zeros(4)}, "weights are positive"),
    ],
)
def test_impossible_fits_are_refused(name, changes, said):
    with pytest.raises(ValueError, match=said):
        make_sampler(name).fit(**{"z": np.zeros((4, 2)), **changes})


@pytest.mark.parametrize(
    ("conditions", "said"),
    [([3, np.nan], "Combination 3 was not fitted.*2, 5"), ([2], "give .2,. or")],
)
def test_impossible_draws_are_refused(sampler, conditions, said):
    with pytest.raises(ValueError, match=said):
        sampler.sample(5, conditions)


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match="'mcmc': accepted are manifold, gmm"):
        make_sampler("mcmc")


# What samplers are free to do otherwise than scikit-learn's estimators.
LEFT_OUT = {
    "check_fit_score_takes_y": "the second argument of fit is conditions",
    "check_estimators_empty_data_messages": "a collapsed model has no latents to fit",
}

# Parameters with which a fit is quick.
QUICK = {
    "gmm": {"max_components": 1},
    "kde": {"bandwidth": "silverman"},
    "rejection": {"bandwidth": "silverman", "max_components": 1},
}


def test_samplers_are_estimators_of_sklearn(name):
    pytest.importorskip("sklearn", minversion="1.6")
    made = make_sampler(name, seed=3, **QUICK.get(name, {}))
    assert clone(made).get_params() == made.get_params()
    check_estimator(made, expected_failed_checks=LEFT_OUT, on_skip=None)


def test_a_sampler_is_fitted_before_it_draws(name):
    with pytest.raises(NotFittedError):
        make_sampler(name).sample(3)


def test_the_old_name_of_the_fit_of_a_stratum_warns():
    with pytest.warns(DeprecationWarning, match="fit_cell is now fit_stratum") as said:

        class Constant(LatentSampler):
            def fit_cell(self, x, deviations, weights, rng):
                return x.mean()

    assert said[0].filename == __file__
    assert Constant().fit(np.full((4, 2), 3.0)).strata_ == {0: 3.0}
