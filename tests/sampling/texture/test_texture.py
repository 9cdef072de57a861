import numpy as np
import pytest

from dipy_tractogen.sampling.texture import residual_matching
from dipy_tractogen.sampling.texture import texture as module
from dipy_tractogen.sampling.texture.endpoints import Endpoints
from dipy_tractogen.sampling.texture.texture import Texture
from dipy_tractogen.streamlines.geometry import (
    lengths,
    mean_curvature,
    resample,
)

NB_POINTS = 64


def bundles(nb_streamlines, seed):
    """Two straight bundles, one of which wiggles; means without the wiggle."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 2], nb_streamlines)
    size = rng.uniform(60, 100, len(labels))
    along = np.linspace(-0.5, 0.5, NB_POINTS)
    means = np.zeros((len(labels), NB_POINTS, 3), dtype=np.float32)
    means[..., 0] = size[:, None] * along
    means[..., 1] = rng.normal(size=(len(labels), 1)) * 3
    means[labels == 2, :, 2] = 40
    points = means.copy()
    phase = rng.uniform(0, 2 * np.pi, (len(labels), 1))
    height = (
        rng.uniform(0.5, 1.5, (len(labels), 1)) * np.where(labels == 0, 1, 0.1)[:, None]
    )
    points[..., 2] += height * np.sin(2 * np.pi * 5 * along + phase)
    points[..., 1] += rng.normal(size=(len(labels), 1)) * 5
    return points, means, labels


@pytest.fixture(scope="module")
def fitted():
    points, means, labels = bundles(300, seed=0)
    return Texture().fit(points, means, labels, seed=0)


@pytest.fixture(scope="module")
def free(fitted):
    """The same, that leaves the ends alone."""
    arrays = fitted.to_arrays()
    return Texture.from_arrays({k: v for k, v in arrays.items() if "ends_" not in k})


@pytest.fixture(scope="module")
def others():
    return bundles(200, seed=1)


def test_an_asked_length_is_met(fitted, others):
    points, means, labels = others
    asked = lengths(points)
    assert np.abs(lengths(means) - asked).mean() > 0.8
    textured = fitted.apply(means, labels, asked, seed=0)
    assert textured.dtype == np.float32
    np.testing.assert_allclose(lengths(textured), asked, atol=0.01)


def test_without_targets_lengths_and_curvature_are_distributed_as_real_ones(
    fitted, others
):
    points, means, labels = others
    textured = fitted.apply(means, labels, seed=0)
    for label in (0, 2):
        real, ours = points[labels == label], textured[labels == label]
        np.testing.assert_allclose(
            lengths(ours).mean(), lengths(real).mean(), rtol=0.01
        )
        curvature = [mean_curvature(resample(part, 50)) for part in (real, ours)]
        np.testing.assert_allclose(*(part.mean() for part in curvature), rtol=0.1)
        np.testing.assert_allclose(*(part.std() for part in curvature), rtol=0.25)


def test_residuals_come_from_the_streamlines_own_bundle(fitted, others):
    _, means, labels = others
    moved = np.abs(fitted.apply(means, labels, seed=0) - means)[..., 2].max(axis=1)
    assert moved[labels == 0].min() > 0.3 > moved[labels == 2].max()


def test_residuals_come_from_streamlines_of_a_like_length():
    points, means, labels = bundles(300, seed=0)
    long = lengths(means) > 80
    # Short streamlines bend to one side, long ones to the other.
    arch = np.cos(np.linspace(0, 16 * np.pi, NB_POINTS))
    points = means.copy()
    points[..., 2] += np.where(long, 1, -1)[:, None] * arch
    textured = (
        Texture()
        .fit(points, means, labels)
        .apply(means, labels, lengths(points), seed=0)
    )
    agrees = np.einsum(
        "np,np->n", (textured - means)[..., 2], points[..., 2] - means[..., 2]
    )
    clear = np.abs(lengths(means) - 80) > 12
    assert np.mean(agrees[clear] > 0) > 0.99


def test_place_and_coarse_shape_stay_as_decoded(free, others):
    _, means, labels = others
    textured = free.apply(means, labels, seed=0)
    # The residuals hold shifts of 5 mm, and the decoded means have their own places.
    np.testing.assert_allclose(textured.mean(axis=1), means.mean(axis=1), atol=0.15)


@pytest.mark.parametrize("share", [0.5, 3.0])
def test_a_length_out_of_reach_is_approached_within_limits(free, others, share):
    _, means, labels = others
    asked = share * lengths(means)
    textured = free.apply(means, labels, asked, seed=0)
    got, before = lengths(textured), lengths(means)
    if share < 1:
        assert (got < before).all()
        assert (got > 0.88 * before).all()
    else:
        assert (got > 1.05 * before).all()
        assert (got < 1.5 * before).all()


def test_ends_come_near_to_real_ones_and_lengths_are_still_met():
    # Real ends lie at z = 40 within 0.1 mm, decoded ones are off by 2 mm.
    points, means, labels = (each[300:] for each in bundles(300, seed=0))
    off = 2 * np.random.default_rng(0).normal(size=(300, 1))
    points[..., 1] = means[..., 1]
    means[..., 2] += off
    texture = Texture().fit(points[::2], means[::2], labels[::2], seed=0)
    others = slice(1, None, 2)
    asked = lengths(points[others])
    sharp = texture.apply(means[others], labels[others], asked, seed=0)
    texture.ends = Endpoints()
    before = texture.apply(means[others], labels[others], asked, seed=0)
    heights = [np.abs(each[:, [0, -1], 2] - 40).mean() for each in (before, sharp)]
    assert heights[0] > 1.4
    assert heights[1] < 0.4
    np.testing.assert_allclose(lengths(sharp), asked, rtol=0.005)


def test_seed_fixes_the_draw_and_batches_do_not_show(fitted, others, monkeypatch):
    points, means, labels = others
    first = fitted.apply(means, labels, lengths(points), seed=(3, 1))
    assert not np.array_equal(first, fitted.apply(means, labels, lengths(points)))
    monkeypatch.setattr(residual_matching, "CHUNK", 7)
    again = fitted.apply(means, labels, lengths(points), seed=(3, 1))
    np.testing.assert_array_equal(first, again)


def test_arrays_hold_all_and_are_small(fitted, others, tmp_path):
    points, means, labels = others
    np.savez(tmp_path / "texture.npz", **fitted.to_arrays())
    with np.load(tmp_path / "texture.npz", allow_pickle=False) as arrays:
        copy = Texture.from_arrays(dict(arrays))
    asked = lengths(points)
    np.testing.assert_array_equal(
        copy.apply(means, labels, asked, seed=1),
        fitted.apply(means, labels, asked, seed=1),
    )


def test_the_number_of_residuals_is_limited(others, monkeypatch):
    points, means, labels = others
    monkeypatch.setattr(module, "_MOST_OF_A_BUNDLE", 30)
    texture = Texture().fit(points, means, labels, seed=0)
    np.testing.assert_array_equal(np.bincount(texture.labels), [30, 0, 30])
    monkeypatch.setattr(module, "_MOST_IN_ALL", 40)
    texture = Texture().fit(points, means, labels, seed=0)
    np.testing.assert_array_equal(np.bincount(texture.labels), [20, 0, 20])


def test_one_streamline_is_enough_and_none_is_given_back_as_none():
    points, means, labels = bundles(1, seed=0)
    texture = Texture().fit(points, means, labels)
    asked = lengths(points)
    np.testing.assert_allclose(
        lengths(texture.apply(means, labels, asked)), asked, rtol=1e-4
    )
    assert texture.apply(means[:0], labels[:0], asked[:0]).shape == (0, NB_POINTS, 3)


def test_streamlines_without_length_are_left_finite(fitted):
    textured = fitted.apply(np.zeros((2, NB_POINTS, 3)), [0, 2], [50.0, 0.0])
    assert np.isfinite(textured).all()


def test_what_does_not_fit_is_refused(fitted, others):
    points, means, labels = others
    with pytest.raises(ValueError, match="Bundle 1 has no residuals"):
        fitted.apply(means[:1], np.array([1]))
    with pytest.raises(ValueError, match="means has shape"):
        fitted.apply(means[:, :10], labels)
    with pytest.raises(ValueError, match="target_lengths has shape"):
        fitted.apply(means, labels, np.ones(3))
    with pytest.raises(ValueError, match="give both as"):
        Texture().fit(points, means[:, :10], labels)
    with pytest.raises(ValueError, match="one label"):
        Texture().fit(points, means, labels[:5])
    with pytest.raises(ValueError, match="lengths_mm has shape"):
        Texture().fit(points, means, labels, np.ones(3))
    with pytest.raises(ValueError, match="NaN"):
        Texture().fit(points * np.nan, means, labels)
