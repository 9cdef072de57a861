import numpy as np
import pytest
from scipy.spatial import cKDTree

from dipy_tractogen.sampling.texture import endpoints as module
from dipy_tractogen.sampling.texture.endpoints import Endpoints

NB_POINTS = 16


def streamlines(ends):
    """Straight streamlines between first and last points (n, 2, 3)."""
    at = np.linspace(0, 1, NB_POINTS)[:, None]
    return ends[:, :1] * (1 - at) + ends[:, 1:] * at


def sheets(nb_streamlines, seed, thickness=0.1):
    """Ends on a plane at z = 0, evenly, and in a ball about z = 90."""
    rng = np.random.default_rng(seed)
    ends = rng.uniform(-10, 10, (nb_streamlines, 2, 3))
    ends[:, 0, 2] = thickness * rng.normal(size=nb_streamlines)
    ends[:, 1, 2] += 90
    return ends


def blurred(ends, deviation=2.0, seed=9):
    return ends + deviation * np.random.default_rng(seed).normal(size=ends.shape)


@pytest.fixture(scope="module")
def fitted():
    """Two bundles, one of which has ten streamlines."""
    real = np.concatenate([sheets(400, 0), sheets(10, 1)])
    labels = np.repeat([1, 5], [400, 10])
    return Endpoints().fit(streamlines(real), streamlines(blurred(real)), labels)


def test_ends_are_moved_onto_the_sheet_and_stay_along_it(fitted):
    wanted = sheets(1000, 2)
    given = blurred(wanted, seed=3).astype(np.float32)
    labels = np.full(1000, 1)
    moves = fitted.moves(given, labels, seed=0)
    assert moves.dtype == np.float32
    sharp = given + moves
    assert np.abs(given[:, 0, 2]).mean() > 1.5
    assert np.abs(sharp[:, 0, 2]).mean() < 0.35
    inside = (np.abs(given[:, 0, :2]) < 8).all(axis=1)
    along = np.abs(moves[inside, 0, :2])
    # Real ends are about 1 mm apart; less than that is what their places say.
    assert along.mean() < 2
    assert sharp[:, 0, :2].std() == pytest.approx(wanted[:, 0, :2].std(), rel=0.1)


def test_ends_are_as_far_from_real_ones_as_others_and_none_is_given_back(fitted):
    known = cKDTree(fitted.points[fitted.labels == 1, 0])
    others = sheets(1000, 2)
    given = blurred(others, seed=3)
    sharp = given + fitted.moves(given, np.full(1000, 1), seed=0)
    distances = [known.query(each[:, 0])[0] for each in (others, given, sharp)]
    assert distances[1].mean() > 2 * distances[0].mean()
    assert distances[2].mean() == pytest.approx(distances[0].mean(), rel=0.25)
    assert distances[2].min() > 1e-4
    # As many are very near as of the real ones, about.
    assert np.mean(distances[2] < 0.1) < 3 * np.mean(distances[0] < 0.1) + 0.01


def test_few_ends_and_those_that_are_sharp_are_left_alone(fitted):
    given = blurred(sheets(50, 2))
    assert not fitted.moves(given, np.full(50, 5)).any()
    real = sheets(200, 4)
    labels = np.zeros(200, int)
    sharp = Endpoints().fit(streamlines(real), streamlines(blurred(real, 0.01)), labels)
    assert not sharp.moves(given, np.zeros(50, int)).any()
    assert not Endpoints().moves(given, np.zeros(50, int)).any()


def test_a_seed_fixes_the_draw(fitted):
    given, labels = blurred(sheets(50, 2)), np.full(50, 1)
    first = fitted.moves(given, labels, seed=(1, 2))
    np.testing.assert_array_equal(first, fitted.moves(given, labels, seed=(1, 2)))
    assert (first != fitted.moves(given, labels, seed=3)).all()


def test_arrays_hold_all(fitted, tmp_path):
    np.savez(tmp_path / "ends.npz", **fitted.to_arrays())
    with np.load(tmp_path / "ends.npz", allow_pickle=False) as arrays:
        copy = Endpoints.from_arrays(dict(arrays))
    given, labels = blurred(sheets(50, 2)), np.repeat([1, 5], 25)
    np.testing.assert_array_equal(
        copy.moves(given, labels, seed=1), fitted.moves(given, labels, seed=1)
    )


def test_the_number_of_ends_is_limited(monkeypatch):
    real = sheets(90, 0)
    labels = np.repeat([0, 3], [30, 60])
    monkeypatch.setattr(module, "_MOST_OF_A_BUNDLE", 40)
    fitted = Endpoints().fit(streamlines(real), streamlines(blurred(real)), labels)
    np.testing.assert_array_equal(np.bincount(fitted.labels), [30, 0, 0, 40])
    monkeypatch.setattr(module, "_MOST_IN_ALL", 50)
    fitted = Endpoints().fit(streamlines(real), streamlines(blurred(real)), labels)
    np.testing.assert_array_equal(np.bincount(fitted.labels), [25, 0, 0, 25])
