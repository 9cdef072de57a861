import numpy as np
from numpy.testing import assert_array_equal
import pytest

from dipy_tractogen.metrics.matching import (
    LEFT_OUT,
    common_bundles,
    leave_out_held_out,
    warn_of_numbers,
)
from dipy_tractogen.metrics.samples import prepare

NAMES = ("AF_L", "CST_R", "UF_L")


def test_bundles_on_one_side_are_named_and_left_out():
    given = {"generated": np.array([0, 1, 1]), "real": np.array([1, 2])}
    labels, names, warnings = common_bundles(given, NAMES)
    assert names == {1: "CST_R"}
    assert_array_equal(labels["generated"], [LEFT_OUT, 1, 1])
    assert_array_equal(labels["real"], [1, LEFT_OUT])
    assert len(warnings) == 2
    assert "generated" in warnings[0]
    assert "AF_L" in warnings[0]
    assert "real" in warnings[1]
    assert "UF_L" in warnings[1]


def test_bundles_on_all_sides_need_no_warning():
    given = dict.fromkeys(("generated", "real", "training"), np.array([0, 2]))
    labels, names, warnings = common_bundles(given, NAMES)
    assert names == {0: "AF_L", 2: "UF_L"}
    assert_array_equal(labels["training"], [0, 2])
    assert warnings == []


@pytest.mark.parametrize(
    "given",
    [
        {"generated": [0], "real": [1]},
        {"generated": [0, 1], "real": [1], "training": [0, 2]},
    ],
)
def test_without_a_common_name_all_are_one(given):
    given = {name: np.array(labels) for name, labels in given.items()}
    labels, names, (warning,) = common_bundles(given, NAMES)
    assert names == {}
    assert set(labels.values()) == {None}
    assert "AF_L" in warning
    assert "CST_R" in warning


def test_without_labels_all_are_one():
    given = {"generated": np.array([0]), "real": None}
    assert common_bundles(given, NAMES) == (dict.fromkeys(given), {}, [])


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_without_a_name_is_refused(label):
    with pytest.raises(ValueError, match="3 bundle names"):
        common_bundles({"generated": np.array([label]), "real": np.array([0])}, NAMES)


def test_held_out_streamlines_are_left_out_of_training(curves):
    real = prepare(curves[:10, ::-1])
    training, nb_shared, warnings = leave_out_held_out(prepare(curves[5:30]), real)
    assert_array_equal(training.points, prepare(curves[10:30]).points)
    assert nb_shared == 5
    assert warnings == []


def test_training_on_nothing_but_held_out_streamlines_is_none(curves):
    real = prepare(curves[:10])
    training, nb_shared, (warning,) = leave_out_held_out(real, real)
    assert training is None
    assert nb_shared == 10
    assert "--train_files" in warning


def test_no_training_says_what_to_give(curves):
    *nothing, (warning,) = leave_out_held_out(None, prepare(curves[:3]))
    assert nothing == [None, 0]
    assert "--train_files" in warning


@pytest.fixture
def numbered(curves):
    """Make a set with as many streamlines of each bundle as asked."""

    def make(*counts):
        labels = np.repeat(np.arange(len(counts)), counts)
        return prepare(curves[: sum(counts)], labels)

    return make


NUMBERED = {0: "AF_L", 1: "CST_R"}


def test_enough_streamlines_need_no_warning(numbered):
    sets = numbered(100, 100), numbered(10, 10), numbered(20, 20)
    assert warn_of_numbers(*sets, NUMBERED, 5) == []


@pytest.mark.parametrize(
    ("counts", "said", "names"),
    [
        (
            ((99, 100), (10, 10), (20, 20)),
            "199 generated streamlines for 40 training ones are too few to measure "
            "repetition reliably: generate 200 or more.",
            [],
        ),
        (((195, 5), (3, 10), (20, 20)), "Too few", ["AF_L", "CST_R"]),
        (((195, 8), (10, 10), (20, 20)), "Fewer", ["CST_R"]),
        (((100, 100), (10, 10), (40, 0)), "Without training", ["CST_R"]),
    ],
)
def test_warnings_name_the_bundles(numbered, counts, said, names):
    sets = [numbered(*each) for each in counts]
    found = [w for w in warn_of_numbers(*sets, NUMBERED, 5) if said in w]
    assert len(found) == 1
    assert all(name in found[0] for name in names)
    assert "AF_L" in found[0] or "AF_L" not in names


def test_halves_of_held_out_streamlines_are_counted_as_halves(numbered):
    warnings = warn_of_numbers(numbered(100), numbered(10), None, {}, 5)
    assert len(warnings) == 1
    assert "Too few" in warnings[0]
    assert "all streamlines" in warnings[0]
