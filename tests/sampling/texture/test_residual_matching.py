import numpy as np
import pytest

from dipy_tractogen.sampling.texture.residual_matching import (
    ResidualMatcher,
    coarse_shapes,
)


def straight(places, nb_points=32):
    points = np.zeros((len(places), nb_points, 3))
    points[..., 0] = np.linspace(0, 60, nb_points)
    points[..., 1] = places[:, None]
    return points


@pytest.fixture(scope="module")
def known():
    """Two bundles, of places from 0 to 30 mm and lengths apart from them."""
    rng = np.random.default_rng(0)
    places, lengths = rng.uniform(0, 30, 800), np.exp(rng.uniform(4, 5, 800))
    return np.repeat([3, 1], 400), lengths, coarse_shapes(straight(places)), places


@pytest.fixture(scope="module")
def matcher(known):
    labels, lengths, shapes, _ = known
    return ResidualMatcher(labels, lengths, lengths, shapes)


def test_shapes_are_means_first_and_in_mm():
    shapes = coarse_shapes(straight(np.array([7.0])))
    assert shapes.shape == (1, 18)
    np.testing.assert_allclose(shapes[0, :3], [30, 7, 0], atol=1e-4)
    # Two points have two coefficients.
    short = coarse_shapes(straight(np.array([7.0]), nb_points=2))
    assert short.shape == (1, 18)
    assert short[0, 0] > 0
    assert not short[0, 6:].any()


def test_the_drawn_ones_are_of_the_bundle_and_near(known, matcher):
    labels, lengths, _, places = known
    wanted_places, wanted_labels = np.linspace(3, 27, 200), np.tile([1, 3], 100)
    shapes = coarse_shapes(straight(wanted_places))
    chosen = matcher.draw(wanted_labels, *[np.full(200, 90.0)] * 2, shapes, seed=0)
    np.testing.assert_array_equal(labels[chosen], wanted_labels)
    assert np.median(np.abs(places[chosen] - wanted_places)) < 3
    assert np.median(np.abs(np.log(lengths[chosen] / 90))) < 0.1


def test_the_ratio_to_the_decoded_length_counts_less_than_the_length(known):
    labels, lengths, shapes, _ = known
    ratios = np.random.default_rng(1).uniform(1, 2, 800)
    matcher = ResidualMatcher(labels, lengths / ratios, lengths, shapes)
    draw = (np.full(300, 1), np.full(300, 90 / 1.5), np.full(300, 90.0))
    chosen = matcher.draw(*draw, shapes[[500] * 300], seed=0)
    off = [
        np.std(np.log(each[chosen])) / np.std(np.log(each))
        for each in (lengths, ratios)
    ]
    assert 1.5 * off[0] < off[1] < 1


def test_a_draw_has_variety_and_a_seed(known, matcher):
    _, _, shapes, _ = known
    draw = (np.full(300, 1), *[np.full(300, 90.0)] * 2, shapes[[500] * 300])
    chosen = matcher.draw(*draw, seed=(1, 2))
    assert 3 <= len(np.unique(chosen)) <= 150
    np.testing.assert_array_equal(chosen, matcher.draw(*draw, seed=(1, 2)))
    assert (chosen != matcher.draw(*draw, seed=3)).any()
