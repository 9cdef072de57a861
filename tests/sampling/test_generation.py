import numpy as np
import pytest

from dipy_tractogen.sampling import generation
from dipy_tractogen.sampling.generation import generate_batches, share_by_bundle

NAMES = ("a", "b", "c")


class Latents:
    """Draws that show which bundle and seed they were asked for."""

    def sample(self, nb_samples, label, seed):
        rng = np.random.default_rng(seed)
        return np.column_stack([np.full(nb_samples, label), rng.random(nb_samples)])


def decode(z):
    return np.repeat(z[:, None, :1], 4, axis=1)


def test_shares_follow_the_training_and_add_up():
    counts = share_by_bundle(1000, [10, 20, 70], NAMES)
    np.testing.assert_array_equal(counts, [100, 200, 700])
    for number in (1, 2, 17, 999):
        counts = share_by_bundle(number, [1, 1, 1], NAMES)
        assert counts.sum() == number
        assert np.ptp(counts) <= 1


def test_shares_of_chosen_bundles_and_balanced_shares():
    np.testing.assert_array_equal(
        share_by_bundle(90, [10, 20, 70], NAMES, bundles=["a", "b"]), [30, 60, 0]
    )
    np.testing.assert_array_equal(
        share_by_bundle(90, [10, 20, 70], NAMES, balanced=True), [30, 30, 30]
    )
    np.testing.assert_array_equal(
        share_by_bundle(5, [10, 20, 70], ("ab", "a", "b"), bundles="ab"), [5, 0, 0]
    )


@pytest.mark.parametrize(
    ("number", "bundles", "said"),
    [(0, None, "nb_streamlines=0"), (5, ["a", "z"], "z is not in"), (5, [], "none")],
)
def test_impossible_shares_are_refused(number, bundles, said):
    with pytest.raises(ValueError, match=said):
        share_by_bundle(number, [1, 1, 1], NAMES, bundles=bundles)


def test_batches_are_bounded_and_complete(monkeypatch):
    monkeypatch.setattr(generation, "_BATCH", 8)
    batches = list(generate_batches(Latents(), decode, [20, 0, 3], seed=0))
    assert [len(points) for points, _ in batches] == [8, 8, 4, 3]
    labels = np.concatenate([labels for _, labels in batches])
    np.testing.assert_array_equal(labels, np.repeat([0, 2], [20, 3]))
    points = np.concatenate([points for points, _ in batches])
    np.testing.assert_array_equal(points[:, 0, 0], labels)


def test_each_batch_has_its_own_stream(monkeypatch):
    monkeypatch.setattr(generation, "_BATCH", 8)
    seen = []
    list(
        generate_batches(
            Latents(), lambda z: seen.append(z[0, 1]) or decode(z), [24, 24], seed=0
        )
    )
    assert len(set(seen)) == 6


def test_stream_of_a_batch_does_not_depend_on_the_number_asked():
    few, more = (
        next(generate_batches(Latents(), lambda z: z, [n], seed=2))[0] for n in (5, 50)
    )
    np.testing.assert_array_equal(few, more[:5])
