"""Samplers and seeds, with every model."""

from dataclasses import replace

import numpy as np
import pytest

from dipy_tractogen.nn import AAE, AE, CVAE, RVAE, VAE
from dipy_tractogen.nn.density import draw_prior
from dipy_tractogen.sampling.samplers.gmm import MixtureSampler
from dipy_tractogen.sampling.samplers.registry import SAMPLERS

# All read the same posteriors, which an AE has without deviations; the prior is of the
# model, and the density of an RVAE has a number more.
PAIRS = [(each, "manifold") for each in (AE, VAE, CVAE, RVAE, AAE)]
PAIRS += [(each, "prior") for each in (AE, CVAE, RVAE, AAE)]
OTHERS = sorted(set(SAMPLERS) - {"manifold", "prior"})
PAIRS += [(each, sampler) for each in (AE, RVAE) for sampler in OTHERS]


@pytest.mark.parametrize(("model_class", "sampler"), PAIRS, scope="session")
def test_every_sampler_generates(trained, sampler):
    points, labels = trained.generate(14, sampler=sampler, seed=1)
    assert points.shape == (14, trained.nb_points, 3)
    assert np.isfinite(points).all()
    np.testing.assert_array_equal(np.bincount(labels), [2] * 7)
    if sampler != "manifold":
        assert not np.allclose(points, trained.generate(14, seed=1)[0], atol=0.1)
    if sampler != "prior":
        expected = trained.generate(140, seed=0)[0].mean(axis=1)
        near = np.linalg.norm(points.mean(axis=1)[:, None] - expected, axis=2)
        assert np.median(near.min(axis=1)) < 10


def test_default_sampler_is_the_first(trained):
    default, named = (trained.generate(5, sampler=s)[0] for s in (None, "manifold"))
    np.testing.assert_array_equal(default, named)


def test_sampler_may_be_an_object(trained):
    one = MixtureSampler(max_components=1)
    points, _ = trained.generate(7, sampler=one, seed=1)
    assert len(one.strata_[0].weights) == 1
    assert points.shape[0] == 7


def test_unknown_sampler_is_refused(trained):
    with pytest.raises(ValueError, match="sampler='mcmc': accepted are manifold"):
        trained.generate(5, sampler="mcmc")


def test_prior_depends_on_what_the_model_says_of_it(trained, arrays):
    """Numbers of an RVAE move its prior along one direction; others have none."""
    rng = np.random.default_rng(0)
    conditions = trained.record.density.conditions
    codes = np.zeros((4000, len(conditions.categorical)), dtype=int)
    means = [
        draw_prior(
            trained, codes, np.full((4000, len(conditions.continuous)), number), rng
        ).mean(axis=0)
        for number in (-2.0, 2.0)
    ]
    distance = np.linalg.norm(means[1] - means[0])
    if type(trained).__name__ == "RVAE":
        assert distance == pytest.approx(4, abs=0.3)
    else:
        assert distance < 0.3


def test_mixture_prior_of_an_adversary_is_by_bundle(arrays):
    options = {"hidden_units": (8,)}
    model = AAE(24, 4, prior="mixture", backbone_options=options)
    model.fit(**arrays, epochs=1)
    rng = np.random.default_rng(0)
    for code in (0, 3):
        drawn = draw_prior(model, np.full((500, 1), code), np.zeros((500, 1)), rng)
        np.testing.assert_allclose(
            drawn.mean(axis=0), model.adversary._prior.means[code], atol=0.25
        )


def test_seeds_give_their_bundles_in_their_proportions(trained, arrays):
    names = np.array(arrays["bundle_names"])[arrays["labels"]]
    some = np.concatenate(
        [np.flatnonzero(names == "bundle_2")[:3], np.flatnonzero(names == "bundle_5")]
    )
    seeds = trained.seeds_of(arrays["points"][some], {"bundle": names[some]})
    nb_others = len(some) - 3
    _, labels = trained.generate(10 * len(some), seeds=seeds)
    counts = np.bincount(labels, minlength=7)
    assert counts[1] == 30
    assert counts[4] == 10 * nb_others
    assert counts.sum() == 10 * len(some)


def test_streamlines_are_like_their_seeds(trained, arrays):
    """Seeds from the shortest streamlines of a bundle give short ones."""
    first = np.flatnonzero(arrays["labels"] == 0)
    length = np.linalg.norm(np.diff(arrays["points"][first], axis=1), axis=2).sum(1)
    shortest = first[np.argsort(length)[:3]]
    seeds = trained.seeds_of(
        arrays["points"][shortest], {"bundle": np.repeat("bundle_1", 3)}
    )
    asked = {"return_values": True, "bundles": "bundle_1"}
    like = trained.generate(60, seeds=seeds, **asked)[2]["length"]
    free = trained.generate(60, **asked)[2]["length"]
    assert like.mean() < free.mean()
    assert np.median(like) < np.sort(length)[2] * 1.2


def test_mix_of_subject_and_atlas(trained, arrays):
    names = np.array(arrays["bundle_names"])[arrays["labels"]]
    banks = [
        trained.seeds_of(arrays["points"][rows], {"bundle": names[rows]})
        for rows in (names == "bundle_1", names == "bundle_2")
    ]
    mixed = banks[0].mixed_with(banks[1], 0.25)
    _, labels = trained.generate(40, seeds=mixed)
    np.testing.assert_array_equal(np.bincount(labels), [30, 10])


@pytest.mark.parametrize(
    ("values", "nb_streamlines", "said"),
    [
        ({"bundle": np.repeat("fornix", 2)}, 2, "fornix"),
        ({}, 2, "bundle"),
        ({"bundle": np.repeat("bundle_1", 0)}, 0, "no streamlines to generate"),
        ({"bundle": np.repeat("bundle_1", 3)}, 2, r"shape \(3,\), for 2 streamlines"),
    ],
)
def test_impossible_seeds_are_refused(trained, arrays, values, nb_streamlines, said):
    with pytest.raises(ValueError, match=said):
        trained.seeds_of(arrays["points"][:nb_streamlines], values)


def test_seeds_are_what_the_model_made_of_streamlines(trained, arrays):
    with pytest.raises(ValueError, match="type ndarray: give what seeds_of makes"):
        trained.generate(5, seeds=arrays["points"])
    posteriors = trained.record.density.posteriors
    fewer = replace(posteriors, means=posteriors.means[:, 1:])
    with pytest.raises(ValueError, match="the model 4: encode them by seeds_of"):
        trained.generate(5, seeds=fewer)
