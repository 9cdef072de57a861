"""Each kind of invalid streamline is wrong as it says, and by as much."""

import numpy as np
import pytest

from dipy_tractogen.streamlines.geometry import lengths
from dipy_tractogen.streamlines.simulation.invalid import (
    KINDS,
    InvalidSizes,
    make_invalid,
)


@pytest.fixture(scope="module")
def points(phantom):
    """Streamlines of the phantom, of about 60 to 130 mm."""
    return phantom.resample(256)


def made(points, kind, **sizes):
    """All streamlines made invalid in one way."""
    return make_invalid(points, [kind], sizes=InvalidSizes(**sizes), seed=3)[0]


def turning(points):
    """Sum of the angles between segments, in full turns."""
    steps = np.diff(points.astype(float), axis=1)
    steps /= np.linalg.norm(steps, axis=-1, keepdims=True)
    cosine = np.einsum("npk,npk->np", steps[:, :-1], steps[:, 1:]).clip(-1, 1)
    return np.arccos(cosine).sum(axis=1) / (2 * np.pi)


def test_broken_ones_go_on_to_the_side(points):
    broken = made(points, "broken", jump_mm=(15, 15))
    np.testing.assert_allclose(broken[:, 0], points[:, 0], atol=1e-3)
    moved = broken[:, -1] - points[:, -1]
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 15, rtol=1e-4)
    # The jump is about at right angles, and long: nearly as much is added.
    added = lengths(broken) - lengths(points)
    assert ((added > 13) & (added < 15.5)).all()


def test_looped_ones_go_round_a_circle(points):
    looped = made(points, "looped", loop_mm=(6, 6))
    np.testing.assert_allclose(looped[:, [0, -1]], points[:, [0, -1]], atol=1e-3)
    added = lengths(looped) - lengths(points)
    np.testing.assert_allclose(added, 12 * np.pi, rtol=0.02)
    np.testing.assert_allclose(turning(looped) - turning(points), 1, atol=0.15)
    # The circle is beside the streamline, and its diameter away at the farthest.
    gap = np.linalg.norm(looped[:, :, None, :] - points[:, None, ::4], axis=-1)
    farthest = gap.min(axis=2).max(axis=1)
    assert (farthest < 12.2).all()
    assert np.median(farthest) > 9


def test_cut_ones_are_pieces_from_an_end(points):
    cut = made(points, "cut", kept_mm=(12, 12))
    np.testing.assert_allclose(lengths(cut), 12, rtol=0.01)
    first = np.linalg.norm(cut[:, 0] - points[:, 0], axis=1) < 1e-3
    last = np.linalg.norm(cut[:, -1] - points[:, -1], axis=1) < 1e-3
    assert (first ^ last).all()
    assert 0.3 < first.mean() < 0.7
    gap = np.linalg.norm(cut[:, :, None] - points[:, None], axis=-1).min(axis=2)
    assert gap.max() < 0.5


def test_cut_ones_keep_half_at_most(points):
    cut = made(points, "cut", kept_mm=(500, 500))
    np.testing.assert_allclose(lengths(cut) / lengths(points), 0.5, rtol=0.01)


def test_shifted_ones_keep_their_shape(points):
    shifted = made(points, "shifted", shift_mm=(12, 12), turn_degrees=(20, 20))
    np.testing.assert_allclose(lengths(shifted), lengths(points), rtol=1e-4)
    moved = (shifted - points).mean(axis=1)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 12, rtol=1e-4)
    chord, turned = points[:, -1] - points[:, 0], shifted[:, -1] - shifted[:, 0]
    along = np.einsum("nk,nk->n", moved, chord)
    np.testing.assert_allclose(along, 0, atol=0.05)
    cosine = np.einsum("nk,nk->n", chord, turned) / (
        np.linalg.norm(chord, axis=1) * np.linalg.norm(turned, axis=1)
    )
    # About an axis of any direction: twenty degrees, less where it is the chord.
    angle = np.degrees(np.arccos(cosine.clip(-1, 1)))
    assert angle.max() < 20.1
    assert np.median(angle) > 14


@pytest.mark.parametrize("kind", KINDS)
def test_points_stay_equally_spaced_and_finite(points, kind):
    invalid = made(points, kind)
    assert invalid.shape == points.shape
    assert invalid.dtype == np.float32
    steps = np.linalg.norm(np.diff(invalid, axis=1), axis=-1)
    # A corner of a jump is cut by the segment that it falls into.
    assert np.median(steps.max(axis=1) / steps.mean(axis=1)) < 1.05
    assert np.abs(invalid - points).max(axis=(1, 2)).min() > 1


def test_every_kind_is_made_as_often_and_the_seed_fixes_it(points):
    invalid, made = make_invalid(points, seed=5)
    counts = np.bincount(made)
    assert len(counts) == len(KINDS)
    assert np.ptp(counts) <= 1
    assert (np.diff(made) != 0).any()
    again, same = make_invalid(points, seed=5)
    np.testing.assert_array_equal(made, same)
    np.testing.assert_array_equal(invalid, again)
    assert not np.array_equal(invalid, make_invalid(points, seed=6)[0])


def test_short_and_closed_streamlines(points):
    """Three points, and ends that meet: nothing to be at right angles to."""
    angles = np.linspace(0, 2 * np.pi, 30)
    ring = np.stack([20 * np.cos(angles), 20 * np.sin(angles), 0 * angles], axis=1)
    for given in (points[:, ::127][:, :3], np.repeat(ring[None], 8, axis=0)):
        invalid, _ = make_invalid(given)
        assert np.isfinite(invalid).all()
        assert np.linalg.norm(np.diff(invalid, axis=1), axis=-1).sum(axis=1).min() > 1


def test_bad_input_is_refused(points):
    with pytest.raises(ValueError, match=r"kinds=.*'bent'.*give one or more of broken"):
        make_invalid(points, ["bent"])
    with pytest.raises(ValueError, match=r"kinds=.*give one or more"):
        make_invalid(points, [])
    with pytest.raises(ValueError, match="points have shape"):
        make_invalid(points[:, :2])
    with pytest.raises(ValueError, match=r"jump_mm=\(9, 3\)"):
        InvalidSizes(jump_mm=(9, 3))
    with pytest.raises(ValueError, match="loop_mm"):
        InvalidSizes(loop_mm=(0, 3))
