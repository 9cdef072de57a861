import numpy as np
import pytest

from dipy_tractogen.viz.colours import (
    bundle_colours,
    direction_colours,
    value_colours,
)
from dipy_tractogen.viz.palette import NO_VALUE, PALETTE, to_lab, to_rgb


def test_bundle_colours_do_not_depend_on_order_or_repetition():
    names = ["CST_R", "AF_L", "CC"]
    colours = bundle_colours(names)
    assert list(colours) == sorted(names)
    assert colours == bundle_colours([*reversed(names), "AF_L"])


@pytest.mark.parametrize("number", [3, len(PALETTE), 2 * len(PALETTE), 41])
def test_pairs_of_bundles_differ(number):
    names = [f"bundle_{i:02d}_{side}" for i in range(number) for side in ("L", "R")]
    lab = to_lab(list(bundle_colours([*names, "unassigned"]).values()))
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    assert distances[~np.eye(len(lab), dtype=bool)].min() > 11


def test_colours_stay_where_others_are_added():
    few = bundle_colours(f"bundle_{i:02d}" for i in range(20))
    many = bundle_colours(f"bundle_{i:02d}" for i in range(50))
    assert few.items() <= many.items()


@pytest.mark.parametrize(
    "pair",
    [
        ("AF_L", "AF_R"),
        ("Left_ILF", "Right_ILF"),
        ("lh.cst", "rh.cst"),
        ("L-UF", "R-UF"),
    ],
)
def test_left_and_right_share_hue_and_lightness(pair):
    colours = bundle_colours([*pair, "LLR", "RRL"])
    left, right = (to_lab(colours[name]) for name in pair)
    np.testing.assert_allclose(left[0], right[0], atol=1e-6)
    np.testing.assert_allclose(
        np.arctan2(left[2], left[1]), np.arctan2(right[2], right[1]), atol=1e-6
    )
    hues = [np.arctan2(*to_lab(colours[name])[:0:-1]) for name in ("LLR", "RRL")]
    assert abs(hues[0] - hues[1]) > 0.1


def test_more_than_two_of_a_name_are_told_apart():
    assert len(set(bundle_colours(["AF_l", "AF_L", "AF_R", "AF_left"]).values())) == 4


def test_unassigned_is_grey():
    assert bundle_colours(["AF", "unassigned"])["unassigned"] == NO_VALUE


def test_direction_colours_are_absolute_tangents():
    points = np.array(
        [[0, 0, 0], [-2, 0, 0], [-4, 0, 0], [0, 0, 0], [0, 0, 5], [7, 7, 7], [7, 7, 7]],
        dtype=np.float32,
    )
    colours = direction_colours(points, np.array([3, 2, 2]))
    expected = [[1, 0, 0]] * 3 + [[0, 0, 1]] * 2 + [[0, 0, 0]] * 2
    np.testing.assert_allclose(colours, expected)


def test_direction_colours_do_not_depend_on_the_direction_of_storage():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(20, 3))
    forward = direction_colours(points, np.array([20]))
    backward = direction_colours(points[::-1], np.array([20]))
    np.testing.assert_allclose(forward, backward[::-1])


def test_value_colours_clip_and_grey_out():
    colours = value_colours(np.array([-1.0, 0, 1, 9, np.nan]), 0, 1)
    np.testing.assert_array_equal(colours[0], colours[1])
    np.testing.assert_array_equal(colours[2], colours[3])
    assert not np.allclose(colours[1], colours[2])
    np.testing.assert_array_equal(colours[4], NO_VALUE)


def test_lab_is_that_of_known_colours():
    # Red of sRGB, by CIE 1976 with the white of D65.
    np.testing.assert_allclose(to_lab([1, 0, 0]), [53.24, 80.09, 67.20], atol=0.01)
    np.testing.assert_allclose(to_lab([1, 1, 1]), [100, 0, 0], atol=1e-6)
    rgb = np.random.default_rng(0).uniform(size=(50, 3))
    np.testing.assert_allclose(to_rgb(to_lab(rgb)), rgb, atol=1e-6)
