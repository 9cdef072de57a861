import numpy as np
import pytest

from dipy_tractogen.sampling.shared.endpoints import FittedEndpoints
from dipy_tractogen.sampling.texture.endpoints import Endpoints

BLUR_MM = 1.0


def ends(seed, nb_streamlines=300):
    """Ends of a bundle on two curved lines, and the same with an error."""
    rng = np.random.default_rng(seed)
    at = rng.uniform(-1, 1, (nb_streamlines, 2))
    sharp = np.stack([30 * at, 10 * at**2, np.zeros_like(at)], axis=2)
    sharp[:, 1, 2] = 50
    sharp += rng.normal(0, 0.05, sharp.shape)
    blurred = sharp + rng.normal(0, BLUR_MM, sharp.shape)
    return sharp, blurred.astype(np.float32), np.full(nb_streamlines, 3)


@pytest.fixture(scope="module")
def fitted():
    sharp, blurred, labels = ends(0)
    stored = Endpoints().fit(sharp, blurred, labels)
    assert stored.blurs.all()
    return FittedEndpoints.of(stored, np.array([3]), seed=0)


def test_ends_are_moved_to_where_real_ones_are(fitted):
    _, blurred, labels = ends(1)
    moved = blurred + fitted.moves(blurred, labels, seed=0)
    before, after = (
        np.abs(each[..., 1] - 10 * (each[..., 0] / 30) ** 2).mean()
        for each in (blurred, moved)
    )
    assert after < 0.7 * before
    # Along the line they stay where they are.
    assert np.abs(moved - blurred)[..., 0].mean() < BLUR_MM
    np.testing.assert_allclose(moved[..., 2].mean(axis=0), [0, 50], atol=0.2)


def test_bundles_of_sharp_ends_keep_them(fitted):
    blurs = np.zeros((1, 2), dtype=np.float32)
    still = FittedEndpoints(fitted.mixtures, blurs, fitted.effects)
    _, blurred, labels = ends(1)
    assert not still.moves(blurred, labels).any()
