import numpy as np
import pytest

from dipy_tractogen.sampling import generation
from dipy_tractogen.sampling.asked import Asked
from dipy_tractogen.sampling.generation import balanced, generate_batches, share
from dipy_tractogen.streamlines.conditions import Condition, Conditions

CONDITIONS = Conditions(
    [
        Condition("bundle", ("a", "b")),
        Condition("sex", ("f", "m")),
        Condition("length", mean=100.0, deviation=10.0, low=80.0, high=120.0),
    ]
)


class Density:
    """Draws that show which combination, streams and wishes they were made for."""

    conditions = CONDITIONS
    cells = np.array([[0, 0], [0, 1], [1, 1]], dtype=np.int32)

    def __init__(self):
        self.streams = []

    def sample(self, nb_samples, cell, asked, seed):
        self.streams.append(seed)
        rng = np.random.default_rng(seed)
        z = np.column_stack([np.full(nb_samples, cell), rng.random(nb_samples)])
        return np.full((nb_samples, 1), 0.5 * cell), z


def decode(z, codes, numbers, stream):
    return np.repeat(z[:, None, :1], 4, axis=1)


def generate(counts, decode=decode, seed=0):
    density = Density()
    asked = Asked(CONDITIONS)
    return density, generate_batches(density, decode, counts, asked, seed=seed)


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
    np.testing.assert_array_equal(np.concatenate(points)[:, 0, 0], 2 * labels)
    assert all(set(part) == {"sex", "length"} for part in values)
    sexes, sizes = (
        np.concatenate([part[name] for part in values]) for name in ("sex", "length")
    )
    np.testing.assert_array_equal(sexes, np.repeat([0, 1], [20, 3]))
    np.testing.assert_allclose(sizes, np.repeat([100, 110], [20, 3]))


def test_decoder_is_told_all_conditions():
    seen = []

    def look(z, codes, numbers, stream):
        seen.append((codes.tolist(), numbers.tolist()))
        return decode(z, codes, numbers, stream)

    list(generate([0, 1, 2], look)[1])
    assert seen == [([[0, 1]], [[0.5]]), ([[1, 1]] * 2, [[1.0]] * 2)]


def test_each_batch_has_its_own_stream(monkeypatch):
    monkeypatch.setattr(generation, "_BATCH", 8)
    density, batches = generate([24, 24, 0])
    list(batches)
    assert len(set(density.streams)) == 6


def test_stream_of_a_batch_does_not_depend_on_the_number_asked():
    few, more = (
        next(generate([number, 0, 0], lambda z, *_: z, seed=2)[1])[0]
        for number in (5, 50)
    )
    np.testing.assert_array_equal(few, more[:5])
