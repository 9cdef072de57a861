import numpy as np
import pytest

from dipy_tractogen.sampling.shared.texture import FittedTexture
from dipy_tractogen.sampling.texture.condition_effects import (
    effects_of,
    fit_effects,
    fit_gains_and_effects,
)
from dipy_tractogen.sampling.texture.texture import Texture
from dipy_tractogen.streamlines.geometry import lengths

NB_POINTS = 32
# What a unit of the condition moves the streamlines of both bundles by, in mm.
SHIFTS = np.array([1.5, -1.0])


def aged(nb_streamlines, seed):
    """Two bundles whose place depends on a condition, and their decoded streamlines.

    The decoder has the effect of the condition, and little more of the place of a
    streamline than noise.
    """
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], nb_streamlines)
    age = rng.normal(size=(len(labels), 1))
    along = np.linspace(-0.5, 0.5, NB_POINTS)
    points = np.zeros((len(labels), NB_POINTS, 3), dtype=np.float32)
    points[..., 0] = rng.uniform(70, 80, (len(labels), 1)) * along
    points[..., 1] = SHIFTS[labels][:, None] * age
    means = points.copy()
    places = rng.normal(size=(len(labels), 1, 3))
    points += places
    means += 0.5 * places + 0.7 * rng.normal(size=places.shape)
    return points, means, labels, age


def slopes(points, labels, age, at):
    """Change of the place of the points `at` with the condition, over the true one."""
    y = points[:, at, 1].mean(axis=1)
    found = [
        np.polyfit(age[labels == one, 0], y[labels == one], 1)[0] for one in (0, 1)
    ]
    return np.array(found) / SHIFTS


@pytest.fixture(scope="module")
def fitted():
    points, means, labels, age = aged(1000, seed=0)
    return Texture().fit(points, means, labels, conditions=age, seed=0)


@pytest.mark.parametrize("at", [[0, -1], [15, 16]])
@pytest.mark.parametrize("share", [lambda texture: texture, FittedTexture.of])
def test_texture_keeps_the_effect_of_a_condition(fitted, share, at):
    points, means, labels, age = aged(2000, seed=1)
    given = (means, labels, lengths(points))

    texture = share(fitted)

    def changed(**options):
        made = texture.apply(*given, seed=0, **options)._data.reshape(points.shape)
        return slopes(made, labels, age, at)

    np.testing.assert_allclose(changed(conditions=age), 1, atol=0.09)
    # Residuals and ends of streamlines with other conditions weaken it.
    assert changed().max() < 0.92


def test_files_of_earlier_versions_know_no_effects(fitted):
    _, means, labels, age = aged(50, seed=1)
    arrays = fitted.to_arrays()
    copy = Texture.from_arrays(arrays)
    earlier = Texture.from_arrays(
        {
            name: each
            for name, each in arrays.items()
            if name not in ("conditions", "effects", "ends_effects")
        }
    )
    sizes = np.full(len(labels), 75.0)
    made = [
        texture.apply(means, labels, sizes, conditions=age)._data
        for texture in (fitted, copy, earlier)
    ]
    np.testing.assert_array_equal(made[0], made[1])
    assert np.abs(made[2] - made[0]).max() > 0.5
    np.testing.assert_array_equal(made[2], earlier.apply(means, labels, sizes)._data)


def test_arrays_have_effects_on_each_bundle_or_none(fitted):
    arrays = fitted.to_arrays()
    for name, each, word in (
        ("effects", arrays["effects"][:1], "effects"),
        ("conditions", arrays["conditions"][:, :0], "shape"),
        ("ends_effects", np.zeros((2, 3, 2, 3)), "ends_effects"),
    ):
        with pytest.raises(ValueError, match=word):
            Texture.from_arrays({**arrays, name: each})
    without = {name: each for name, each in arrays.items() if name != "conditions"}
    with pytest.raises(ValueError, match="conditions"):
        Texture.from_arrays(without)


def test_conditions_that_do_not_fit_are_refused(fitted):
    points, means, labels, age = aged(50, seed=1)
    with pytest.raises(ValueError, match="conditions"):
        fitted.apply(means, labels, lengths(points), conditions=age[:5])
    with pytest.raises(ValueError, match="conditions of shape"):
        Texture().fit(points, means, labels, conditions=age[:5])
    with pytest.raises(ValueError, match="NaN"):
        Texture().fit(points, means, labels, conditions=age * np.nan)


def test_effects_are_those_of_each_bundle():
    rng = np.random.default_rng(0)
    bundles = np.repeat([0, 1, 2], [300, 300, 2])
    conditions = rng.normal(size=(602, 2)) + 5
    true = np.array([[1.0, 2.0], [-3.0, 0.0], [4.0, 4.0]])
    values = 100 + np.einsum("nq,nq->n", conditions, true[bundles])
    effects = fit_effects(values[:, None], conditions, bundles, 4)
    assert effects.shape == (4, 2, 1)
    np.testing.assert_allclose(effects[:2, :, 0], true[:2], atol=0.06)
    # Two streamlines say little of effects, none nothing.
    assert np.abs(effects[2]).max() < 2
    assert not effects[3].any()
    found = effects_of(effects, conditions, bundles)[:600, 0]
    changes = np.diff(values[:600])[np.diff(bundles[:600]) == 0]
    np.testing.assert_allclose(
        np.diff(found)[np.diff(bundles[:600]) == 0], changes, atol=0.3
    )
    none = fit_effects(values[:, None], conditions[:, :0], bundles, 3)
    assert not effects_of(none, conditions[:, :0], bundles).any()


def test_gains_are_those_of_what_conditions_do_not_say():
    rng = np.random.default_rng(0)
    bundles = np.zeros(2000, dtype=int)
    conditions = 3 * rng.normal(size=(2000, 1))
    decoded = rng.normal(size=(2000, 2, 3))
    real = np.array([0.6, 0.8])[:, None] * decoded
    both = [each + conditions[:, :, None] for each in (real, decoded)]
    gains, effects = fit_gains_and_effects(*both, conditions, bundles, 1)
    np.testing.assert_allclose(gains, [0.6, 0.8], atol=0.02)
    np.testing.assert_allclose(effects[0, 0], [[0.4] * 3, [0.2] * 3], atol=0.03)
