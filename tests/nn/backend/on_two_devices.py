"""Trainings on one device and on two; run by the tests in a process of its own."""

from contextlib import suppress
import logging
from pathlib import Path
import sys
from unittest import mock

import jax
import keras
import numpy as np

from dipy_tractogen.nn import AAE, VAE
from dipy_tractogen.nn.backend.devices import Devices
from dipy_tractogen.nn.training.checkpoint import Checkpoint
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup
from dipy_tractogen.utils import memmap as store

PHANTOM = simulate_fibercup(6, seed=0)
ALL = jax.devices()
BATCH_SIZE = 8


def trained(make, nb_devices, **options):
    """Train, and return the weights and the last row of the history as one array."""
    model = make(8, 2, backbone_options={"hidden_units": (8,)})
    model.backbone.steps_per_validation = 4
    with mock.patch("jax.devices", return_value=ALL[:nb_devices]):
        model.fit(
            PHANTOM.streamlines,
            PHANTOM.labels,
            PHANTOM.bundle_names,
            held_out=PHANTOM.streamlines[::4],
            held_out_labels=PHANTOM.labels[::4],
            **{"batch_size": BATCH_SIZE, "epochs": 3, **options},
        )
    weights = [
        keras.ops.convert_to_numpy(each).ravel() for each in model.network.weights
    ]
    last = {**model.record.history[-1], "seconds": 0.0}
    return np.concatenate([*weights, list(last.values())])


class KilledError(Exception):
    """Ends a training as a kill does."""


def resumed(folder):
    """Go on with a training that is broken off once its state is written."""

    def write_and_end(checkpoint, *_):
        checkpoint.write()
        raise KilledError

    with (
        mock.patch.object(Checkpoint, "on_epoch_end", write_and_end),
        suppress(KilledError),
    ):
        trained(VAE, 2, checkpoint_dir=folder)
    return trained(VAE, 2, checkpoint_dir=folder, resume=True)


def main(folder):
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    results = {}
    for make in (VAE, AAE):
        for nb_devices in (1, 2):
            name = f"{make.__name__}_{nb_devices}"
            results[name] = trained(make, nb_devices)
    with mock.patch.object(store, "LARGE", 0):
        results["mapped"] = trained(VAE, 2)
    results["uneven"] = trained(VAE, 2, batch_size=9)
    results["uneven_1"] = trained(VAE, 1, batch_size=9)
    results["resumed"] = resumed(folder)
    devices = Devices(BATCH_SIZE)
    parts = devices.cut(np.arange(BATCH_SIZE)).addressable_shards
    results["parts"] = np.stack([part.data for part in parts])
    np.savez(folder / "results.npz", **results)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
