"""Texture of values along streamlines, such as FA."""

import numpy as np
import pytest

from dipy_tractogen.sampling.texture import details as flat
from dipy_tractogen.sampling.texture.profile_curves import ProfileCurves
from dipy_tractogen.sampling.texture.texture import Texture
from dipy_tractogen.streamlines.array_sequence import as_sequence

NB_POINTS = 24


def _decoded(points, level):
    """Coefficients of streamlines with a value that is the same all along."""
    level = np.broadcast_to(level[..., None], (*points.shape[:2], 1))
    columns = np.concatenate([points, level], axis=2, dtype=np.float32)
    return flat.decoded_coefficients(columns, NB_POINTS)


def test_texture_leaves_the_law_of_age_as_it_is():
    """Residuals are those of other ages, and the decoder knows half of the effect."""
    rng = np.random.default_rng(0)
    nb_streamlines, along = 400, np.linspace(0, 1, NB_POINTS)
    age = rng.uniform(-1.5, 1.5, nb_streamlines)
    points = np.zeros((nb_streamlines, NB_POINTS, 3), dtype=np.float32)
    points[..., 0] = 60 * along
    points += rng.normal(0, 1, (nb_streamlines, 1, 3))
    effect = (2 * age - 1.5 * age**2)[:, None] * np.sin(np.pi * along)
    values = 5 + effect + 0.2 * rng.normal(size=effect.shape)
    decoded = 5 + 0.5 * effect + 0.1 * rng.normal(size=(nb_streamlines, 1))
    means = np.concatenate([points, decoded[..., None]], axis=2, dtype=np.float32)
    labels = np.zeros(nb_streamlines, dtype=int)
    texture = Texture().fit(
        points,
        means,
        labels,
        conditions=age[:, None],
        values=values.reshape(-1, 1).astype(np.float32),
    )
    for asked in (-1.0, 0.0, 1.2):
        one = np.full((nb_streamlines, 1), asked)
        expected = (2 * asked - 1.5 * asked**2) * np.sin(np.pi * along)
        means[..., 3] = 5 + 0.5 * expected
        made = texture.apply(means, labels, np.full(nb_streamlines, 60), conditions=one)
        found = made._data[:, 3].reshape(nb_streamlines, NB_POINTS)
        np.testing.assert_allclose(found.mean(axis=0), 5 + expected, atol=0.12)
        assert np.diff(found - expected, axis=1).std() == pytest.approx(
            np.diff(values - effect, axis=1).std(), rel=0.15
        )


def test_what_the_density_does_not_know_of_an_age_is_made_up_for():
    """Latents are drawn without the bend of a law; decoded values have it again."""
    rng = np.random.default_rng(0)
    age = rng.uniform(-1.5, 1.5, (500, 1))
    along = np.ones(NB_POINTS)
    points = np.zeros((500, NB_POINTS, 3), dtype=np.float32)
    points[..., 0] = np.linspace(0, 60, NB_POINTS)
    points += rng.normal(0, 1, (500, 1, 3))
    labels = np.zeros(500, dtype=int)
    law = (3 - 2 * age**2) * along
    means = np.concatenate([points, law[..., None]], axis=2, dtype=np.float32)
    texture = Texture().fit(
        points,
        means,
        labels,
        conditions=age,
        values=(law + 0.1 * rng.normal(size=law.shape)).reshape(-1, 1),
        drawn=_decoded(points, np.full((500, 1), 1.5))[None],
    )
    means[..., 3] = 1.5
    for asked in (-1.2, 0.3):
        given = flat.decoded_coefficients(means, texture.nb_orders), labels
        sizes = np.full(500, 60)
        one = {"conditions": np.full((500, 1), asked)}
        made = texture.apply_to_coefficients(*given, sizes, **one, shifted=True)
        assert made._data[:, 3].mean() == pytest.approx(3 - 2 * asked**2, abs=0.1)
        made = texture.apply_to_coefficients(*given, sizes, **one)
        assert made._data[:, 3].mean() == pytest.approx(1.5, abs=0.1)


def test_profiles_are_cosines_of_the_share_of_the_length():
    """Points at uneven steps have the values of their place, not of their number."""
    rng = np.random.default_rng(0)
    counts = np.array([2, 40, 7, 40])
    steps = rng.uniform(0.2, 3, counts.sum())
    points = np.zeros((counts.sum(), 3), dtype=np.float32)
    points[:, 1] = np.cumsum(steps)
    factors = rng.normal(size=(4, 5, 2))
    curves = ProfileCurves(factors, NB_POINTS)
    found = curves.along(as_sequence(points, counts))
    assert found.dtype == np.float32
    for row, stop in enumerate(np.cumsum(counts)):
        own = slice(stop - counts[row], stop)
        share = points[own, 1] - points[own, 1].min()
        at = 0.5 + share / share.max() * (NB_POINTS - 1)
        waves = np.cos(np.pi * np.arange(5) * at[:, None] / NB_POINTS) * np.sqrt(2)
        waves[:, 0] = 1
        np.testing.assert_allclose(found[:, own].T, waves @ factors[row], atol=1e-4)
    still = as_sequence(np.zeros((5, 3), dtype=np.float32), np.array([5]))
    assert np.isfinite(ProfileCurves(factors[:1], NB_POINTS).along(still)).all()


def test_values_belong_to_the_shape_they_are_drawn_with():
    """Those near the core have more; draws have the spread, but not the relation."""
    rng = np.random.default_rng(0)
    nb_streamlines = 600
    along = np.linspace(0, 1, NB_POINTS)
    labels = np.zeros(nb_streamlines, dtype=int)

    def streamlines():
        points = np.zeros((nb_streamlines, NB_POINTS, 3), dtype=np.float32)
        points[..., 0] = 60 * along
        points[..., 1:] += rng.normal(0, 2, (nb_streamlines, 1, 2))
        away = (points[:, 0, 1:] ** 2).sum(axis=1) / 8
        return points, 1 - away

    def noise(size):
        return rng.normal(0, size, (nb_streamlines, 1))

    points, near = streamlines()
    known = 0.6 * near[:, None] + noise(0.3)
    rest = 0.4 * near[:, None] + noise(0.2)
    means = np.concatenate(
        [points, np.broadcast_to(known[..., None], (*points.shape[:2], 1))],
        axis=2,
        dtype=np.float32,
    )
    draws = [_decoded(streamlines()[0], noise(0.6)) for _ in range(3)]
    texture = Texture().fit(
        points,
        means,
        labels,
        values=np.repeat(known + rest, NB_POINTS, axis=1).reshape(-1, 1),
        drawn=np.stack(draws),
    )
    points, near = streamlines()
    made = texture.apply_to_coefficients(
        _decoded(points, noise(0.6)),
        labels,
        np.full(nb_streamlines, 60),
        shifted=True,
    )
    level = made._data[:, 3].reshape(nb_streamlines, NB_POINTS).mean(axis=1)
    near, expected = near - near.mean(), (known + rest)[:, 0]
    assert near @ level / (near @ near) == pytest.approx(1, abs=0.1)
    assert level.std() == pytest.approx(expected.std(), rel=0.15)
