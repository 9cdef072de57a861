import numpy as np
from numpy.testing import assert_allclose
import pytest

from dipy_tractogen.metrics.distances import mdf
from dipy_tractogen.metrics.prdc import ball_radii, prdc


def test_identical_sets_are_covered_whole(curves):
    found = prdc(curves[:200, ::-1], curves[:200])
    assert found["precision"] == found["recall"] == found["coverage"] == 1
    assert_allclose(found["density"], 1, atol=0.01)


@pytest.mark.parametrize("way", [1, -1])
def test_copies_against_themselves_are_all_there_is(curves, caplog, way):
    copies = np.repeat(curves[:40], 6, axis=0)
    found = prdc(copies, copies[:, ::way])
    assert found["precision"] == found["recall"] == found["coverage"] == 1
    assert found["density"] == pytest.approx(6 / 5)
    assert "Of the 240 reference streamlines 200 are copies" in caplog.text
    away = prdc(copies + np.float32(0.05), copies)
    assert away == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_sets_without_copies_are_not_warned_of(curves, caplog):
    prdc(curves[:50], curves[50:100])
    assert not caplog.records


def test_sets_far_apart_share_nothing(curves):
    found = prdc(curves[:100] + 500, curves[100:200])
    assert found == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_figures_by_hand(lines):
    # Open balls of k = 1 around the real ones: (-1, 1), (0, 2) and (1, 5); around the
    # candidates: (-2, 2.8), (-4.4, 0.4), (9, 11) and (10, 12).
    found = prdc(lines([0.4, -2, 10, 11]), lines([0, 1, 3]), k=1)
    by_hand = {
        "precision": 1 / 4,
        "recall": 2 / 3,
        "density": 2 / 4,
        "coverage": 2 / 3,
    }
    assert found == pytest.approx(by_hand)


def test_figures_are_those_of_the_formulas(curves):
    reference, candidates = curves[:250], curves[250:450] + 0.7
    k = 4

    def radii(points):
        return np.sort(mdf(points, points), axis=1)[:, k]

    between = mdf(reference, candidates)
    in_real = between < radii(reference)[:, None] * (1 - 1e-5)
    in_ours = between < radii(candidates)[None] * (1 - 1e-5)
    expected = {
        "precision": in_real.any(axis=0).mean(),
        "recall": in_ours.any(axis=1).mean(),
        "density": in_real.sum() / (k * len(candidates)),
        "coverage": in_real.any(axis=1).mean(),
    }
    assert prdc(candidates, reference, k=k) == pytest.approx(expected, abs=0.01)
    assert 0 < expected["coverage"] < 1


def test_one_spot_drawn_over_and_over_is_precise_and_covers_nothing(lines):
    reference = lines(np.arange(40.0))
    candidates = lines(20 + np.linspace(0, 0.1, 40))
    found = prdc(candidates, reference)
    assert found["precision"] == 1
    assert found["coverage"] < 0.2
    assert found["recall"] < 0.1


def test_radius_reaches_to_the_kth_other_one(lines):
    assert_allclose(ball_radii(lines([0, 1, 3, 7]), k=2), [3, 2, 3, 6], rtol=1e-4)


@pytest.mark.parametrize(("nb_candidates", "nb_reference"), [(5, 9), (9, 5)])
def test_too_few_streamlines_are_refused(lines, nb_candidates, nb_reference):
    sets = lines(np.arange(nb_candidates)), lines(np.arange(nb_reference))
    with pytest.raises(ValueError, match="k=5"):
        prdc(*sets, k=5)
