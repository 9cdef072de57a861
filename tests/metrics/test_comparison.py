import numpy as np
from numpy.testing import assert_array_equal
import pytest

from dipy_tractogen.metrics.bundle_similarity import Grid
from dipy_tractogen.metrics.comparison import (
    OVERALL,
    Comparison,
    average,
    bundle_agreement,
)
from dipy_tractogen.metrics.measures import MEASURES, Estimate
from dipy_tractogen.metrics.samples import prepare, with_voxels


def compare(candidates, reference):
    """Measure, and give the values alone."""
    candidates, reference = with_voxels([candidates, reference], Grid.of_size(2.0))
    measured = Comparison(reference, k=3, seed=0).measure(candidates)
    return {
        label: {name: found and found.value for name, found in each.items()}
        for label, each in measured.items()
    }


@pytest.fixture
def two_bundles(lines):
    """Ten lines in each of two bundles far apart."""
    points = np.concatenate([lines(np.arange(10)), lines(200 + np.arange(10))])
    return prepare(points, np.repeat([0, 4], 10))


def test_a_set_against_itself(two_bundles):
    measured = compare(two_bundles, two_bundles)
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
    measured = compare(exchanged, two_bundles)
    assert measured[OVERALL]["precision"] == measured[OVERALL]["dice"] == 1
    for name in ("precision", "dice", "shape_similarity", "agreement"):
        assert measured[0][name] == measured[4][name] == 0
    assert measured[OVERALL]["agreement"] == 0
    assert measured[OVERALL]["shape_similarity"] == 0


def test_agreement_is_counted_by_bundle(two_bundles):
    labels = two_bundles.labels.copy()
    labels[:5] = 4
    measured = compare(prepare(two_bundles.points, labels), two_bundles)
    assert measured[0]["agreement"] == 1
    assert measured[4]["agreement"] == pytest.approx(10 / 15)
    assert measured[OVERALL]["agreement"] == pytest.approx(15 / 20)


def test_tiny_bundles_have_no_neighbourhoods(two_bundles):
    tiny = two_bundles.take([0, 1, 2])
    values = compare(tiny, tiny)[0]
    for name in ("precision", "recall", "density", "coverage"):
        assert values[name] is None
    assert values["dice"] == 1


def test_a_single_bundle_cannot_be_mistaken(two_bundles):
    single = two_bundles.of_bundle(4)
    assert compare(single, single)[OVERALL]["agreement"] is None


def test_nothing_to_compare_is_none(two_bundles):
    measured = compare(two_bundles.take([]), two_bundles)
    assert measured == {OVERALL: dict.fromkeys(MEASURES)}


def test_parts_are_of_all_streamlines(two_bundles):
    (prepared,) = with_voxels([two_bundles], Grid.of_size(2.0))
    measured = Comparison(prepared, k=3, seed=0).measure(prepared)
    for label, size in ((OVERALL, 20), (0, 10), (4, 10)):
        for name, estimate in measured[label].items():
            for parts in (estimate.candidates, estimate.reference):
                assert np.shape(parts) in ((), (size,)), name
                assert np.sum(parts) == pytest.approx(0, abs=1e-5), name


def test_average_leaves_out_what_is_none():
    one, two = Estimate(1.0), Estimate(2.0)
    measured = [{"a": one, "b": None}, {"a": None, "b": None}, {"a": two, "b": None}]
    assert average(measured) == {"a": 1.5, "b": None}


def test_streamline_agrees_with_the_bundle_that_it_is_in(lines):
    reference = prepare(lines([0, 1, 10, 11]), np.array([0, 0, 1, 1]))
    candidates = prepare(lines([0.2, 9.0, 10.4])[:, ::-1], np.array([0, 0, 1]))
    found = bundle_agreement(candidates, reference)
    assert_array_equal(found, [True, False, True])
