"""What a trained network makes of arrays."""

import numpy as np
import pytest

from dipy_tractogen.nn import VAE
from dipy_tractogen.sampling.texture.details import decoded_coefficients

NB_POINTS = 64


@pytest.mark.parametrize("backbone", ["spectral", "conv"])
@pytest.mark.parametrize("nb_orders", [2, 6, 80])
def test_coefficients_are_those_of_the_decoded_points(backbone, nb_orders):
    model = VAE(nb_points=NB_POINTS, latent_dim=3, backbone=backbone)
    shape = model.backbone.feature_shape
    features = np.random.default_rng(0).normal(20, 30, (50, *shape))
    model.network.standardise.adapt(features.astype(np.float32))
    z = np.random.default_rng(1).normal(size=(9, 3)).astype(np.float32)
    found = model.coder.decode_coefficients(z, None, nb_orders)
    expected = decoded_coefficients(model.coder.decode(z, None), nb_orders)
    assert found.dtype == np.float32
    assert np.ptp(expected[:, :2], axis=0).min() > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-4)
