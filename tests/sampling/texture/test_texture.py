import numpy as np
import pytest

from dipy_tractogen.sampling.texture import details as flat
from dipy_tractogen.sampling.texture import fitting as module
from dipy_tractogen.sampling.texture import padded
from dipy_tractogen.sampling.texture.endpoints import Endpoints
from dipy_tractogen.sampling.texture.texture import Texture
from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.geometry import (
    arc_lengths,
    cosine_basis,
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


def applied(texture, means, labels, asked, **options):
    """Return streamlines of one number of points as an array."""
    made = texture.apply(means, labels, asked, **options)
    return made._data.reshape(len(made), -1, 3)


def test_a_requested_length_is_met(free, others):
    points, means, labels = others
    asked = lengths(points)
    assert np.abs(lengths(means) - asked).mean() > 0.8
    textured = free.apply(means, labels, asked, seed=0)
    assert textured._data.dtype == np.float32
    np.testing.assert_allclose(arc_lengths(textured), asked, rtol=1e-4)


def test_lengths_and_curvature_are_distributed_as_real_ones(fitted, others):
    points, means, labels = others
    textured = applied(fitted, means, labels, lengths(points), seed=0)
    for label in (0, 2):
        real, ours = points[labels == label], textured[labels == label]
        curvature = [mean_curvature(resample(part, 50)) for part in (real, ours)]
        np.testing.assert_allclose(*(part.mean() for part in curvature), rtol=0.1)
        np.testing.assert_allclose(*(part.std() for part in curvature), rtol=0.25)


def test_details_are_those_of_real_streamlines_at_their_own_points():
    """High orders keep their energy, of streamlines of any number of points."""
    points, means, labels = bundles(200, seed=0)
    rng = np.random.default_rng(3)
    counts = rng.integers(50, 90, len(points))
    rough = [resample(line[None], n)[0] for line, n in zip(points, counts)]
    rough = [line + rng.normal(0, 0.1, line.shape) for line in rough]
    real = as_sequence(np.concatenate(rough).astype(np.float32), counts)
    halves = [np.arange(at, len(points), 2) for at in (0, 1)]
    texture = Texture().fit(real[halves[0]], means[halves[0]], labels[halves[0]])
    asked = arc_lengths(real)[halves[1]]
    made = texture.apply(means[halves[1]], labels[halves[1]], asked, seed=0)
    assert set(made._lengths) <= set(counts)
    assert len(set(made._lengths)) > 20

    def energy(lines):
        waves = [cosine_basis(len(line), len(line))[40:] @ line for line in lines]
        return np.mean([np.mean(each**2) for each in waves])

    assert energy(made) == pytest.approx(energy(real), rel=0.05)


def test_residuals_come_from_the_streamlines_own_bundle(fitted, others):
    points, means, labels = others
    textured = applied(fitted, means, labels, lengths(points), seed=0)
    moved = np.abs(textured - means)[..., 2].max(axis=1)
    assert moved[labels == 0].min() > 0.3 > moved[labels == 2].max()


def test_residuals_come_from_streamlines_of_a_similar_length():
    points, means, labels = bundles(300, seed=0)
    long = lengths(means) > 80
    # Short streamlines bend to one side, long ones to the other.
    arch = np.cos(np.linspace(0, 16 * np.pi, NB_POINTS))
    points = means.copy()
    points[..., 2] += np.where(long, 1, -1)[:, None] * arch
    texture = Texture().fit(points, means, labels)
    textured = applied(texture, means, labels, lengths(points), seed=0)
    agrees = np.einsum(
        "np,np->n", (textured - means)[..., 2], points[..., 2] - means[..., 2]
    )
    clear = np.abs(lengths(means) - 80) > 12
    assert np.mean(agrees[clear] > 0) > 0.99


def test_details_are_turned_as_the_streamline_is():
    """Waves across a streamline stay across one in another direction."""
    points, means, labels = (each[:100] for each in bundles(100, seed=0))
    points[..., 1] = means[..., 1]
    texture = Texture().fit(points, means, labels)
    texture.ends = Endpoints()
    flipped = means[..., [1, 0, 2]]
    made = applied(texture, flipped, labels, lengths(points), seed=0)
    waves = made - made.mean(axis=1, keepdims=True)
    # In the plane of the waves and the new direction, none is along the latter.
    heights = np.ptp(waves[..., 2], axis=1)
    assert heights.min() > 0.7
    steps = np.diff(waves[..., 1], axis=1)
    assert (steps > 0).mean() > 0.99
    assert np.ptp(waves[..., 0], axis=1).max() < 0.2


def test_gains_tell_what_decoded_shapes_are_worth():
    points, means, labels = bundles(300, seed=0)
    # Less of what the means do not tell: where donors lie is chance.
    points[..., 1] = means[..., 1] + (points[..., 1] - means[..., 1]) / 10
    texture = Texture().fit(points, means, labels)
    np.testing.assert_allclose(texture.gains[:2], 1, atol=0.1)
    # Places that have nothing to do with the real ones are halved, no more.
    shuffled = means.copy()
    order = np.random.default_rng(0).permutation(len(means) // 2)
    for half in (order, order + len(order)):
        shuffled[np.sort(half)] += 20 * (points[half] - means[half])[..., :1, 1:2]
    poor = Texture().fit(points, shuffled, labels)
    assert poor.gains[0] == 0.5


@pytest.mark.parametrize("share", [0.5, 3.0])
def test_a_length_out_of_reach_is_approached_within_limits(free, others, share):
    _, means, labels = others
    before = lengths(means)
    asked = share * before
    got = arc_lengths(free.apply(means, labels, asked, seed=0))
    assert (np.abs(np.log(got / asked)) < np.abs(np.log(share))).all()


def test_streamlines_of_other_lengths_have_other_numbers_of_points():
    points, means, labels = bundles(50, seed=0)
    counts = np.tile([60, 61], 50)
    real = as_sequence(
        np.concatenate([resample(p[None], n)[0] for p, n in zip(points, counts)]),
        counts,
    )
    texture = Texture().fit(real, means, labels)
    longest = texture.lengths[:, 0].max()
    made = texture.apply(means, labels, np.full(100, 1.5 * longest), seed=0)
    assert made._lengths.min() >= 85
    assert np.isfinite(made._data).all()


@pytest.mark.parametrize("noise", [0, 0.2])
def test_details_are_interpolated_only_where_they_are_smooth(noise):
    points, means, labels = bundles(50, seed=0)
    sizes = lengths(points)
    even = [resample(p[None], round(n) + 1)[0] for p, n in zip(points, sizes)]
    rng = np.random.default_rng(0)
    rough = [each + noise * rng.standard_normal(each.shape) for each in even]
    texture = Texture().fit([each.astype(np.float32) for each in rough], means, labels)
    asked = 1.05 * texture.lengths[:, 0].max()
    made = texture.apply(means, labels, np.full(100, asked), seed=0)
    steps = asked / (made._lengths - 1)
    usual = np.median(texture.lengths[:, 0] / (texture.counts - 1))
    if noise:
        assert np.isin(made._lengths, texture.counts).all()
        assert np.abs(steps / usual - 1).max() > 0.02
    else:
        np.testing.assert_allclose(steps, usual, rtol=0.02)


def test_fewer_orders_are_decoded_where_steps_are_uneven():
    points, means, labels = bundles(50, seed=0)
    places = np.r_[0:NB_POINTS:7, 1:NB_POINTS:7]
    uneven = points[:, np.sort(places)]
    assert len(Texture().fit(points[:, ::4], means, labels).gains) == 4
    assert len(Texture().fit(uneven, means, labels).gains) == 3


def test_ends_come_near_to_real_ones_and_lengths_are_still_met():
    # Real ends lie at z = 40 within 0.1 mm, decoded ones are off by 2 mm.
    points, means, labels = (each[300:] for each in bundles(300, seed=0))
    off = 2 * np.random.default_rng(0).normal(size=(300, 1))
    points[..., 1] = means[..., 1]
    means[..., 2] += off
    texture = Texture().fit(points[::2], means[::2], labels[::2], seed=0)
    others = slice(1, None, 2)
    asked = lengths(points[others])
    texture.gains[:] = 1
    texture.offsets[:] = 0
    sharp = applied(texture, means[others], labels[others], asked, seed=0)
    texture.ends = Endpoints()
    before = applied(texture, means[others], labels[others], asked, seed=0)
    heights = [np.abs(each[:, [0, -1], 2] - 40).mean() for each in (before, sharp)]
    assert heights[0] > 1.4
    assert heights[1] < 0.4
    np.testing.assert_allclose(lengths(sharp), asked, rtol=0.005)


def test_seed_fixes_the_draw_and_batches_do_not_show(fitted, others, monkeypatch):
    points, means, labels = others
    first = applied(fitted, means, labels, lengths(points), seed=(3, 1))
    another = applied(fitted, means, labels, lengths(points))
    assert not np.array_equal(first, another)
    monkeypatch.setattr(padded, "_BLOCK", 7)
    again = applied(fitted, means, labels, lengths(points), seed=(3, 1))
    np.testing.assert_allclose(first, again, atol=1e-4)


def test_arrays_hold_all_and_are_small(fitted, others, tmp_path):
    points, means, labels = others
    np.savez(tmp_path / "texture.npz", **fitted.to_arrays())
    with np.load(tmp_path / "texture.npz", allow_pickle=False) as arrays:
        copy = Texture.from_arrays(dict(arrays))
    asked = lengths(points)
    np.testing.assert_array_equal(
        applied(copy, means, labels, asked, seed=1),
        applied(fitted, means, labels, asked, seed=1),
    )


def test_details_in_a_file_are_bytes_apart_or_as_in_earlier_versions(fitted):
    arrays = fitted.to_arrays()
    high = arrays.pop("detail_bytes")[1].astype(np.int8)
    np.testing.assert_array_equal(high, fitted.details.T >> 8)
    np.testing.assert_array_equal(
        Texture.from_arrays(fitted.to_arrays()).details, fitted.details
    )
    earlier = Texture.from_arrays({**arrays, "details": fitted.details})
    np.testing.assert_array_equal(earlier.details, fitted.details)
    with pytest.raises(ValueError, match="details is missing"):
        Texture.from_arrays(arrays)


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
    made = texture.apply(means, labels, lengths(points))
    np.testing.assert_allclose(arc_lengths(made), lengths(points), rtol=1e-4)
    assert len(texture.apply(means[:0], labels[:0], np.zeros(0))) == 0


def test_streamlines_without_length_are_left_finite(fitted):
    made = fitted.apply(np.zeros((2, NB_POINTS, 3)), [0, 2], [50.0, 0.0])
    assert np.isfinite(made._data).all()


def test_what_does_not_fit_is_refused(fitted, others):
    points, means, labels = others
    asked = lengths(points)
    with pytest.raises(ValueError, match="Bundle 1 has no residuals"):
        fitted.apply(means[:1], np.array([1]), asked[:1])
    with pytest.raises(ValueError, match="means has shape"):
        fitted.apply(means[:, :10], labels, asked)
    with pytest.raises(ValueError, match="target_lengths has shape"):
        fitted.apply(means, labels, np.ones(3))
    with pytest.raises(ValueError, match="one for each streamline"):
        Texture().fit(points[:5], means, labels)
    with pytest.raises(ValueError, match="one label"):
        Texture().fit(points, means, labels[:5])
    with pytest.raises(ValueError, match="NaN"):
        Texture().fit(points * np.nan, means, labels)
    with pytest.raises(ValueError, match="fewer than two points"):
        Texture().fit([np.zeros((1, 3))], means[:1], labels[:1])


def test_details_are_stored_to_a_micrometre():
    rng = np.random.default_rng(0)
    counts = np.array([2, 40, 7])
    details = rng.normal(0, [[1], [0.1], [3]], (3, 49)).astype(np.float32)
    details[:, :2] = [[0, 80], [0, -80], [0, 0]]
    numbers, units = flat.quantised(details, counts)
    assert numbers.dtype == np.int16
    np.testing.assert_allclose(units[1:], 1e-3)
    back = flat.restored(numbers, units, counts)
    np.testing.assert_allclose(back[:, 2:], details[:, 2:], atol=5.1e-4)
    np.testing.assert_allclose(back[:, :2], details[:, :2], atol=units[0])
    none, units = flat.quantised(0 * details, counts)
    assert not none.any()
    assert not units.any()
