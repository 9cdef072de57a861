"""Training batches on any backend, for tests."""

from itertools import islice

from dipy_tractogen.nn import backend
from dipy_tractogen.nn.backend.blocks import gathered, index_blocks


def taken(inputs, number, batch_size, seed=0, start_step=0, balanced=None):
    """Return the first batches of a training."""
    if backend.backend_name() == "tensorflow":
        batches = backend.current().training_batches(
            inputs, batch_size, seed, start_step, balanced=balanced
        )
        # What is compiled has to know it.
        assert all(
            each.shape[0] == batch_size for each in batches.element_spec.values()
        )
        return list(batches.take(number).as_numpy_iterator())
    nb_streamlines = len(next(iter(inputs.values())))
    blocks = index_blocks(
        nb_streamlines, batch_size, 1, seed, start_step, balanced=balanced
    )
    return [gathered(inputs, block[:, 0]) for block in islice(blocks, number)]
