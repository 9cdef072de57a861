"""Known transforms are found again, and what does not fit is refused."""

import json
import logging

from nibabel.eulerangles import euler2mat
import numpy as np
import pytest

from dipy_tractogen.streamlines.array_sequence import concatenate_streamlines
from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.simulation.packaged import packaged_bundles
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup
from dipy_tractogen.streamlines.spaces.pairs import bring_together, nearest_pairs
from dipy_tractogen.streamlines.spaces.registration import register_streamlines
from dipy_tractogen.streamlines.spaces.transform import AffineTransform


def matrix_of(degrees, shift, sizes=(1, 1, 1), shear=0.0):
    """Return an affine by angles, a shift (mm), sizes along the axes and a shear."""
    matrix = np.eye(4)
    matrix[:3, :3] = euler2mat(*np.radians(degrees)) @ np.diag(sizes)
    matrix[:3, 1] += shear * matrix[:3, 0]
    matrix[:3, 3] = shift
    return matrix


RIGID = AffineTransform(matrix_of((12, -9, 14), (25, -30, 15)))
AFFINE = AffineTransform(
    matrix_of((-8, 6, 15), (-30, 10, 20), sizes=(1.1, 0.9, 1.05), shear=0.06)
)


@pytest.fixture(scope="module")
def phantoms():
    """Two phantoms of one law, no streamline of which is in both."""
    return simulate_fibercup(14, seed=0), simulate_fibercup(14, seed=1)


@pytest.fixture(scope="module")
def rigid(phantoms):
    """One registered to the other, with the seed 3."""
    moving, static = (each.streamlines for each in phantoms)
    return register_streamlines(moving, static, kind="rigid", seed=3)


@pytest.fixture(scope="module")
def human(tmp_path_factory):
    """Two halves of the bundles of a subject."""
    files = packaged_bundles(tmp_path_factory.mktemp("packaged"))
    return load_bundles([file for file in files if "sub_2" in str(file)]).split(0.5)


def error_mm(registration, away, streamlines):
    """Return the mean distance of points from where they were before a transform."""
    points = streamlines._data
    back = registration.transform.apply_to_points(away.apply_to_points(points))
    return np.linalg.norm(back - points, axis=1).mean()


@pytest.mark.parametrize(
    ("away", "kind", "limit_mm"), [(RIGID, "rigid", 0.6), (AFFINE, "affine", 0.9)]
)
def test_a_known_transform_is_found(human, away, kind, limit_mm):
    moving, static = (half.streamlines for half in human)
    found = register_streamlines(away.apply(moving), static, kind=kind)
    assert error_mm(found, away, moving) < limit_mm
    assert found.kind == kind
    assert min(found.matched_fraction.values()) > 0.9
    sizes = np.linalg.svd(found.transform.matrix[:3, :3], compute_uv=False)
    assert (kind == "rigid") == np.allclose(sizes, 1)


@pytest.mark.parametrize("cropped", ["moving", "static"])
def test_half_of_the_bundles_is_enough(phantoms, cropped):
    moving, static = phantoms
    half = moving.select(np.isin(moving.labels, (0, 2, 5)))
    pair = (half, static) if cropped == "moving" else (static, half)
    moving, static = (each.streamlines for each in pair)
    away = AffineTransform(matrix_of((3, -4, 18), (35, -15, 10)))
    found = register_streamlines(away.apply(moving), static, kind="rigid")
    assert error_mm(found, away, moving) < 2.5
    other = "static" if cropped == "moving" else "moving"
    assert found.matched_fraction[cropped] > 0.9
    assert found.matched_fraction[other] < 0.7


def test_a_mild_warp_is_met_on_average(human):
    moving, static = (half.streamlines for half in human)
    points = moving._data.astype(float)
    bent = points + 2.0 * np.sin(points[:, [1, 2, 0]] / 25)
    streamlines = moving.copy()
    streamlines._data = RIGID.apply_to_points(bent).astype(np.float32)
    found = register_streamlines(streamlines, static, kind="affine")
    back = found.transform.apply(streamlines)
    left = np.linalg.norm(back._data - points, axis=1).mean()
    assert left < np.linalg.norm(bent - points, axis=1).mean()


def test_the_seed_fixes_it_and_little_is_logged(phantoms, rigid, caplog):
    moving, static = (each.streamlines for each in phantoms)
    with caplog.at_level(logging.INFO):
        again = register_streamlines(moving, static, kind="rigid", seed=3)
    np.testing.assert_array_equal(rigid.transform.matrix, again.transform.matrix)
    assert rigid.to_dict() == again.to_dict()
    assert caplog.messages == []


def test_the_seed_fixes_an_affine():
    moving, static = (simulate_fibercup(4, seed=seed).streamlines for seed in (0, 1))
    one, again, other = (
        register_streamlines(moving, static, kind="affine", seed=seed)
        for seed in (3, 3, 4)
    )
    assert one.to_dict() == again.to_dict()
    assert not np.array_equal(one.transform.matrix, other.transform.matrix)


def test_what_is_told(rigid):
    record = json.loads(json.dumps(rigid.to_dict()))
    assert record["transform"]["matrix"] == rigid.transform.matrix.tolist()
    assert record["residual_mm"] == rigid.residual_mm
    text = rigid.describe()
    assert f"{rigid.residual_mm:.1f} mm" in text
    assert "100 % of the moving" in text
    assert "\n" not in text


def test_residual_is_the_mean_mdf(phantoms, rigid):
    moving, static = (each.resample(12) for each in phantoms)
    there = rigid.transform.apply_to_points(moving)
    forth = np.linalg.norm(there[:, None] - static, axis=3).mean(axis=2)
    back = np.linalg.norm(there[:, None, ::-1] - static, axis=3).mean(axis=2)
    nearest = np.minimum(forth, back).min(axis=1)
    assert rigid.residual_mm == pytest.approx(nearest.mean(), rel=0.02)


def test_a_mirror_image_is_refused(human):
    moving, static = (half.streamlines for half in human)
    flipped = AffineTransform(np.diag([-1.0, 1, 1, 1])).apply(moving)
    with pytest.raises(ValueError, match=r"flipped|do not fit|change their size"):
        register_streamlines(flipped, static, kind="rigid")


def test_a_brain_that_is_nearly_symmetric(human):
    """Each bundle has one on the other side, a little in front of its mirror image."""
    sides = []
    for half in human:
        right = AffineTransform(np.diag([-1.0, 1, 1, 1])).apply(half.streamlines)
        right._data += np.float32([0, 14, 0])
        sides.append(concatenate_streamlines([half.streamlines, right]))
    moving, static = sides
    assert register_streamlines(RIGID.apply(moving), static, kind="rigid")
    flipped = AffineTransform(np.diag([-1.0, 1, 1, 1])).then(RIGID)
    with pytest.raises(ValueError, match="mirror image"):
        register_streamlines(flipped.apply(moving), static, kind="rigid")


@pytest.mark.parametrize("kind", ["rigid", "affine"])
def test_a_phantom_is_no_brain(phantoms, human, kind):
    with pytest.raises(ValueError, match=r"do not fit|change their size") as caught:
        register_streamlines(phantoms[0].streamlines, human[0].streamlines, kind=kind)
    assert "give a transform" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("factor", [0.1, 10])
def test_centimetres_are_no_millimetres(human, factor):
    wrong = AffineTransform(np.diag([factor] * 3 + [1.0])).apply(human[0].streamlines)
    with pytest.raises(ValueError, match="in mm"):
        register_streamlines(wrong, human[1].streamlines, kind="rigid")


def test_few_or_bad_streamlines(phantoms):
    static = phantoms[1].streamlines
    few = phantoms[0].streamlines[:19]
    with pytest.raises(ValueError, match="moving set has 19 streamlines"):
        register_streamlines(few, static)
    with pytest.raises(ValueError, match="static set has 0 streamlines"):
        register_streamlines(static, few[:0])
    with pytest.raises(ValueError, match="accepted are rigid, affine"):
        register_streamlines(static, static, kind="warp")
    for bad in (np.nan, np.inf, 1e30):
        wrong = np.full((50, 8, 3), bad, dtype=np.float32)
        with pytest.raises(ValueError, match="moving set has 0 streamlines"):
            register_streamlines(wrong, static)


def test_bad_streamlines_are_left_out(phantoms):
    moving, static = (each.resample(12) for each in phantoms)
    bad = np.full((40, 12, 3), np.nan, dtype=np.float32)
    found = register_streamlines(np.concatenate([bad, moving]), static, kind="rigid")
    assert error_mm(found, AffineTransform(np.eye(4)), to_sequence(moving)) < 2.5


def test_pairs_are_the_nearest():
    rng = np.random.default_rng(0)
    moving, static = rng.normal(100, 20, (9, 5, 3)), rng.normal(100, 20, (7, 5, 3))
    pairs = nearest_pairs(moving, static)
    either = np.stack([static, static[:, ::-1]])
    squares = ((moving[:, None, None] - either) ** 2).sum(-1).mean(-1)
    distance = np.sqrt(squares.min(axis=1))
    np.testing.assert_array_equal(pairs.moving[:9], np.arange(9))
    np.testing.assert_array_equal(pairs.static[:9], distance.argmin(axis=1))
    np.testing.assert_array_equal(pairs.moving[9:], distance.argmin(axis=0))
    chosen = distance[pairs.moving, pairs.static]
    np.testing.assert_allclose(pairs.distance, chosen, rtol=1e-4)
    against = squares.argmin(axis=1)[pairs.moving, pairs.static] == 1
    np.testing.assert_array_equal(pairs.reversed, against)


@pytest.mark.parametrize(("kind", "away"), [("rigid", RIGID), ("affine", AFFINE)])
def test_exact_counterparts_are_met_exactly(kind, away):
    static = np.random.default_rng(0).normal(0, 40, (60, 6, 3))
    moving = away.apply_to_points(static)[:, ::-1]
    start = np.linalg.inv(away.matrix)
    start[:3, 3] += 0.5
    found = bring_together(moving, static, start, kind, (5.0, 1.0))
    error = np.linalg.norm(
        AffineTransform(found).apply_to_points(moving) - static[:, ::-1], axis=2
    )
    # Of the changes of size, a third of a percent is taken for chance.
    assert error.max() < (1e-5 if kind == "rigid" else 0.1)
