import numpy as np
import pytest

from dipy_tractogen.metrics.comparison import MEASURES, OVERALL, average, compare
from dipy_tractogen.metrics.samples import prepare

OPTIONS = {"k": 3, "voxel_size": 2.0, "seed": 0}


@pytest.fixture
def two_bundles(lines):
    """Ten lines in each of two bundles far apart."""
    points = np.concatenate([lines(np.arange(10)), lines(200 + np.arange(10))])
    return prepare(points, np.repeat([0, 4], 10))


def test_a_set_against_itself(two_bundles):
    measured = compare(two_bundles, two_bundles, **OPTIONS)
    assert set(measured) == {OVERALL, 0, 4}
    for values in measured.values():
        assert tuple(sorted(values)) == tuple(sorted(MEASURES))
        for name in ("precision", "recall", "coverage", "dice", "overlap"):
            assert values[name] == 1
        assert values["shape_similarity"] == values["agreement"] == 1
        assert values["overreach"] == values["length_w1"] == 0
        assert values["mean_length"] == pytest.approx(40)


def test_a_wrong_bundle_is_seen_by_bundle(two_bundles):
    exchanged = prepare(two_bundles.points, two_bundles.labels[::-1])
    measured = compare(exchanged, two_bundles, **OPTIONS)
    assert measured[OVERALL]["precision"] == measured[OVERALL]["dice"] == 1
    for name in ("precision", "dice", "shape_similarity", "agreement"):
        assert measured[0][name] == measured[4][name] == 0
    assert measured[OVERALL]["agreement"] == 0
    assert measured[OVERALL]["shape_similarity"] == 0


def test_agreement_is_counted_by_bundle(two_bundles):
    labels = two_bundles.labels.copy()
    labels[:5] = 4
    measured = compare(prepare(two_bundles.points, labels), two_bundles, **OPTIONS)
    assert measured[0]["agreement"] == 1
    assert measured[4]["agreement"] == pytest.approx(10 / 15)
    assert measured[OVERALL]["agreement"] == pytest.approx(15 / 20)


def test_tiny_bundles_have_no_neighbourhoods(two_bundles):
    tiny = two_bundles.take([0, 1, 2])
    values = compare(tiny, tiny, **OPTIONS)[0]
    for name in ("precision", "recall", "density", "coverage"):
        assert values[name] is None
    assert values["dice"] == 1


def test_a_single_bundle_cannot_be_mistaken(two_bundles):
    single = two_bundles.of_bundle(4)
    assert compare(single, single, **OPTIONS)[OVERALL]["agreement"] is None


def test_nothing_to_compare_is_none(two_bundles):
    measured = compare(two_bundles.take([]), two_bundles, **OPTIONS)
    assert measured == {OVERALL: dict.fromkeys(MEASURES)}


def test_average_leaves_out_what_is_none():
    measured = [{"a": 1.0, "b": None}, {"a": None, "b": None}, {"a": 2.0, "b": None}]
    assert average(measured) == {"a": 1.5, "b": None}
