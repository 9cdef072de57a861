import numpy as np
import pytest

from dipy_tractogen.viz.colours import (
    NO_VALUE,
    PALETTE,
    bundle_colours,
    direction_colours,
    value_colours,
)


def test_bundle_colours_do_not_depend_on_order_or_repetition():
    names = ["CST_R", "AF_L", "CC"]
    colours = bundle_colours(names)
    assert list(colours) == sorted(names)
    assert colours == bundle_colours([*reversed(names), "AF_L"])


@pytest.mark.parametrize("number", [3, len(PALETTE), 2 * len(PALETTE)])
def test_bundle_colours_differ(number):
    colours = list(bundle_colours(f"bundle_{i:02d}" for i in range(number)).values())
    distances = np.linalg.norm(
        np.asarray(colours)[:, None] - np.asarray(colours)[None], axis=-1
    )
    assert distances[~np.eye(number, dtype=bool)].min() > 0.1


@pytest.mark.parametrize(
    "pair",
    [
        ("AF_L", "AF_R"),
        ("Left_ILF", "Right_ILF"),
        ("lh.cst", "rh.cst"),
        ("L-UF", "R-UF"),
    ],
)
def test_left_and_right_share_a_hue(pair):
    colours = bundle_colours([*pair, "LLR", "RRL"])
    left, right = (np.asarray(colours[name]) for name in pair)
    assert np.all(right > left)
    white = (right - left) / (1 - left)
    np.testing.assert_allclose(white, white[0])
    assert np.ptp(np.asarray(colours["LLR"]) - np.asarray(colours["RRL"])) > 0.1


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
