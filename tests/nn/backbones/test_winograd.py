import numpy as np
import pytest

from dipy_tractogen.nn.backbones.winograd import (
    fast_convolution,
    narrow_convolution,
    tile_transforms,
)

RNG = np.random.default_rng(0)


def by_definition(padded, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=1)
    return np.einsum("npck,kcf->npf", windows, kernel)


def arrays(length, channels, filters):
    padded = RNG.normal(size=(5, length + 2, channels))
    kernel = RNG.normal(size=(3, channels, filters))
    return padded.astype("float32"), kernel.astype("float32")


def test_transforms_filter_exactly():
    inputs, kernel, outputs = tile_transforms()
    signal, taps = RNG.normal(size=6), RNG.normal(size=3)
    np.testing.assert_allclose(
        outputs @ ((kernel @ taps) * (inputs @ signal)),
        np.correlate(signal, taps),
        rtol=1e-12,
    )


@pytest.mark.parametrize("length", [4, 8, 20])
def test_fast_convolution_is_a_convolution(length):
    padded, kernel = arrays(length, 7, 6)
    np.testing.assert_allclose(
        fast_convolution(padded, kernel), by_definition(padded, kernel), atol=1e-4
    )


def test_narrow_convolution_is_a_convolution():
    padded, kernel = arrays(9, 12, 3)
    np.testing.assert_allclose(
        narrow_convolution(padded, kernel), by_definition(padded, kernel), atol=1e-5
    )
