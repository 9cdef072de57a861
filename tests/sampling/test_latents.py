import numpy as np
import pytest

from dipy_tractogen.sampling import latents
from dipy_tractogen.sampling.latents import LatentPosteriors

NB_LATENTS = 60


def posteriors_of(codes, seed=0, **given):
    rng = np.random.default_rng(seed)
    codes = np.asarray(codes)
    z = rng.normal(size=(len(codes), 3))
    return LatentPosteriors.of(
        z, np.abs(z) / 10, codes, rng.normal(size=(len(codes), 2)), **given
    )


@pytest.fixture
def posteriors():
    return posteriors_of(np.repeat([[0, 1], [2, 0], [2, 1]], 20, axis=0))


def test_combinations_are_found_with_counts_and_ranges(posteriors):
    np.testing.assert_array_equal(posteriors.strata, [[0, 1], [2, 0], [2, 1]])
    np.testing.assert_array_equal(posteriors.counts, [20, 20, 20])
    for stratum in range(3):
        own = posteriors.numbers[posteriors.stratum_of == stratum]
        np.testing.assert_array_equal(posteriors.low[stratum], own.min(axis=0))
        np.testing.assert_array_equal(posteriors.high[stratum], own.max(axis=0))


def test_latents_kept_are_bounded_and_counts_are_of_all(monkeypatch):
    monkeypatch.setattr(latents, "MOST_PER_STRATUM", 7)
    codes = np.repeat([[0], [1]], [40, 5], axis=0)
    kept = posteriors_of(codes)
    np.testing.assert_array_equal(np.bincount(kept.stratum_of), [7, 5])
    np.testing.assert_array_equal(kept.counts, [40, 5])
    monkeypatch.setattr(latents, "MOST_IN_ALL", 6)
    np.testing.assert_array_equal(np.bincount(posteriors_of(codes).stratum_of), [3, 3])


def test_mix_has_the_stated_shares(posteriors):
    other = posteriors_of(np.repeat([[0, 1], [3, 0]], [90, 10], axis=0), seed=1)
    mixed = posteriors.mixed_with(other, 0.25)
    np.testing.assert_array_equal(mixed.strata, [[0, 1], [2, 0], [2, 1], [3, 0]])
    np.testing.assert_allclose(
        mixed.counts, [0.75 / 3 + 0.25 * 0.9, 0.25, 0.25, 0.25 * 0.1]
    )
    assert (np.diff(mixed.stratum_of) >= 0).all()
    first = mixed.stratum_of == 0
    from_other = np.isin(mixed.means[:, 0], other.means[:, 0])
    assert mixed.weights[first & from_other].sum() == pytest.approx(0.25)
    assert mixed.weights[first & ~from_other].sum() == pytest.approx(0.75)
    assert mixed.low[0, 0] == min(posteriors.low[0, 0], other.low[0, 0])
    assert mixed.high[0, 1] == max(posteriors.high[0, 1], other.high[0, 1])


def test_shares_of_nothing_and_all_give_one_of_the_two(posteriors):
    other = posteriors_of([[0, 1]], seed=1)
    assert posteriors.mixed_with(other, 0) is posteriors
    assert posteriors.mixed_with(other, 1) is other
    with pytest.raises(ValueError, match=r"share=1\.5: give a number from 0"):
        posteriors.mixed_with(other, 1.5)


def test_arrays_give_the_same_latents(posteriors):
    copy = LatentPosteriors.from_arrays(posteriors.to_arrays())
    for name, array in vars(posteriors).items():
        np.testing.assert_array_equal(getattr(copy, name), array)


def test_names_in_files_stay(posteriors):
    assert list(posteriors.to_arrays()) == list(latents.POSTERIOR_ARRAYS)
    with pytest.warns(DeprecationWarning, match="cell_of is now stratum_of"):
        assert posteriors.cell_of is posteriors.stratum_of


def test_latents_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="train again"):
        LatentPosteriors.of(
            np.array([[np.nan]]), np.ones((1, 1)), np.zeros((1, 1)), np.ones((1, 1))
        )
