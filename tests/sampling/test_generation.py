import numpy as np
import pytest

from dipy_tractogen.sampling import generation
from dipy_tractogen.sampling.generation import generate_batches
from dipy_tractogen.sampling.plausibility import Plausibility
from dipy_tractogen.streamlines.conditions import Condition, Conditions

CONDITIONS = Conditions(
    [
        Condition("bundle", ("a", "b")),
        Condition("sex", ("f", "m")),
        Condition("length", mean=100.0, deviation=10.0, low=80.0, high=120.0),
    ]
)


STRATA = np.array([[0, 0], [0, 1], [1, 1]], dtype=np.int32)


class Draw:
    """Streamlines that show which combination and stream they were drawn for."""

    def __init__(self):
        self.streams = []

    def __call__(self, size, stratum, stream):
        self.streams.append(stream)
        first = np.random.default_rng(stream).random((size, 1, 3))
        points = np.concatenate([first, np.full((size, 3, 3), stratum)], axis=1)
        numbers = np.full((size, 1), 0.5 * stratum)
        return points, np.repeat(STRATA[[stratum]], size, axis=0), numbers


def generate(counts, seed=0, **options):
    draw = Draw()
    return draw, generate_batches(CONDITIONS, draw, counts, seed=seed, **options)


class Chance:
    """Accepts streamlines whose first coordinate is below a limit, by combination."""

    name = "chance"

    def __init__(self, *limits):
        self.limits = np.array(limits)

    def accepts(self, points):
        return points[:, 0, 0] < self.limits[points[:, 1, 0].astype(int)]


def test_batches_are_bounded_and_complete(monkeypatch):
    monkeypatch.setattr(generation, "_BATCH", 8)
    _, batches = generate([20, 0, 3])
    points, labels, values = zip(*batches)
    assert [len(part) for part in points] == [8, 8, 4, 3]
    labels = np.concatenate(labels)
    np.testing.assert_array_equal(labels, np.repeat([0, 1], [20, 3]))
    np.testing.assert_array_equal(np.concatenate(points)[:, 1, 0], 2 * labels)
    assert all(set(part) == {"sex", "length"} for part in values)
    sexes, sizes = (
        np.concatenate([part[name] for part in values]) for name in ("sex", "length")
    )
    np.testing.assert_array_equal(sexes, np.repeat([0, 1], [20, 3]))
    np.testing.assert_allclose(sizes, np.repeat([100, 110], [20, 3]))


def test_each_batch_has_its_own_stream(monkeypatch):
    monkeypatch.setattr(generation, "_BATCH", 8)
    draw, batches = generate([24, 24, 0])
    list(batches)
    assert len(set(draw.streams)) == 6


def test_stream_of_a_batch_does_not_depend_on_the_number_asked():
    few, more = (next(generate([number, 0, 0], seed=2)[1])[0] for number in (5, 50))
    np.testing.assert_array_equal(few, more[:5])


def test_implausible_streamlines_are_replaced(monkeypatch):
    monkeypatch.setattr(generation, "_BATCH", 64)
    plausibility = Plausibility([Chance(0.3, 1.0, 0.1)])
    draw, batches = generate([200, 0, 50], plausibility=plausibility)
    points, labels, values = zip(*batches)
    assert max(map(len, points)) <= 64
    points = np.concatenate(points)
    np.testing.assert_array_equal(points[:, 1, 0], np.repeat([0, 2], [200, 50]))
    assert Chance(0.3, 1.0, 0.1).accepts(points).all()
    np.testing.assert_array_equal(np.concatenate(labels), np.repeat([0, 1], [200, 50]))
    assert sum(len(part["length"]) for part in values) == 250
    assert plausibility.shortfall == {}
    # About as many were tried as the chances say.
    assert plausibility.nb_tried == pytest.approx(200 / 0.3 + 50 / 0.1, rel=0.3)
    assert len(set(draw.streams)) == len(draw.streams)
    assert len(np.unique(points[:, 0, 0])) == 250


def test_all_plausible_ones_are_those_without_the_criteria(monkeypatch):
    monkeypatch.setattr(generation, "_BATCH", 8)
    plain, judged = (
        np.concatenate([batch[0] for batch in generate([20, 0, 3], **options)[1]])
        for options in ({}, {"plausibility": Plausibility([Chance(1, 1, 1)])})
    )
    np.testing.assert_array_equal(plain, judged)


def test_the_limit_of_tries_leaves_a_shortfall_by_bundle():
    plausibility = Plausibility([Chance(0.0, 1.0, 0.05)])
    options = {"plausibility": plausibility, "max_tries": 4}
    _, batches = generate([30, 10, 100], **options)
    labels = np.concatenate([batch[1] for batch in batches])
    found = int((labels == 1).sum())
    assert 0 < found < 100
    assert plausibility.shortfall == {"a": 30, "b": 100 - found}
    assert plausibility.nb_tried == 120 + 10 + 400
    assert plausibility.rejections["chance"] == 520 - found


def test_a_generation_counts_anew_and_gives_the_same_again():
    plausibility = Plausibility([Chance(0.5, 0.5, 0.5)])
    first, again = (
        np.concatenate(
            [batch[0] for batch in generate([40, 0, 0], plausibility=plausibility)[1]]
        )
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    assert plausibility.nb_tried - plausibility.nb_rejected < 60


def test_nothing_plausible_is_an_error_that_says_why():
    plausibility = Plausibility([Chance(0, 0, 0)])
    _, batches = generate([5, 0, 0], plausibility=plausibility, max_tries=3)
    with pytest.raises(ValueError, match="Rejected 15 of 15: chance 15"):
        next(batches)


class Strict(Chance):
    """Ends a generation where it rejects more than a share."""

    def __init__(self, *chances, most):
        super().__init__(*chances)
        self.most = most

    def complaint(self, nb_rejected, nb_tried):
        return f"{nb_rejected} of {nb_tried}"


def strictly(counts, *chances, most):
    plausibility = Plausibility([Strict(*chances, most=most)])
    return [*generate(counts, plausibility=plausibility)[1]]


def test_a_criterion_that_rejects_more_than_it_may_ends_the_generation():
    with pytest.raises(ValueError, match=r"^\d+ of 8\d\d$"):
        strictly([1, 40], 1, 0.02, 0, most=0.9)
    with pytest.raises(ValueError, match=r"^\d+ of 4096$"):
        strictly([9000], 0.01, 1, 1, most=0.9)
    with pytest.raises(ValueError, match=r"^\d of 20$"):
        strictly([20], 0.8, 1, 1, most=0)
    assert sum(len(each[0]) for each in strictly([60], 0.3, 1, 1, most=0.9)) == 60
