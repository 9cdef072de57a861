import keras
from keras import ops
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from dipy_tractogen.nn.backbones.convolution import (
    LinearUpsampling,
    ReflectedConvolution,
)

from ..gradients import gradient, gradients_of

RNG = np.random.default_rng(0)


def by_definition(signal, layer):
    """Mirror without repeating the end, then convolve."""
    kernel, bias = layer.get_weights()
    margin = len(kernel) // 2
    padded = np.pad(signal, ((0, 0), (margin, margin), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=1)
    everywhere = np.einsum("npck,kcf->npf", windows, kernel) + bias
    return everywhere[:, :: layer.strides]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    ("length", "channels", "options"),
    [
        (8, 5, {"filters": 6}),
        (10, 5, {"filters": 6}),
        (8, 5, {"filters": 6, "strides": 2}),
        (9, 5, {"filters": 6, "strides": 2}),
        (8, 12, {"filters": 3}),
        (8, 5, {"filters": 6, "kernel_size": 5}),
        (8, 5, {"filters": 6, "kernel_size": 1}),
    ],
)
def test_convolution_follows_its_definition(length, channels, options, training):
    signal = RNG.normal(size=(3, length, channels)).astype("float32")
    layer = ReflectedConvolution(**options)
    layer.build(signal.shape)
    layer.bias.assign(RNG.normal(size=layer.bias.shape))
    convolved = ops.convert_to_numpy(layer(signal, training=training))
    assert convolved.shape == layer.compute_output_shape(signal.shape)
    np.testing.assert_allclose(convolved, by_definition(signal, layer), atol=1e-5)


def test_gradients_do_not_depend_on_how_it_is_computed():
    signal = RNG.normal(size=(3, 8, 16)).astype("float32")
    layer = ReflectedConvolution(6)
    layer.build(signal.shape)

    def gradients(training):
        def outputs(inputs=signal):
            return ops.sin(layer(inputs, training=training))

        return [gradient(outputs, signal), *gradients_of(outputs, layer.weights)]

    for plain, fast in zip(gradients(False), gradients(True), strict=True):
        assert np.abs(plain).max() > 0.1
        np.testing.assert_allclose(plain, fast, atol=1e-4)


def test_upsampling_interpolates_between_centres_of_cells():
    signal = RNG.normal(size=(2, 6, 3)).astype("float32")
    centres = (np.arange(12) + 0.5) / 2 - 0.5
    expected = [
        [map_coordinates(line, [centres], order=1, mode="nearest") for line in one.T]
        for one in signal
    ]
    np.testing.assert_allclose(
        LinearUpsampling()(signal), np.transpose(expected, (0, 2, 1)), atol=1e-6
    )


def test_straight_line_stays_straight_inside():
    line = np.linspace(0, 7, 8, dtype="float32")[None, :, None]
    doubled = np.ravel(LinearUpsampling()(line))
    np.testing.assert_allclose(np.diff(doubled[1:-1]), 0.5)


def test_layers_are_made_again_from_their_config():
    layer = ReflectedConvolution(6, 5, 2, kernel_initializer="zeros")
    again = ReflectedConvolution.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert isinstance(again.kernel_initializer, keras.initializers.Zeros)


@pytest.mark.parametrize(
    "options", [{"filters": 0}, {"kernel_size": 4}, {"kernel_size": 0}, {"strides": 0}]
)
def test_impossible_convolutions_are_refused(options):
    with pytest.raises(ValueError, match="odd kernel_size"):
        ReflectedConvolution(**{"filters": 2, **options})


def test_signals_too_short_to_be_mirrored_are_refused():
    with pytest.raises(ValueError, match="only 2 points are left"):
        ReflectedConvolution(2, kernel_size=5)(np.zeros((1, 2, 3), "float32"))
