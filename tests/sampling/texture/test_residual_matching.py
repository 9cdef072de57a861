import numpy as np
import pytest

from dipy_tractogen.sampling.texture.residual_matching import (
    Descriptors,
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
    places = rng.uniform(0, 30, 800)
    sizes = rng.uniform(4, 5, (800, 1))
    return (
        Descriptors(np.repeat([3, 1], 400), sizes, coarse_shapes(straight(places))),
        places,
    )


def test_shapes_are_means_first_and_in_mm():
    shapes = coarse_shapes(straight(np.array([7.0])))
    assert shapes.shape == (1, 18)
    np.testing.assert_allclose(shapes[0, :3], [30, 7, 0], atol=1e-4)
    assert coarse_shapes(np.zeros((5, 2, 3))).shape == (5, 6)


def test_the_drawn_ones_are_of_the_bundle_and_near(known):
    known, places = known
    asked_places = np.linspace(3, 27, 200)
    asked = Descriptors(
        np.tile([1, 3], 100),
        np.full((200, 1), 4.5),
        coarse_shapes(straight(asked_places)),
    )
    chosen = ResidualMatcher(known, (1.0,)).draw(asked, seed=0)
    np.testing.assert_array_equal(known.labels[chosen], asked.labels)
    assert np.median(np.abs(places[chosen] - asked_places)) < 3
    assert np.median(np.abs(known.sizes[chosen] - 4.5)) < 0.1
    # Without weight the size does not matter, and the place is found better.
    without = ResidualMatcher(known, (0.0,)).draw(asked, seed=0)
    assert np.std(known.sizes[without]) > 2 * np.std(known.sizes[chosen])


def test_a_draw_has_variety_and_a_seed(known):
    known, _ = known
    asked = Descriptors(
        np.full(300, 1), np.full((300, 1), 4.5), known.shapes[[500] * 300]
    )
    similar = ResidualMatcher(known, (1.0,))
    chosen = similar.draw(asked, seed=(1, 2))
    assert 8 <= len(np.unique(chosen)) <= 150
    np.testing.assert_array_equal(chosen, similar.draw(asked, seed=(1, 2)))
    assert (chosen != similar.draw(asked, seed=3)).any()
