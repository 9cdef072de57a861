import keras
import numpy as np
import pytest

from dipy_tractogen.nn.backbones.spectral import SpectralBackbone
from dipy_tractogen.nn.layers import (
    CosineAnalysis,
    CosineSynthesis,
    Reparameterisation,
    Standardisation,
    log_variance,
)


@pytest.fixture
def points():
    steps = np.random.default_rng(0).normal(size=(6, 32, 3))
    return np.cumsum(steps, axis=1).astype(np.float32)


def test_synthesis_undoes_a_whole_analysis(points):
    back = CosineSynthesis(32, 32)(CosineAnalysis(32, 32)(points))
    np.testing.assert_allclose(back, points, atol=1e-4)


def test_backbone_analyses_as_its_layer_does(points):
    backbone = SpectralBackbone(32, 10)
    np.testing.assert_allclose(
        backbone.analyse(points), backbone.analysis()(points), atol=1e-4
    )
    assert backbone.analyse(points).shape[1:] == backbone.feature_shape


def test_few_points_have_fewer_coefficients():
    assert SpectralBackbone(10).nb_coefficients == 10
    assert SpectralBackbone(256).nb_coefficients == 24


def test_standardisation_and_back(points):
    layer = Standardisation()
    layer.build(points.shape)
    layer.adapt(points)
    standard = np.asarray(layer(points))
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(standard.std(axis=0), 1, atol=1e-4)
    np.testing.assert_allclose(layer.restore(standard), points, atol=1e-4)


def test_standardisation_of_what_never_varied_stays_finite():
    layer = Standardisation()
    layer.build((4, 3))
    layer.adapt(np.ones((4, 3)))
    assert np.abs(layer(np.full((1, 3), 1.5))).max() < 100


def test_latents_are_drawn_in_training_only():
    mean, log_var = np.full((5000, 2), 3.0), np.full((5000, 2), np.log(0.25))
    layer = Reparameterisation(seed=1)
    np.testing.assert_array_equal(layer((mean, log_var), training=False), mean)
    drawn = np.asarray(layer((mean, log_var), training=True))
    assert drawn.mean() == pytest.approx(3, abs=0.03)
    assert drawn.std() == pytest.approx(0.5, abs=0.02)
    again = Reparameterisation(seed=1)((mean, log_var), training=True)
    np.testing.assert_array_equal(again, drawn)


@pytest.mark.parametrize(
    "layer",
    [CosineAnalysis(20, 5), CosineSynthesis(20, 5), Reparameterisation(seed=4)],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_are_made_again_from_their_configuration(layer):
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == layer.get_config()


def test_noise_of_the_draw_can_be_less_or_none():
    mean, log_var = np.zeros((5000, 2)), np.zeros((5000, 2))
    drawn = [
        Reparameterisation(1, epsilon_std)((mean, log_var), training=True)
        for epsilon_std in (1.0, 0.5, 0.0)
    ]
    spread = [np.std(keras.ops.convert_to_numpy(each)) for each in drawn]
    np.testing.assert_allclose(spread, [1, 0.5, 0], atol=0.02)


@pytest.mark.parametrize("deviation", ["exp", "softplus"])
def test_zero_is_a_deviation_of_one(deviation):
    np.testing.assert_allclose(log_variance(np.zeros(1), deviation, 10.0), 0, atol=1e-6)


def test_softplus_grows_with_its_input_where_exp_explodes():
    raw = np.array([50.0, 500.0], dtype="float32")
    sigma = np.exp(log_variance(raw, "softplus", None) / 2)
    np.testing.assert_allclose(sigma, raw, rtol=0.02)
    with np.errstate(over="ignore"):
        assert np.isinf(np.exp(log_variance(raw, "exp", None) / 2)[1])


@pytest.mark.parametrize("deviation", ["exp", "softplus"])
def test_limit_holds_either_way(deviation):
    raw = np.array([-1e6, 1e6], dtype="float32")
    np.testing.assert_allclose(log_variance(raw, deviation, 3.0), [-3, 3])


def test_softplus_is_finite_far_below_zero():
    found = log_variance(np.array([-1e6], dtype="float32"), "softplus", None)
    assert np.isfinite(found).all()


def test_standardisation_of_many_is_found_in_blocks(monkeypatch):
    features = np.random.default_rng(0).normal(5, 3, (50, 4, 3)).astype(np.float32)
    found = []
    for block in (7, 50):
        monkeypatch.setattr("dipy_tractogen.nn.layers._BLOCK", block)
        layer = Standardisation()
        layer.build((None, 4, 3))
        layer.adapt(features)
        found.append(layer)
    for one in found:
        np.testing.assert_allclose(one.mean, features.mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(one.deviation, features.std(axis=0), rtol=1e-5)
