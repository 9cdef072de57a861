"""The published network, against its definition evaluated in double precision."""

from keras import ops
import numpy as np
import pytest

from dipy_tractogen.nn import AAE, AE, RVAE, VAE, ConvBackbone, load_model
from dipy_tractogen.nn.backend import backend_name
from dipy_tractogen.nn.layers import seeded_weights

from ..conftest import NB_POINTS

LATENTS = 32


def convolve(signal, kernel, bias, step=1):
    """Mirror one point at each end; then a convolution over (n, channels, points)."""
    padded = np.concatenate([signal[..., 1:2], signal, signal[..., -2:-1]], axis=-1)
    taps = [padded[..., tap : tap + signal.shape[-1]] for tap in range(3)]
    convolved = np.einsum("kncp,kcf->nfp", taps, kernel)[..., ::step]
    return convolved + bias[:, None]


def double(signal):
    """Interpolate between the centres of cells of half the size."""
    nb_points = signal.shape[-1]
    at = np.clip((np.arange(2 * nb_points) + 0.5) / 2 - 0.5, 0, nb_points - 1)
    left = np.floor(at).astype(int)
    right = np.minimum(left + 1, nb_points - 1)
    return signal[..., left] * (1 - at + left) + signal[..., right] * (at - left)


def encode(points, weights):
    """Five convolutions that halve the points, with ReLU; one without either."""
    signal = points.transpose(0, 2, 1)
    for kernel, bias in weights[:5]:
        signal = np.maximum(convolve(signal, kernel, bias, 2), 0)
    return convolve(signal, *weights[5]).reshape(len(points), -1)


def decode(z, weights):
    """A dense layer; five convolutions with ReLU and upsampling; one without."""
    kernel, bias = weights[0]
    signal = (z @ kernel + bias).reshape(len(z), 1024, 8)
    for kernel, bias in weights[1:6]:
        signal = double(np.maximum(convolve(signal, kernel, bias), 0))
    return convolve(signal, *weights[6]).transpose(0, 2, 1)


def pairs(network):
    """Give kernels and biases in double precision."""
    weights = [weight.astype(float) for weight in network.get_weights()]
    return list(zip(weights[::2], weights[1::2]))


@pytest.fixture(scope="module")
def networks():
    backbone = ConvBackbone(256)
    with seeded_weights(0):
        return backbone.encoder(), backbone.decoder(LATENTS)


def test_number_of_weights_is_that_of_the_publication(networks):
    encoder, decoder = networks
    bottleneck = 8192 * LATENTS + LATENTS
    assert encoder.count_params() + bottleneck + decoder.count_params() == 4_726_307


def test_encoder_follows_its_definition(networks):
    encoder, _ = networks
    points = np.cumsum(np.random.default_rng(0).normal(size=(4, 256, 3)), axis=1)
    expected = encode(points, pairs(encoder))
    given = ops.convert_to_numpy(encoder(points.astype("float32")))
    assert expected.shape == (4, 8192)
    # Within the rounding of single precision over six layers.
    np.testing.assert_allclose(given, expected, atol=1e-6 * np.abs(expected).max())


def test_decoder_follows_its_definition_to_a_ten_thousandth_of_a_mm(networks):
    _, decoder = networks
    # Latents so large that streamlines span a brain.
    z = 400 * np.random.default_rng(0).normal(size=(6, LATENTS))
    expected = decode(z.astype("float32").astype(float), pairs(decoder))
    assert expected.shape == (6, 256, 3)
    assert 60 < np.abs(expected).max() < 150
    given = ops.convert_to_numpy(decoder(z.astype("float32")))
    np.testing.assert_allclose(given, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("nb_points", "options"),
    [
        (64, {}),
        (288, {}),
        (256, {"kernel_size": 5}),
        (256, {"kernel_size": 1}),
        (12, {"filters": (4, 6, 8)}),
    ],
)
def test_other_sizes_work(nb_points, options):
    backbone = ConvBackbone(nb_points, **options)
    points = np.zeros((2, *backbone.feature_shape), "float32")
    hidden = backbone.encoder()(points)
    cells = nb_points // 2 ** (len(backbone.filters) - 1)
    assert hidden.shape == (2, cells * backbone.filters[-1])
    assert backbone.decoder(5)(np.zeros((2, 5), "float32")).shape == points.shape


@pytest.mark.parametrize(
    ("nb_points", "options", "said"),
    [
        (100, {}, "multiple of 32, at least 64"),
        (32, {}, "multiple of 32, at least 64"),
        (64, {"kernel_size": 5}, "multiple of 32, at least 96"),
        (256, {"kernel_size": 4}, "odd number"),
        (256, {"filters": ()}, "filters"),
        (256, {"filters": (3, 0)}, "filters"),
    ],
)
def test_impossible_sizes_are_refused(nb_points, options, said):
    with pytest.raises(ValueError, match=said):
        ConvBackbone(nb_points, **options)


def test_batch_normalisation_follows_every_convolution_of_the_encoder():
    plain = ConvBackbone(12, filters=(4, 6, 8))
    normalised = ConvBackbone(12, filters=(4, 6, 8), batch_normalisation=True)
    kinds = [type(layer).__name__ for layer in normalised.encoder().layers]
    after = [kinds[i + 1] for i, k in enumerate(kinds) if k == "ReflectedConvolution"]
    assert after == ["BatchNormalization"] * 3
    assert plain.decoder(2).count_params() == normalised.decoder(2).count_params()
    # In training every channel leaves its convolution with mean 0 and deviation 1.
    points = np.random.default_rng(0).normal(7, 3, size=(50, 12, 3)).astype("float32")
    signal = normalised.encoder()(points, training=True)
    channels = ops.convert_to_numpy(signal).reshape(50, 8, 3)
    np.testing.assert_allclose(channels.mean(axis=(0, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(channels.std(axis=(0, 2)), 1, atol=1e-2)


def test_training_without_compilation_and_normalisation(arrays):
    model = AE(24, 4, backbone="conv", backbone_options={"filters": (4, 6, 8)})
    model.fit(**arrays, epochs=12, batch_size=21)
    first, last = model.record.history[0], model.record.history[-1]
    # JAX has no steps that are not compiled.
    assert model.network.jit_compile == (backend_name() == "jax")
    assert last["step"] == 36
    assert last["val_loss"] <= first["val_loss"]
    assert model.record.truncation_mm == 0


@pytest.fixture
def on_conv(model_class):
    """Make a small convolutional model with batch normalisation.

    One of the classes is trained with XLA: compilation takes most of the time.
    """

    def make(**options):
        network = {"filters": (4, 6), "batch_normalisation": True}
        model = model_class(
            NB_POINTS, 4, backbone="conv", backbone_options=network, **options
        )
        if model_class is VAE:
            model.backbone.steps_worth_compiling = 1
            model.backbone.steps_per_call = 2
        return model

    return make


# An AE is trained above; the decoder of an AAE reads conditions, as that of a CVAE.
@pytest.mark.parametrize("model_class", [VAE, RVAE, AAE], scope="session")
def test_convolutional_backbone_is_trained_kept_and_generates(
    on_conv, arrays, known, tmp_path
):
    model = on_conv()
    model.fit(**arrays, epochs=12, batch_size=21)
    before = on_conv(conditions=model.conditions).network.get_weights()
    last = model.record.history[-1]
    assert last["step"] == 36
    assert np.isfinite(list(last.values())).all()
    assert model.record.truncation_mm == 0
    after = model.network.get_weights()
    changed = [not np.array_equal(*pair) for pair in zip(before, after)]
    assert np.mean(changed) > 0.9
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    held_out = arrays["held_out"]
    np.testing.assert_array_equal(
        loaded.encode(held_out, known), model.encode(held_out, known)
    )
    assert loaded.reconstruct(held_out, known).shape == held_out.shape
    assert loaded.generate(6)[0].shape == (6, 24, 3)
