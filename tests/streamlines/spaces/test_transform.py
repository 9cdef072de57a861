"""Transforms of streamlines, and bundles in another space."""

import logging

from nibabel.streamlines import ArraySequence
import numpy as np
import pytest

from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.spaces import transform as module
from dipy_tractogen.streamlines.spaces.moved import moved_bundles
from dipy_tractogen.streamlines.spaces.transform import AffineTransform
from dipy_tractogen.streamlines.spaces.warp import WarpTransform

MATRIX = np.array([[0, -1.1, 0, 5], [0.9, 0, 0, -7], [0, 0.1, 1, 40], [0, 0, 0, 1]])


def bumps(height):
    """Return a warp by a bump of a height (mm) that is about 10 mm wide."""
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = -40
    grid = np.stack(np.meshgrid(*[np.arange(41)] * 3, indexing="ij"), -1) * 2.0 - 40
    near = np.exp(-(grid**2).sum(-1) / 200)
    field = near[..., None] * np.array([height, 0.0, 0])
    return WarpTransform(field, -field, affine)


def test_streamlines_in_any_order_and_in_blocks(monkeypatch):
    """Holes and another order, as after a selection; the input is not changed."""
    rng = np.random.default_rng(0)
    parts = [rng.normal(0, 50, (n, 3)).astype(np.float32) for n in (4, 2, 9, 3)]
    some = ArraySequence(parts)[[3, 0, 2]]
    blocks = module.blocks
    monkeypatch.setattr(module, "blocks", lambda s: blocks(s, points_per_block=5))
    found = AffineTransform(MATRIX).apply(some)
    assert found._data.dtype == np.float32
    for one, given in zip(found, (parts[3], parts[0], parts[2]), strict=True):
        expected = given.astype(float) @ MATRIX[:3, :3].T + MATRIX[:3, 3]
        np.testing.assert_allclose(one, expected, atol=1e-5)
    np.testing.assert_array_equal(some[1], parts[0])


def test_an_array_and_nothing():
    points = np.zeros((3, 4, 3), dtype=np.float32)
    found = AffineTransform(MATRIX).apply(points)
    np.testing.assert_array_equal(found._lengths, [4, 4, 4])
    np.testing.assert_allclose(found[2][3], MATRIX[:3, 3])
    assert len(AffineTransform(MATRIX).apply(ArraySequence())) == 0


def test_there_and_back():
    points = np.random.default_rng(0).uniform(-35, 35, (400, 3))
    both = AffineTransform(MATRIX).then(bumps(4.0)).then(AffineTransform(MATRIX))
    assert len(both.to_dict()["steps"]) == 3
    there = both.apply_to_points(points)
    back = both.inverse().apply_to_points(there)
    assert np.abs(back - points).max() < 0.01
    once = both.then(both.inverse()).apply_to_points(points)
    assert np.abs(once - points).max() < 0.01


def test_beyond_the_grid_nothing_moves():
    points = np.array([[0.0, 0, 0], [500.0, 0, 0], [np.nan, 0, 0]])
    moved = bumps(4.0).apply_to_points(points)
    np.testing.assert_allclose(moved[0], [4, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(moved[1], points[1])
    back = bumps(4.0).inverse().apply_to_points(points)
    np.testing.assert_array_equal(back[1], points[1])
    assert np.isnan(back[2, 0])


def test_a_warp_that_folds_over_is_told(caplog):
    points = np.random.default_rng(0).uniform(-20, 20, (200, 3))
    with caplog.at_level(logging.WARNING):
        bumps(60.0).inverse().apply_to_points(points)
    assert "folds over" in caplog.text
    caplog.clear()
    bumps(4.0).inverse().apply_to_points(points)
    assert caplog.text == ""


def test_points_beyond_the_grid_are_told_once(caplog):
    warp = bumps(4.0)
    points = np.random.default_rng(0).uniform(-35, 35, (100, 3))
    points[:40] += 1000
    with caplog.at_level(logging.WARNING):
        warp.apply_to_points(points)
        assert caplog.text == ""
        points[:60] += 1000
        warp.apply_to_points(points)
        warp.apply_to_points(points)
    assert len(caplog.messages) == 1
    assert "60 % of the points" in caplog.text


def test_plain_values():
    record = bumps(4.0).inverse().to_dict()
    assert record["kind"] == "warp"
    assert record["dimensions"] == [41, 41, 41]
    assert record["inverted"] is True
    affine = AffineTransform(MATRIX, {"file": "affine.txt"})
    assert affine.to_dict()["matrix"] == MATRIX.tolist()
    assert affine.inverse().to_dict()["inverted"] is True
    assert affine.inverse().inverse().to_dict()["inverted"] is False


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        (np.eye(3), "4 by 4"),
        (np.full((4, 4), np.nan), "finite"),
        (np.diag([1.0, 1, 0, 1]), "flat"),
        (np.diag([1.0, 1, 1, 2]), "last row"),
    ],
)
def test_no_affine(matrix, said):
    with pytest.raises(ValueError, match=said):
        AffineTransform(matrix)


def test_bundles_keep_what_is_known_of_them():
    rng = np.random.default_rng(0)
    parts = [rng.normal(0, 20, (n, 3)).astype(np.float32) for n in (3, 5, 4)]
    bundles = BundleSet(
        ArraySequence(parts),
        [0, 1, 0],
        ("AF_L", "AF_R"),
        Reference(np.eye(4), (10, 10, 10)),
        values={"age": np.array([20.0, 30, 40])},
        units={"age": "years"},
        data_per_streamline={"weight": np.arange(3.0)},
        data_per_point={"FA": np.arange(12.0)[:, None]},
    ).select([2, 0])
    grid = Reference(np.diag([2.0, 2, 2, 1]), (20, 20, 20))
    moved = moved_bundles(bundles, AffineTransform(MATRIX), grid)
    assert moved.reference.matches(grid)
    assert moved.counts() == {"AF_L": 2, "AF_R": 0}
    np.testing.assert_array_equal(moved.values["age"], [40, 20])
    assert moved.units == {"age": "years"}
    np.testing.assert_array_equal(moved.data_per_streamline["weight"][:, 0], [2, 0])
    expected = [8.0, 9, 10, 11, 0, 1, 2]
    np.testing.assert_array_equal(moved.data_per_point["FA"][:, 0], expected)
    expected = parts[2].astype(float) @ MATRIX[:3, :3].T + MATRIX[:3, 3]
    np.testing.assert_allclose(moved.streamlines[0], expected, atol=1e-5)
