import json

import numpy as np
from numpy.testing import assert_allclose
import pytest
from sklearn.metrics import roc_auc_score

from dipy_tractogen.metrics.c2st import c2st
from dipy_tractogen.metrics.c2st.sample import Sample, area, area_within
from dipy_tractogen.streamlines.array_sequence import as_sequence, take

NB = 90


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Classifiers of a few trees and epochs, enough for differences this large."""
    with pytest.MonkeyPatch.context() as patched:
        for name, number in {"_NB_TREES": 12, "_NB_EPOCHS": 25}.items():
            patched.setattr(f"dipy_tractogen.metrics.c2st.two_sample.{name}", number)
        yield


def tracks(seed, *, spread=2.0, rough=0.15, nb=NB):
    """Make rough streamlines along x, of 60 to 90 points 1 mm apart, and their labels.

    The second half is 50 mm from the first.
    """
    rng = np.random.default_rng(seed)
    counts = rng.integers(60, 90, nb)
    parts = []
    for place, count in enumerate(counts):
        along = np.linspace(0, 1, count)[:, None]
        low = np.cos(np.pi * along * [1, 2, 3]) @ rng.normal(0, 8, (3, 3))
        points = low / 3 + rng.normal(0, rough, (count, 3)) + rng.normal(0, spread, 3)
        points[:, 0] += count * along[:, 0]
        points[:, 1] += 50 * (2 * place // nb)
        parts.append(points)
    points = np.concatenate(parts).astype(np.float32)
    return as_sequence(points, counts), np.arange(nb) * 2 // nb


@pytest.fixture(scope="module")
def real():
    return tracks(0)


def of(given, real):
    (candidates, labels), (reference, others) = given, real
    return c2st(candidates, reference, labels, others)


@pytest.fixture(scope="module")
def same(real):
    return of(tracks(1), real)


def test_sets_of_one_distribution_are_not_told(same):
    for name in ("shape", "texture", "both"):
        found = same[name]
        assert 0.35 < found["value"] < 0.65
        assert found["value"] == max(found["boosting"], found["network"])
        low, high = found["interval"]
        assert low < found["value"] < high
        assert high - low == pytest.approx(4 * 0.043, abs=0.02)
    assert same["compared"] == NB
    assert same["step_mm"] == pytest.approx(1, abs=0.3)
    assert json.loads(json.dumps(same)) == same


def test_the_seed_fixes_the_result(real, same):
    assert of(tracks(1), real) == same


def test_too_smooth_streamlines_are_told_by_their_texture(real):
    smooth = of(tracks(1, rough=0.08), real)
    assert smooth["texture"]["value"] > 0.95
    assert smooth["both"]["value"] > 0.95
    told = [each for each in smooth["told_by"] if each["set"] == "texture"]
    assert told[0]["text"].startswith("too little energy below")
    assert told[0]["alone"] < 0.05


def test_streamlines_of_another_shape_are_told_by_it(real):
    found = of(tracks(1, spread=0.2), real)
    assert found["shape"]["value"] > 0.8
    assert found["texture"]["value"] < 0.7
    told = [each for each in found["told_by"] if each["set"] == "shape"]
    assert told[0]["text"] == "too little variation of the position"
    assert told[0]["alone"] < 0.45


def test_one_more_interpolation_is_told(real):
    streamlines, labels = tracks(1)
    between = [(each[1:] + each[:-1]) / 2 for each in streamlines]
    found = c2st(between, real[0], labels, real[1])
    assert found["texture"]["value"] > 0.9


def test_copies_of_a_streamline_do_not_tell_it():
    few = [tracks(seed, nb=50)[0] for seed in (2, 3)]
    repeated = [take(each, np.arange(150) % 50) for each in few]
    found = c2st(*repeated)
    assert max(found[name]["value"] for name in ("shape", "texture", "both")) < 0.72


def test_the_bundles_are_judged_by_all_classifiers(monkeypatch, real):
    monkeypatch.setattr("dipy_tractogen.metrics.c2st.sample.FEWEST_OF_BUNDLE", 40)
    streamlines, labels = tracks(1)
    smooth, _ = tracks(1, rough=0.05)
    half = [*smooth[: NB // 2], *streamlines[NB // 2 :]]
    found = c2st(half, real[0], labels, real[1])["bundles"]
    assert found[0]["texture"]["value"] > 0.9
    assert found[1]["texture"]["value"] < 0.75


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((np.zeros(NB), None), "90 reference streamlines with no labels"),
        ((np.zeros(NB), np.zeros(3)), r"90 reference .* with labels of shape \(3,\)"),
    ],
)
def test_labels_are_of_both_sets_and_of_each_streamline(real, given, said):
    with pytest.raises(ValueError, match=said):
        c2st(real[0], real[0], *given)


def test_points_that_are_not_finite_are_an_error(real):
    broken = np.full((NB, 5, 3), np.nan)
    with pytest.raises(ValueError, match="NaN or infinite"):
        c2st(broken, real[0])


def test_too_few_streamlines_have_no_value(real):
    few = take(real[0], np.arange(49))
    assert c2st(few, real[0]) is None
    assert c2st(take(few, np.arange(200) % 49), real[0]) is None
    assert c2st(real[0], real[0], np.zeros(NB), np.ones(NB)) is None


def test_areas_are_those_of_the_roc_curve():
    rng = np.random.default_rng(0)
    scores, ours = rng.integers(0, 9, 60) / 9.0, rng.random(60) < 0.4
    value, error = area(scores, ours)
    assert value == pytest.approx(roc_auc_score(ours, scores))
    both = [np.flatnonzero(each) for each in (ours, ~ours)]
    drawn = []
    for _ in range(100):
        rows = np.concatenate([rng.choice(each, len(each)) for each in both])
        drawn.append(area(scores[rows], ours[rows])[0])
    assert error == pytest.approx(np.std(drawn), rel=0.2)
    labels = np.arange(60) % 2
    sample = Sample({}, labels, ours, np.arange(60))
    parts = [labels == label for label in (0, 1)]
    expected = np.mean([roc_auc_score(ours[each], scores[each]) for each in parts])
    assert_allclose(area_within(sample, scores[:, None]), [expected])
