import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
import pytest

from dipy_tractogen.streamlines.geometry import lengths, mean_curvature
from dipy_tractogen.streamlines.simulation.phantom import (
    fibercup_reference,
    simulate_fibercup,
)

TRUE_LENGTHS = [85, 127, 103, 60, 102, 111, 127]


def points_of(bundles):
    data = bundles.streamlines.get_data()
    return data.reshape(len(bundles), -1, 3)


@pytest.fixture(scope="module")
def whole():
    """Streamlines that run from end to end, without noise."""
    return simulate_fibercup(40, curvature_noise=0, varying_ends=0, nb_points=100)


def test_seven_bundles_of_the_published_lengths(whole):
    assert whole.bundle_names == tuple(f"bundle_{code}" for code in range(1, 8))
    assert_array_equal(np.bincount(whole.labels), np.full(7, 40))
    sizes = lengths(points_of(whole))
    means = [sizes[whole.labels == code].mean() for code in range(7)]
    assert_allclose(means, TRUE_LENGTHS, atol=3.5)


def test_bundles_are_where_the_phantom_has_them(whole):
    ends = points_of(whole)[:, [0, -1], :2]
    middles = [ends[whole.labels == code].mean(axis=0) for code in range(7)]
    assert_allclose(middles[0], [[68, 143], [113, 144]], atol=2)
    assert_allclose(middles[2], [[38, 115], [141, 115]], atol=2)
    trunk = np.array([middles[code][1] for code in (4, 5, 6)])
    assert_allclose(trunk, np.tile([68, 24], (3, 1)), atol=2)


def test_cross_section_has_the_width_and_thickness_asked():
    bundles = simulate_fibercup(
        500, radius=5, thickness=6, curvature_noise=0, varying_ends=0, nb_points=51
    )
    middle = points_of(bundles)[bundles.labels == 2, 25]
    assert 8.5 < np.ptp(middle[:, 1]) <= 10
    assert 5.1 < np.ptp(middle[:, 2]) <= 6
    assert_allclose(middle.mean(axis=0), [89.5, 115, 4.5], atol=0.5)


@pytest.mark.parametrize(("radius", "noise"), [(3, 0), (6.5, 1), (6.5, 6.5), (15, 15)])
def test_streamlines_stay_in_the_volume_and_never_loop(radius, noise):
    bundles = simulate_fibercup(
        60, radius=radius, curvature_noise=noise, varying_ends=0, nb_points=200
    )
    assert fibercup_reference().contains(bundles.streamlines).all()
    points = points_of(bundles).astype(float)
    steps = np.diff(points, axis=1)
    sizes = np.linalg.norm(steps, axis=-1)
    assert_allclose(sizes, np.broadcast_to(sizes[:, :1], sizes.shape), rtol=0.02)
    turns = np.einsum("npk,npk->np", steps[:, 1:], steps[:, :-1])
    assert (turns > 0.9 * sizes[:, 1:] * sizes[:, :-1]).all()
    # The C turns by 180 degrees and no streamline by a whole circle.
    headings = np.unwrap(np.arctan2(steps[..., 1], steps[..., 0]), axis=1)
    assert np.ptp(headings, axis=1).max() < 1.7 * np.pi


def test_varying_ends_spread_the_lengths_within_a_bundle():
    bundles = simulate_fibercup(300, varying_ends=0.5, nb_points=60)
    sizes = lengths(points_of(bundles))
    for code in range(7):
        own = sizes[bundles.labels == code]
        assert np.ptp(own) > 0.4 * own.mean()
        assert own.std() > 0.1 * own.mean()
        assert len(np.unique(own)) == len(own)


def test_curvature_noise_displaces_by_the_amount_asked():
    given = {"radius": 10, "thickness": 9, "varying_ends": 0, "nb_points": 100}
    quiet = points_of(simulate_fibercup(300, curvature_noise=0, **given))
    noisy = points_of(simulate_fibercup(300, curvature_noise=1.5, **given))
    straight = slice(600, 900)
    moved = (noisy - quiet)[straight, :, 1]
    # Less than asked at the border of the bundle, where the noise is held back.
    assert 1.1 < np.sqrt(np.mean(moved**2)) < 1.6
    curvatures = [mean_curvature(points[straight]).mean() for points in (quiet, noisy)]
    assert curvatures[1] > 3 * curvatures[0]


def test_seed_decides_and_more_streamlines_only_add():
    few, again = simulate_fibercup(5, seed=3), simulate_fibercup(5, seed=3)
    assert_array_equal(few.streamlines.get_data(), again.streamlines.get_data())
    many = simulate_fibercup(9, seed=3)
    for code in range(7):
        first = many.streamlines[9 * code]
        assert_array_equal(first, few.streamlines[5 * code])
    other = simulate_fibercup(5, seed=4)
    assert not np.array_equal(other.streamlines[0], few.streamlines[0])


def test_chunks_leave_no_trace(monkeypatch):
    whole = simulate_fibercup(7, seed=1)
    monkeypatch.setattr("dipy_tractogen.streamlines.simulation.phantom._CHUNK", 3)
    parts = simulate_fibercup(7, seed=1)
    assert_array_equal(parts.streamlines.get_data(), whole.streamlines.get_data())


def test_points_are_a_step_apart_unless_their_number_is_given():
    for streamline in simulate_fibercup(10, step=2).streamlines:
        sizes = np.linalg.norm(np.diff(streamline, axis=0), axis=1)
        assert_allclose(sizes, 2, atol=0.15)
    counts = [len(s) for s in simulate_fibercup(3, nb_points=17).streamlines]
    assert counts == [17] * 21


def test_reference_is_the_volume_of_the_phantom():
    reference = fibercup_reference()
    corners = (
        reference.affine @ np.array([[-0.5, -0.5, -0.5, 1], [63.5, 63.5, 2.5, 1]]).T
    )
    assert_allclose(corners[:3].T, [[0, 0, 0], [192, 192, 9]])
    assert reference.dimensions == (64, 64, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"nb_streamlines": 0},
        {"radius": 0},
        {"radius": 16},
        {"thickness": -1},
        {"thickness": 9.5},
        {"curvature_noise": float("nan")},
        {"curvature_noise": 7},
        {"varying_ends": 0.95},
        {"varying_ends": -0.1},
        {"nb_points": 1},
        {"step": 0},
        {"step": float("inf")},
        {"seed": -1},
    ],
)
def test_impossible_numbers_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        simulate_fibercup(**wrong)
