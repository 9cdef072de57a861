"""Latents without the offsets of simulated subjects, whose bundles end sharply."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from dipy_tractogen.sampling.condition_request import ConditionRequest
from dipy_tractogen.sampling.density import ConditionalDensity
from dipy_tractogen.sampling.latents import LatentPosteriors, stored_rows
from dipy_tractogen.sampling.samplers.gmm import MixtureSampler
from dipy_tractogen.sampling.samplers.manifold import ManifoldSampler
from dipy_tractogen.sampling.samplers.prior import PriorSampler
from dipy_tractogen.sampling.subject.density import SubjectDensity
from dipy_tractogen.sampling.subject.effect import BundleEffect, SubjectEffect
from dipy_tractogen.sampling.subject.estimate import (
    estimate_variation,
    subject_offsets,
)
from dipy_tractogen.sampling.subject.variation import SubjectVariation
from dipy_tractogen.sampling.subject.within import within_subjects
from dipy_tractogen.streamlines.conditions import Conditions

NB_SUBJECTS, NB_STREAMLINES = 40, 30
BETWEEN = 1.0
KURTOSIS_OF_A_BOX = -1.2


@pytest.fixture(scope="module")
def simulated():
    """A density, where its subjects lie, and offsets: boxes, on a curve of the age."""
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(NB_SUBJECTS), NB_STREAMLINES)
    age = np.linspace(20, 80, NB_SUBJECTS)[subjects]
    moves = BETWEEN * rng.normal(size=(NB_SUBJECTS, 2))
    z = rng.uniform(-np.sqrt(3), np.sqrt(3), (len(subjects), 2)) + moves[subjects]
    z[:, 0] += curve(age)
    values = {"bundle": np.repeat("a", len(age)), "age": age}
    conditions = Conditions.of(values)
    codes, numbers = conditions.codes(values), conditions.standardised(values)
    posteriors = LatentPosteriors.of(z, np.zeros_like(z), codes, numbers)
    density = ConditionalDensity(conditions, posteriors)
    variation = estimate_variation(z, np.zeros_like(z), codes[:, 0], subjects, numbers)
    strata = np.zeros(len(z), dtype=int)
    groups = codes[:, 0], strata, subjects
    offsets, offset_of = subject_offsets(variation, z, *groups, numbers)
    stored = offset_of[stored_rows(strata, 0)]
    density.subjects = variation.with_offsets(offsets, stored)
    return density, moves, offsets[offset_of[::NB_STREAMLINES]]


def curve(age):
    return ((age - 50) / 15) ** 2


def drawn(density, age):
    effect = SubjectEffect({0: BundleEffect(np.zeros(2), np.eye(2))})
    subject = SubjectDensity(density, effect)
    request = ConditionRequest(density.conditions, {"age": age})
    return subject.sample(4000, 0, request, 1)[1]


def kurtosis(z):
    away = (z[:, 1] - z[:, 1].mean()) / z[:, 1].std()
    return (away**4).mean() - 3


def test_offsets_are_where_subjects_lie(simulated):
    _, moves, found = simulated
    # The law of the age is estimated with them.
    assert np.sqrt(np.mean((found - moves) ** 2)) < 0.4 * BETWEEN


def test_bundle_of_a_subject_ends_as_those_of_the_training_do(simulated):
    density = simulated[0]
    apart = copy_without_offsets(density)
    within, mixed = (kurtosis(drawn(one, 50.0)) for one in (density, apart))
    assert within < 0.75 * KURTOSIS_OF_A_BOX < mixed


def test_means_follow_the_curve_of_an_age(simulated):
    density = simulated[0]
    means = [drawn(density, age)[:, 0].mean() for age in (25.0, 50.0, 75.0)]
    assert means[0] - means[1] > 1
    assert means[2] - means[1] > 1


def test_without_offsets_the_density_is_that_of_the_training(simulated):
    density = simulated[0]
    apart = copy_without_offsets(density)
    assert within_subjects(apart) is apart
    assert within_subjects(density) is within_subjects(density)
    # Streamlines of unknown subjects stay where they are.
    none = replace(
        density.subjects, offset_of=np.full(len(density.posteriors.means), -1)
    )
    apart.subjects = none
    means = within_subjects(apart).posteriors.means
    np.testing.assert_array_equal(means, density.posteriors.means)


def test_offsets_of_stored_streamlines_are_kept(simulated):
    density = simulated[0]
    known = replace(density.subjects, offsets=None, offset_of=None)
    offsets = np.arange(8.0, dtype=np.float32).reshape(4, 2)
    kept = known.with_offsets(offsets, np.array([3, -1, 1, 3]))
    np.testing.assert_array_equal(kept.offsets, offsets[[1, 3]])
    np.testing.assert_array_equal(kept.offset_of, [1, -1, 0, 1])
    arrays = kept.to_arrays()
    again = SubjectVariation.from_arrays(arrays)
    np.testing.assert_array_equal(again.offset_of, kept.offset_of)
    assert kept.of_bundles(np.array([0]), 2).offsets is None
    del arrays["offsets"]
    with pytest.raises(ValueError, match="offset_of"):
        SubjectVariation.from_arrays(arrays)


class OtherSampler(MixtureSampler):
    """One whose width is not that of kernels."""

    def __init__(self, *, width=None, seed=0):
        super().__init__(max_components=1, seed=seed)
        self.width = width


@pytest.mark.parametrize(
    ("sampler", "width"),
    [
        (None, 0.7 * 0.7),
        (ManifoldSampler(width=0.3), 0.7 * 0.3),
        (OtherSampler(), None),
        (OtherSampler(width=64), 64),
    ],
)
def test_kernels_of_a_manifold_are_narrower(simulated, sampler, width):
    density = simulated[0].with_sampler(sampler)
    fitted = within_subjects(density).sampler
    assert fitted.width == width
    assert fitted is not sampler


def test_samplers_that_hold_a_model_are_refused_without_a_copy(simulated):
    sampler = PriorSampler(draw=partial(no_draw, simulated[0]))
    effect = SubjectEffect({0: BundleEffect(np.zeros(2), np.eye(2))})
    with pytest.raises(ValueError, match="cannot be changed to that of a subject"):
        SubjectDensity(simulated[0].with_sampler(sampler), effect)


def no_draw(density, *given):
    raise AssertionError


def test_limits_are_those_of_all_streamlines(simulated):
    density = simulated[0]
    lengths = np.random.default_rng(1).uniform(50, 60, len(density.posteriors.means))
    values = {"bundle": np.repeat("a", len(lengths)), "length": lengths}
    conditions = Conditions.of(values)
    numbers = conditions.standardised(values)
    known = LatentPosteriors.of(
        density.posteriors.means,
        density.posteriors.deviations,
        conditions.codes(values),
        numbers,
    )
    of_all = replace(known, low=known.low - 1, high=known.high + 2)
    made = ConditionalDensity(conditions, of_all)
    made.subjects = replace(
        density.subjects,
        offsets=np.full((1, 3), 0.5, dtype=np.float32),
        offset_of=np.zeros(len(lengths), dtype=np.int32),
    )
    within = within_subjects(made)
    np.testing.assert_allclose(within.low, known.low - 1 - 0.5)
    np.testing.assert_allclose(within.high, known.high + 2 - 0.5)


def copy_without_offsets(density):
    made = ConditionalDensity(density.conditions, density.posteriors)
    made.subjects = replace(density.subjects, offsets=None, offset_of=None)
    return made
