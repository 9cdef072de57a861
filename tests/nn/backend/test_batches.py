"""Which streamlines are in which batch, on TensorFlow and elsewhere."""

from itertools import islice

import numpy as np
import pytest

from dipy_tractogen.nn import backend
from dipy_tractogen.nn.backend import blocks
from dipy_tractogen.nn.backend.blocks import index_blocks
from dipy_tractogen.utils import memmap as store

ON_TENSORFLOW = backend.backend_name() == "tensorflow"


def numbered(nb_streamlines):
    return {"features": np.arange(nb_streamlines, dtype=np.float32)[:, None]}


def of_tensorflow(nb_streamlines, *options):
    """The streamlines of each batch as TensorFlow draws them, without end."""
    batches = backend.current().training_batches(numbered(nb_streamlines), *options)
    for batch in batches.as_numpy_iterator():
        yield batch["features"].ravel()


def of_blocks(nb_streamlines, batch_size, *options):
    """The streamlines of each batch as the other backends take them, without end."""
    for block in index_blocks(nb_streamlines, batch_size, 1, *options):
        yield block[:, 0]


@pytest.fixture(params=[of_blocks, of_tensorflow] if ON_TENSORFLOW else [of_blocks])
def taken(request):
    """The first batches of a training."""

    def taken(number, *options):
        return list(islice(request.param(*options), number))

    return taken


def test_batches_visit_everything_once_a_pass_and_in_a_new_order(taken):
    seen = np.reshape(taken(4, 10, 5, 0), (2, 10))
    for one_pass in seen:
        np.testing.assert_array_equal(np.sort(one_pass), np.arange(10))
    assert not np.array_equal(seen[0], seen[1])


def test_seed_fixes_the_order(taken):
    first, again, other = (taken(1, 64, 64, seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_batches_may_be_larger_than_a_pass(taken):
    (batch,) = taken(1, 3, 7, 0)
    assert batch.shape == (7,)


@pytest.mark.parametrize(("nb_rows", "batch_size"), [(10, 4), (3, 7), (8, 4)])
def test_batches_may_begin_at_any_step(taken, nb_rows, batch_size):
    whole = taken(9, nb_rows, batch_size, 0)
    for start in range(1, 9):
        rest = taken(9 - start, nb_rows, batch_size, 0, start)
        np.testing.assert_array_equal(rest, whole[start:])


@pytest.mark.skipif(not ON_TENSORFLOW, reason="elsewhere held-out data are one batch")
def test_held_out_batches_of_tensorflow_come_once_in_order():
    batches = [
        batch["features"].ravel()
        for batch in backend.current()
        .held_out_batches(numbered(10), 4)
        .as_numpy_iterator()
    ]
    np.testing.assert_array_equal(np.concatenate(batches), np.arange(10))
    assert [len(batch) for batch in batches] == [4, 4, 2]


def test_tables_are_read_in_parts(monkeypatch):
    monkeypatch.setattr(store, "LARGE", 24)
    table = np.arange(14, dtype=np.float32).reshape(7, 2)
    parts = list(blocks._parts_of(table))
    assert [len(part) for part in parts] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(parts), table)
