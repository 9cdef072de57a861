"""Files of earlier code are read, and give what that code gave; see tests/data."""

from dataclasses import asdict, replace
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from dipy_tractogen.nn import load_model

FOLDER = Path(__file__).parents[1] / "data" / "old_models"
NAMES = sorted(path.stem for path in FOLDER.glob("*.keras"))
# Of Keras, not of the model.
_OF_KERAS = {"name", "trainable", "dtype"}
# A micrometre: processors and backends round otherwise.
_CLOSE = {"rtol": 0, "atol": 1e-3}
_INPUTS = {"points", "plain", "bundle", "diagnosis", "age", "length"}


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    """Name of a file."""
    return request.param


@pytest.fixture(scope="module")
def old(name):
    """What the model of the file gave when it was written."""
    with np.load(FOLDER / f"{name}.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def model(name):
    """The model of the file; not to be changed."""
    return load_model(FOLDER / f"{name}.keras")


def parameters_of(config):
    """Leave out what is of Keras, and in which module a regulariser was."""
    own = {name: each for name, each in config.items() if name not in _OF_KERAS}
    for number, one in enumerate(own["regularizers"]):
        kept = {k: v for k, v in one["config"].items() if k not in _OF_KERAS}
        own["regularizers"][number] = one["registered_name"], kept
    return json.loads(json.dumps(own))


def values_of(old):
    """What is known of the streamlines, by name."""
    return {name: old[name] for name in ("bundle", "diagnosis", "age", "length")}


def weights_of(model):
    """Variables of the layers of a model, which once was a network itself."""
    network = getattr(model, "network", model)
    return [keras.ops.convert_to_numpy(each) for each in network.weights]


def results_of(model, old):
    """What a model gives, by the names of the file beside it."""
    points, values, found = old["points"], values_of(old), {}
    if "z_mean" in old:
        found["z_mean"] = model.encode(points, values)
        found["reconstructed"] = model.reconstruct(points, values)
        found["decoded"] = model.decode(old["z_mean"] + 0.5, values=values)
    if "generated" in old:
        asked = {"conditions": {"length": (60, 110)}, "seed": 3}
        found["generated"], found["labels"] = model.generate(9, **asked)
        found["smooth"], _ = model.generate(6, smooth=True, seed=4)
        found["from_prior"], _ = model.generate(6, sampler="prior", seed=5)
    if "attribute" in old:
        found["attribute"] = np.stack(model.predict_attribute(points))
    return found


def test_every_model_is_there_trained_and_not():
    for each in ("ae", "vae", "cvae", "rvae", "aae"):
        assert {each, f"{each}_untrained"} <= set(NAMES)


def test_old_files_give_what_they_gave(model, old):
    found = results_of(model, old)
    assert set(found) == set(old) - _INPUTS
    if "AAE" in type(model).__name__ and keras.backend.backend() != "tensorflow":
        # Each backend has random numbers of its own.
        found.pop("from_prior", None)
    # Texture is another than it was; what it is added to is not.
    generated = [found.pop(name, None) for name in ("generated", "from_prior")]
    if generated[0] is not None:
        assert generated[0].shape == old["generated"].shape
        off = np.abs(generated[0] - old["generated"]).max(axis=(1, 2))
        assert np.median(off) < 0.2 * np.ptp(old["generated"])
    for name, each in found.items():
        np.testing.assert_allclose(each, old[name], **_CLOSE, err_msg=name)


def test_old_files_have_their_parameters_and_record(model, old):
    plain = json.loads(str(old["plain"]))
    assert type(model).__name__ == plain["class"]
    parameters = parameters_of(model.get_config())
    for name, value in parameters_of(plain["parameters"]).items():
        assert parameters[name] == value, name
    record = asdict(replace(model.record, density=None, texture=None))
    for name, value in plain["record"].items():
        assert record[name] == value, name


def test_old_files_are_kept_when_they_are_saved_again(model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    assert parameters_of(again.get_config()) == parameters_of(model.get_config())
    for one, other in zip(weights_of(again), weights_of(model), strict=True):
        np.testing.assert_array_equal(one, other)
    for part in ("density", "texture"):
        one, other = (getattr(each.record, part) for each in (again, model))
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_equal(one.to_arrays(), other.to_arrays())
    without = [replace(m.record, density=None, texture=None) for m in (again, model)]
    assert without[0] == without[1]
