"""A training on several devices is that on one, but for rounding."""

import os
from pathlib import Path
import subprocess
import sys

import keras
import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "jax", reason="of several devices only JAX makes use"
)

SCRIPT = Path(__file__).with_name("on_two_devices.py")
TWO_DEVICES = "--xla_force_host_platform_device_count=2"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What trainings gave in a process with two devices, and what was said."""
    folder = tmp_path_factory.mktemp("devices")
    flags = f"{os.environ['XLA_FLAGS']} {TWO_DEVICES}"
    done = subprocess.run(
        [sys.executable, SCRIPT, folder],
        env={**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": flags},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    with np.load(folder / "results.npz") as results:
        return {**results, "said": done.stderr}


def test_a_batch_is_cut_into_equal_parts(trained):
    assert trained["parts"].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


@pytest.mark.parametrize("model", ["VAE", "AAE"])
def test_weights_and_losses_are_those_of_one_device(trained, model):
    one, two = trained[f"{model}_1"], trained[f"{model}_2"]
    np.testing.assert_allclose(two, one, rtol=1e-3, atol=1e-5)


def test_data_that_have_no_room_on_devices_are_the_same(trained):
    np.testing.assert_array_equal(trained["mapped"], trained["VAE_2"])


def test_resumed_training_is_the_same_bit_for_bit(trained):
    np.testing.assert_array_equal(trained["resumed"], trained["VAE_2"])


def test_batch_that_two_devices_cannot_share_is_of_one(trained):
    np.testing.assert_array_equal(trained["uneven"], trained["uneven_1"])
    said = trained["said"]
    assert "Each step of 9 streamlines is made by 1 of 2 devices, 9 on each" in said
    assert "Each step of 8 streamlines is made by 2 devices, 4 on each" in said
