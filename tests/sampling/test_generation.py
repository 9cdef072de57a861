import numpy as np
import pytest

from dipy_tractogen.sampling import generation
from dipy_tractogen.sampling.generation import balanced, generate_batches, share
from dipy_tractogen.streamlines.conditions import Condition, Conditions

CONDITIONS = Conditions(
    [
        Condition("bundle", ("a", "b")),
        Condition("sex", ("f", "m")),
        Condition("length", mean=100.0, deviation=10.0, low=80.0, high=120.0),
    ]
)


CELLS = np.array([[0, 0], [0, 1], [1, 1]], dtype=np.int32)


class Draw:
    """Streamlines that show which combination and stream they were drawn for."""

    def __init__(self):
        self.streams = []

    def __call__(self, size, cell, stream):
        self.streams.append(stream)
        first = np.random.default_rng(stream).random((size, 1, 3))
        points = np.concatenate([first, np.full((size, 3, 3), cell)], axis=1)
        numbers = np.full((size, 1), 0.5 * cell)
        return points, np.repeat(CELLS[[cell]], size, axis=0), numbers


def generate(counts, seed=0):
    draw = Draw()
    return draw, generate_batches(CONDITIONS, draw, counts, seed=seed)


def test_shares_follow_the_weights_and_add_up():
    np.testing.assert_array_equal(share(1000, np.array([10, 20, 70])), [100, 200, 700])
    np.testing.assert_array_equal(share(1, np.array([0.2, 0.5, 0.3])), [0, 1, 0])
    for number in (1, 2, 17, 999):
        counts = share(number, np.ones(3))
        assert counts.sum() == number
        assert np.ptp(counts) <= 1


@pytest.mark.parametrize("number", [0, -3])
def test_impossible_numbers_are_refused(number):
    with pytest.raises(ValueError, match=f"nb_streamlines={number}"):
        share(number, np.ones(3))


def test_balanced_weights_keep_the_shares_within_a_group():
    weights = balanced(np.array([0.1, 0.3, 0.6, 0.0]), np.array([0, 0, 1, 2]))
    np.testing.assert_allclose(weights, [0.25, 0.75, 1, 0])


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
