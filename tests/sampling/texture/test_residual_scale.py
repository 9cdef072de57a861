import numpy as np
import pytest

from dipy_tractogen.sampling.texture import texture
from dipy_tractogen.sampling.texture.residual_scale import (
    SCALES,
    choose_scales,
    damped_coefficients,
    low_pass,
    residuals_along,
    shrinkage,
    split_halves,
)
from dipy_tractogen.sampling.texture.texture import Texture
from dipy_tractogen.streamlines.geometry import (
    cosine_basis,
    lengths,
    mean_curvature,
    resample,
)


def wavy(nb_streamlines, amplitude, seed=0):
    """Straight lines of 100 mm with waves of random phase."""
    rng = np.random.default_rng(seed)
    at = np.linspace(0, 1, 128)
    points = np.zeros((nb_streamlines, 128, 3))
    points[..., 0] = 100 * at
    phase = rng.uniform(0, 2 * np.pi, (nb_streamlines, 1))
    size = amplitude * rng.uniform(0.8, 1.2, (nb_streamlines, 1))
    points[..., 1] = size * np.sin(2 * np.pi * 8 * at + phase)
    return points


@pytest.mark.parametrize("scale", SCALES)
def test_the_scale_that_gives_the_curvature_is_chosen(scale):
    real = wavy(60, 2.0 * scale)
    labels = np.repeat([0, 4], 30)
    chosen = choose_scales(lambda s: wavy(60, 2.0 * s, seed=1), real, labels)
    assert chosen == pytest.approx({0: scale, 4: scale}, abs=0.06)


def test_each_bundle_has_its_own():
    real = np.concatenate([wavy(40, 2.0), wavy(40, 1.0)])
    labels = np.repeat([0, 1], 40)
    chosen = choose_scales(lambda s: wavy(80, 2.0 * s, seed=1), real, labels)
    assert chosen == pytest.approx({0: 1.0, 1: 0.5}, abs=0.06)


def test_curvature_that_resampling_took_is_made_up_for():
    """Corners of streamlines that are read lie between the points of resampled ones."""
    rng = np.random.default_rng(0)
    read = np.cumsum(np.array([0.6, 0, 0]) + rng.normal(size=(200, 150, 3)) * 0.2, 1)
    real = resample(read, 256)
    labels = np.zeros(200, int)

    def textured(scale):
        return real * [1, scale, scale]

    chosen = choose_scales(textured, real, labels)[0]
    curvature = [
        mean_curvature(resample(each, 100)).mean()
        for each in (read, real, textured(chosen))
    ]
    assert curvature[1] < 0.98 * curvature[0]
    assert curvature[2] == pytest.approx(curvature[0], rel=0.01)


def test_few_streamlines_tell_nothing():
    assert choose_scales(None, wavy(19, 1.0), np.zeros(19, int)) == {0: 1.0}


def test_residuals_that_do_not_suit_others_are_weakened():
    """What is left is rougher than real streamlines, as with few points of each."""
    rng = np.random.default_rng(0)
    points = wavy(200, 2.0)
    means = points + rng.normal(scale=0.3, size=points.shape)
    labels = np.zeros(200, int)
    own = Texture()
    own._store(points, means, labels, np.full(200, 100.0), 0)
    fitted = Texture().fit(points, means, labels)
    ratio = np.abs(fitted.coefficients).sum() / np.abs(own.coefficients).sum()
    assert ratio == pytest.approx(0, abs=0.01)


def test_residuals_that_suit_others_stay():
    points = wavy(200, 2.0)
    means = wavy(200, 0.0)
    labels = np.zeros(200, int)
    fitted = Texture().fit(points, means, labels)
    textured = fitted.apply(means, labels, lengths(points), seed=0)
    curvature = [mean_curvature(resample(each, 100)) for each in (points, textured)]
    assert curvature[1].mean() == pytest.approx(curvature[0].mean(), rel=0.02)
    assert curvature[1].std() == pytest.approx(curvature[0].std(), rel=0.3)


def test_scales_are_judged_by_what_apply_gives(monkeypatch):
    points, means, labels = wavy(60, 2.0), wavy(60, 1.5), np.repeat([0, 4], 30)
    real, tried = lengths(points), []

    def choose(textured, tested, labels):
        tried.extend([textured(0.5), tested])
        return {}

    monkeypatch.setattr(texture, "choose_scales", choose)
    texture._scales(points, means, labels, real, 3)
    donors, tested = split_halves(labels, 3)
    trial = Texture()
    trial._store(points[donors], means[donors], labels[donors], real[donors], 3)
    trial.coefficients = (trial.coefficients * 0.5).astype(np.float16)
    trial._prepare()
    expected = trial.apply(means[tested], labels[tested], real[tested], 3)
    np.testing.assert_array_equal(tried[0], expected)
    np.testing.assert_array_equal(tried[1], points[tested])


def waving(length, half_wave, nb_points=256):
    """A straight streamline with a wave of 1 mm across it."""
    at = (np.arange(nb_points) + 0.5) / nb_points
    points = np.zeros((1, nb_points, 3), dtype=np.float32)
    points[0, :, 0] = length * at
    points[0, :, 1] = np.cos(np.pi * at * round(length / half_wave))
    return points


@pytest.mark.parametrize(("half_wave", "kept"), [(10, 1), (5, 1), (2, 0.5), (1, 0.02)])
def test_only_short_waves_are_left_out(half_wave, kept):
    points = waving(20.0, half_wave)
    smooth = low_pass(points, np.array([20.0]))
    height = np.abs(smooth[0, :, 1]).max()
    assert height == pytest.approx(kept, abs=0.02)
    np.testing.assert_allclose(smooth[..., 0], points[..., 0], atol=0.3)


def test_long_streamlines_are_given_back_as_they_are():
    points = np.concatenate([waving(20.0, 1), waving(60.0, 3)])
    smooth = low_pass(points, np.array([20.0, 60.0]))
    assert (smooth[0, :, 1] != points[0, :, 1]).any()
    np.testing.assert_array_equal(smooth[1], points[1])
    np.testing.assert_array_equal(low_pass(points[1:], np.array([60.0])), points[1:])
    np.testing.assert_array_equal(points[0], waving(20.0, 1)[0])


def test_residuals_shrink_on_shorter_streamlines_only():
    factors = shrinkage(np.array([30.0, 60.0, 90.0]), np.full(3, 60.0))
    np.testing.assert_allclose(factors, [0.25, 1, 1])


def test_the_first_coefficients_are_damped():
    residuals = np.random.default_rng(0).normal(size=(3, 20, 3))
    basis = cosine_basis(20, 20)
    factors = damped_coefficients(residuals) / np.matmul(basis, residuals)
    expected = np.minimum(np.arange(20) / 8, 1)
    np.testing.assert_allclose(factors.mean(axis=(0, 2)), expected, atol=1e-3)
    whole = residuals_along(np.float16(np.matmul(basis, residuals)), 20)
    np.testing.assert_allclose(whole, residuals, atol=0.01)
