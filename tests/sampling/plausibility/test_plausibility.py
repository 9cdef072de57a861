from nibabel.streamlines import ArraySequence
import numpy as np
import pytest

from dipy_tractogen.sampling.plausibility import (
    LargestWinding,
    LengthRange,
    Plausibility,
    with_box,
)
from dipy_tractogen.sampling.plausibility import plausibility as module
from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.geometry import arc_lengths, resample
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.spaces.transform import AffineTransform


class Named(LengthRange):
    def __init__(self, name, low, high):
        super().__init__(low, high)
        self.name = name


def lines(*sizes):
    return np.stack([np.linspace([0, 0, 0], [size, 0, 0], 5) for size in sizes])


@pytest.mark.parametrize("order", [1, -1])
def test_every_criterion_counts_all_that_it_rejects_in_any_order(order):
    criteria = [Named("short", 10, 1e3), Named("low", 20, 1e3), Named("long", 0, 30)]
    plausibility = Plausibility(criteria[::order])
    for sizes in ((5, 15), (25, 40, 45)):
        accepted = plausibility.accepts(lines(*sizes))
        np.testing.assert_array_equal(accepted, [size == 25 for size in sizes])
    assert plausibility.rejections == {"short": 1, "low": 2, "long": 2}
    assert (plausibility.nb_tried, plausibility.nb_rejected) == (5, 4)
    said = plausibility.describe_rejections()
    assert said.startswith("Rejected 4 of 5: ")
    assert said.endswith(", short 1")


def test_shortfall_adds_up_by_bundle():
    plausibility = Plausibility([LengthRange(10)])
    plausibility.accepts(lines(5))
    for bundle, number in (("a", 3), ("b", 4), ("a", 2)):
        plausibility.add_shortfall(bundle, number)
    assert plausibility.shortfall == {"a": 5, "b": 4}
    assert plausibility.describe_shortfall() == (
        "9 streamlines are missing: a 5, b 4. Rejected 1 of 1: length 1"
    )
    plausibility.reset()
    assert plausibility.describe_rejections() == "Rejected 0 of 0"
    assert plausibility.shortfall == {}


@pytest.mark.parametrize("criteria", [[], [LengthRange(1), LengthRange(2)]])
def test_criteria_without_a_name_of_their_own_are_refused(criteria):
    with pytest.raises(ValueError, match="one or more, each of its own name"):
        Plausibility(criteria)


def test_lengths_are_those_of_the_points_that_are_written():
    """A zigzag loses length where it is resampled, as other criteria have it."""
    zigzag = np.zeros((301, 3), dtype=np.float32)
    zigzag[:, 0] = np.arange(301) / 3
    zigzag[1::2, 1] = 0.5
    streamlines = ArraySequence([zigzag, zigzag[:200]])
    size = arc_lengths(streamlines)[0]
    limits = Plausibility([LengthRange(size - 0.1, size + 0.1)])
    np.testing.assert_array_equal(limits.accepts(streamlines), [True, False])
    assert not limits.accepts(resample(streamlines, 256)).any()
    both = Plausibility([LengthRange(size - 0.1, size + 0.1), LargestWinding(1e6)])
    np.testing.assert_array_equal(both.accepts(streamlines), [True, False])


def test_streamlines_are_resampled_only_for_criteria_that_need_it(monkeypatch):
    class Criterion:
        def __init__(self, name, every_point):
            self.name, self.every_point = name, every_point

        def accepts(self, points):
            return np.ones(len(points), dtype=bool)

    resampled = []

    def resample(streamlines, nb_points):
        resampled.append(len(streamlines))
        return np.zeros((len(streamlines), nb_points, 3))

    monkeypatch.setattr(module, "resample", resample)
    streamlines = as_sequence(np.zeros((5, 3), dtype=np.float32), np.array([2, 3]))
    whole, even = Criterion("whole", True), Criterion("even", False)
    Plausibility([whole]).accepts(streamlines)
    assert resampled == []
    Plausibility([whole, even]).accepts(streamlines)
    assert resampled == [2]


def test_criteria_are_in_the_space_that_streamlines_are_for():
    """But for those of the training, which see them where they were generated."""
    shift = np.eye(4)
    shift[0, 3] = 100
    to_training = AffineTransform(shift)
    seen = {}

    class Seen:
        def __init__(self, name, **attributes):
            self.name = name
            vars(self).update(attributes)

        def accepts(self, points):
            seen[self.name] = points
            return np.ones(len(points), dtype=bool)

    criteria = [
        Seen("even"),
        Seen("every", every_point=True),
        Seen("even training", in_training_space=True),
        Seen("every training", in_training_space=True, every_point=True),
    ]
    given = lines(50, 60)
    sequence = as_sequence(given.reshape(-1, 3).astype(np.float32), [5, 5])
    for points in (given, sequence):
        Plausibility(criteria, transform=to_training).accepts(points)
        for name, each in seen.items():
            every = name.startswith("every")
            assert (type(each) is type(points)) or not every
            found = to_sequence(each)
            place = 0 if "training" in name else -100
            np.testing.assert_allclose(found[0][0], [place, 0, 0], atol=1e-4)
            nb_points = 5 if every or points is given else 256
            assert len(found[0]) == nb_points


def test_box_is_that_of_the_space_that_streamlines_are_for():
    """With other criteria, and without one where streamlines may leave it."""
    shift = np.eye(4)
    shift[0, 3] = 100
    options = {"transform": AffineTransform(shift)}
    here = Reference(np.diag([1, 1, 1, 1]), (60, 3, 3))
    given = lines(50) + np.array([105, 1, 1])
    for others in (None, Plausibility([LengthRange(10)])):
        assert with_box(others, here, **options).accepts(given).all()
        assert not with_box(others, here).accepts(given).any()
    assert with_box(None, here, "keep", **options) is None
    kept = with_box(Plausibility([LengthRange(10)]), here, "keep", **options)
    assert [one.name for one in kept.criteria] == ["length"]
