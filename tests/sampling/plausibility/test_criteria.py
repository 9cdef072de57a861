"""What each criterion accepts."""

from dipy.tracking.metrics import winding as dipy_winding
import numpy as np
import pytest

from dipy_tractogen.sampling.plausibility import (
    AlongPeaks,
    EndsInRegions,
    InsideMask,
    LargestWinding,
    LengthRange,
    Plausibility,
    SmallestRadius,
    with_box,
)
from dipy_tractogen.sampling.plausibility.shape import smallest_radii, winding
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.volume import Volume


def arc(radius, degrees, nb_points=100):
    """Part of a circle, tilted so that no axis is special."""
    angles = np.radians(np.linspace(0, degrees, nb_points))
    flat = radius * np.stack([np.cos(angles), np.sin(angles)])
    plane = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 2)))[0]
    return (plane @ flat).T.astype(np.float32)


def line(start, end, nb_points=21):
    return np.linspace(start, end, nb_points, dtype=np.float32)


def box(low, high, *, size=20):
    """A mask of 20 voxels of 2 mm each way, True from low to high (voxels)."""
    data = np.zeros((size, size, size), dtype=bool)
    data[tuple(slice(a, b) for a, b in zip(low, high))] = True
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    return Volume(data, affine)


def test_lengths_in_the_range():
    points = np.stack([line([0, 0, 0], [size, 0, 0]) for size in (9, 10.5, 20.5, 22)])
    np.testing.assert_array_equal(LengthRange(10, 21).accepts(points), [0, 1, 1, 0])
    np.testing.assert_array_equal(LengthRange(10).accepts(points), [0, 1, 1, 1])
    np.testing.assert_array_equal(LengthRange(high=10).accepts(points), [1, 0, 0, 0])


def test_winding_is_that_of_dipy(phantom):
    rng = np.random.default_rng(0)
    walks = rng.normal(size=(20, 60, 3)).cumsum(axis=1).astype(np.float32)
    bundles = phantom.resample(60)
    for points in (walks, bundles):
        expected = [dipy_winding(each.astype(float)) for each in points]
        np.testing.assert_allclose(winding(points), expected, rtol=1e-3)


def test_winding_of_a_circle_and_of_what_has_no_extent():
    points = np.stack([arc(10, 360), arc(10, 720), np.zeros((100, 3), np.float32)])
    np.testing.assert_allclose(winding(points), [360, 720, 0], atol=0.1)
    np.testing.assert_array_equal(LargestWinding(400).accepts(points), [1, 0, 1])


@pytest.mark.parametrize("nb_points", [40, 100, 400])
def test_radius_of_an_arc_whatever_the_number_of_points(nb_points):
    points = np.stack([arc(radius, 90, nb_points) for radius in (8, 20, 50)])
    np.testing.assert_allclose(smallest_radii(points, 2.0), [8, 20, 50], rtol=0.05)
    np.testing.assert_array_equal(SmallestRadius(15).accepts(points), [0, 1, 1])


def test_corner_between_straight_lines_is_sharp_and_a_line_is_not():
    half = line([0, 0, 0], [20, 0, 0])
    corner = np.concatenate([half, half[-1] + line([0, 1, 0], [0, 20, 0])])
    straight = line([0, 0, 0], [30, 10, 5], len(corner))
    short = line([0, 0, 0], [1, 0, 0], len(corner))
    still = np.zeros_like(corner)
    radii = smallest_radii(np.stack([straight, corner, short, still]))
    assert radii[0] > 1e3
    assert 2 < radii[1] < 10
    assert (radii[2:] > 1e3).all()


def test_share_of_points_inside_a_mask():
    mask = box((0, 0, 0), (10, 20, 20))
    # From x = 1 to 36 mm, the mask ends at 19 mm: 11 of 21 points are inside.
    half = line([1, 10, 10], [36, 10, 10])
    points = np.stack([half, line([1, 10, 10], [15, 3, 3]), half - [200, 0, 0]])
    np.testing.assert_array_equal(InsideMask(mask).accepts(points), [0, 1, 0])
    for share, expected in ((11 / 21, True), (12 / 21, False)):
        assert InsideMask(mask, share).accepts(points)[0] == expected


def test_ends_in_regions_in_either_order():
    left, right = box((0, 0, 0), (5, 20, 20)), box((15, 0, 0), (20, 20, 20))
    across = line([2, 10, 10], [36, 10, 10])
    points = np.stack(
        [across, across[::-1], line([2, 9, 9], [20, 9, 9]), line([1, 1, 1], [1, 9, 1])]
    )
    np.testing.assert_array_equal(
        EndsInRegions(left, right).accepts(points), [1, 1, 0, 0]
    )
    np.testing.assert_array_equal(EndsInRegions(left).accepts(points), [0, 0, 0, 1])


@pytest.fixture
def peaks():
    """Along x everywhere, along y too where x < 10 mm; nothing where z > 20 mm."""
    data = np.zeros((20, 20, 20, 2, 3), dtype=np.float32)
    data[..., 0, 0] = 0.3
    data[:5, ..., 1, 1] = 2.0
    data[:, :, 11:] = 0
    return Volume(data, np.diag([2.0, 2.0, 2.0, 1.0]))


def test_mean_angle_to_the_nearest_peaks(peaks):
    points = np.stack(
        [
            line([2, 2, 2], [30, 2, 2]),
            line([30, 2, 2], [2, 2, 2]),
            line([3, 2, 2], [3, 30, 2]),
            line([30, 2, 2], [30, 30, 2]),
            line([20, 2, 2], [34, 2 + 14 * np.tan(np.radians(30)), 2]),
            line([20, 2, 15], [20, 2, 35]),
            line([20, 2, 30], [30, 2, 30]),
        ]
    )
    criterion = AlongPeaks(peaks, 40)
    angles = criterion.mean_angles(points)
    np.testing.assert_allclose(angles, [0, 0, 0, 90, 30, 90, np.inf], atol=0.1)
    np.testing.assert_array_equal(criterion.accepts(points), [1, 1, 1, 0, 1, 0, 0])


def test_steps_without_peaks_do_not_count(peaks):
    # The last part, where there are no peaks, turns away from x.
    along = line([2, 2, 2], [20, 2, 2])
    points = np.concatenate([along, line([20, 2, 24], [20, 30, 30])])[None]
    # One step crosses from the one part to the other; 90 degrees at most.
    assert AlongPeaks(peaks, 40).mean_angles(points)[0] < 90 / 20


def test_many_streamlines_are_as_few(peaks, monkeypatch):
    from dipy_tractogen.sampling.plausibility import regions as module

    rng = np.random.default_rng(0)
    points = rng.uniform(0, 38, size=(50, 8, 3)).astype(np.float32)
    whole = AlongPeaks(peaks, 40).mean_angles(points)
    monkeypatch.setattr(module, "_CHUNK", 7)
    np.testing.assert_allclose(AlongPeaks(peaks, 40).mean_angles(points), whole)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LengthRange(30, 20), "Lengths from 30 to 20"),
        (lambda: LengthRange(-1), "Lengths from -1"),
        (lambda: LargestWinding(0), "more than 0"),
        (lambda: SmallestRadius(0), "more than 0"),
        (lambda: SmallestRadius(5, step_mm=float("nan")), "more than 0"),
        (lambda: InsideMask(box((0, 0, 0), (1, 1, 1)), 1.2), "min_share=1.2"),
        (lambda: AlongPeaks(Volume(np.ones((2, 2, 2, 1, 3)), np.eye(4)), 91), "90"),
        (lambda: AlongPeaks(Volume(np.zeros((2, 2, 2, 1, 3)), np.eye(4)), 9), "zero"),
    ],
)
def test_impossible_limits_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_the_box_is_asked_beside_what_else_is(phantom):
    header = phantom.reference
    assert with_box(None, header, "keep") is None
    (box,) = with_box(None, header, "drop").criteria
    assert (box.most, box.margin_mm) == (0.9, 1e-3)
    other = Plausibility([LengthRange(3.0)])
    length, box = with_box(other, header, "error", "float16").criteria
    assert length is other.criteria[0]
    assert box.most == 0
    # Numbers of half precision are an eighth of a millimetre apart beyond 128 mm.
    assert box.margin_mm == 0.0625
    assert with_box(other, Reference(np.eye(4), (1, 1, 1)), "drop") is other
