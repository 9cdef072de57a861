"""Densities of normal latents, changed to those of a subject."""

import numpy as np
import pytest

from dipy_tractogen.sampling.condition_request import ConditionRequest
from dipy_tractogen.sampling.density import ConditionalDensity
from dipy_tractogen.sampling.latents import LatentPosteriors
from dipy_tractogen.sampling.shared.density import FittedDensity
from dipy_tractogen.sampling.subject import SubjectEffect
from dipy_tractogen.sampling.subject.density import SubjectDensity, baselines_of
from dipy_tractogen.sampling.subject.effect import BundleEffect
from dipy_tractogen.streamlines.conditions import Conditions

SHIFT = np.array([0.5, 2.0, -1.0])
"""Of the length, standardised, and of two latents."""


@pytest.fixture(scope="module")
def density():
    """Two bundles, lengths of which the first latent is a line, and ages."""
    rng = np.random.default_rng(0)
    nb_latents = 1500
    length, age = rng.normal(100, 10, nb_latents), rng.normal(50, 5, nb_latents)
    values = {
        "bundle": np.array(["a", "b"])[np.arange(nb_latents) % 2],
        "length": length,
        "age": age,
    }
    z = np.column_stack([length / 10 + rng.normal(0, 0.3, nb_latents), age / 5])
    z[:, 1] += rng.normal(size=nb_latents)
    # One that is not active.
    z = np.column_stack([z, np.zeros(nb_latents)])
    conditions = Conditions.of(values)
    posteriors = LatentPosteriors.of(
        z,
        np.full_like(z, 0.05),
        conditions.codes(values),
        conditions.standardised(values),
        active=np.array([True, True, False]),
    )
    return ConditionalDensity(conditions, posteriors, seed=0)


@pytest.fixture(scope="module", params=["manifold", "gmm", "shared"])
def base(density, request):
    if request.param == "shared":
        return FittedDensity.of(density, np.arange(2))
    return density.with_sampler(request.param)


def effect_of(base):
    covariance = baselines_of(base)[0].covariance
    return SubjectEffect({0: BundleEffect(SHIFT, covariance / 4)}, {"age": 55.0})


def drawn(density, stratum, seed=1, **given):
    request = ConditionRequest(density.conditions, given)
    numbers, z = density.sample(4000, stratum, request, seed)
    return density.conditions.restored(numbers), z


def test_bundle_moves_and_narrows_at_the_age_of_the_subject(base):
    subject = SubjectDensity(base, effect_of(base))
    before, after = (drawn(each, 0, age=55) for each in (base, subject))
    moved = after[1].mean(axis=0) - before[1].mean(axis=0)
    np.testing.assert_allclose(moved[:2], SHIFT[1:], atol=0.1)
    longer = after[0]["length"].mean() - before[0]["length"].mean()
    deviation = base.conditions["length"].deviation
    assert longer == pytest.approx(SHIFT[0] * deviation, abs=0.6)
    ratio = after[1].std(axis=0) / before[1].std(axis=0)
    np.testing.assert_allclose(ratio[:2], 0.5, rtol=0.1)
    np.testing.assert_allclose(after[0]["age"], 55)
    # Latents that say nothing stay standard normal.
    assert after[1][:, 2].std() == pytest.approx(1, abs=0.1)


def test_other_bundles_are_those_of_the_model(base):
    subject = SubjectDensity(base, effect_of(base))
    for one, other in zip(drawn(base, 1)[1].T, drawn(subject, 1)[1].T):
        np.testing.assert_array_equal(one, other)


def test_requested_length_holds_and_has_its_latents(base):
    """The line of the subject is moved: 2 more for half a deviation."""
    subject = SubjectDensity(base, effect_of(base))
    values, z = drawn(subject, 0, length=104.0, age=55)
    np.testing.assert_allclose(values["length"], 104)
    expected = drawn(base, 0, length=99.0, age=55)[1][:, 0].mean() + 2
    assert z[:, 0].mean() == pytest.approx(expected, abs=0.15)


def test_lengths_keep_their_range_about_the_subject(base):
    subject = SubjectDensity(base, effect_of(base))
    width, own = (np.ptp([one.low[0], one.high[0]], axis=0) for one in (base, subject))
    assert own[0] == pytest.approx(width[0] / 2, rel=0.15)
    assert own[1] == pytest.approx(width[1])
    lengths = drawn(subject, 0)[0]["length"]
    low, high = subject.conditions.restored(
        np.stack([subject.low[0], subject.high[0]])
    )["length"]
    assert lengths.min() > low - 0.11 * (high - low)
    assert lengths.max() < high + 0.11 * (high - low)


def test_pairs_are_the_same_draws_before_and_after(density):
    subject = SubjectDensity(density, effect_of(density))
    age = subject.conditions["age"]
    number = np.array([np.nan, (55 - age.mean) / age.deviation])
    (numbers, z), (others, moved) = subject.pairs(200, 0, number)
    matrix, offset = subject.maps[0]
    x = np.column_stack([numbers, z[:, :2]]) @ matrix.T + offset
    np.testing.assert_allclose(np.column_stack([others, moved[:, :2]]), x, atol=1e-5)
    np.testing.assert_array_equal(z[:, 2], moved[:, 2])


def test_sampler_without_mixtures_is_refused(density):
    effect = effect_of(density)
    with pytest.raises(ValueError, match="give the sampler manifold, gmm or kde"):
        SubjectDensity(density.with_sampler("prior"), effect)
