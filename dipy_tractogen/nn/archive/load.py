"""Reading a model's file, which is data and never code."""

from __future__ import annotations

from pathlib import Path
import tempfile
import zipfile

import h5py
import keras
import numpy as np

from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.utils.array_schema import DAMAGE
from dipy_tractogen.utils.disk import check_temporary_room, temporary_error
from dipy_tractogen.utils.messages import briefly, listed
from dipy_tractogen.utils.model_names import find_model
from dipy_tractogen.utils.schema import SchemaError, file_errors

from ..backend import keras_defaults
from ..model import StreamlineModel
from ..network import Network
from ..terms.base import as_terms
from .model_schema import (
    WEIGHTS_FILE,
    check_parameters,
    check_sizes,
    check_weights,
    read_config,
)
from .record import TrainingRecord

_NETWORK = "dipy_tractogen>Network"
_ASSETS = "assets/"
# Larger weights than any of a training overflow in the following layers.
_LARGEST_WEIGHT = 1e8
_WHAT = "a model file of dipy_tractogen"
# Parameters of all Keras models; files of older versions held such models.
_OF_KERAS = ("name", "trainable", "dtype")


@keras_defaults()
def load_model(path: str | Path) -> StreamlineModel:
    """Load a model that this package saved.

    Only a model of this package is accepted, and no other object that the file names is
    made. The content is checked before memory is taken for it.

    Parameters
    ----------
    path : str or Path
        A ``.keras`` file, or the name of a model that comes with the package, is in
        the user's folder or in its address list
        (:mod:`dipy_tractogen.utils.model_names`).

    Returns
    -------
    StreamlineModel
        The model with its record, ready to encode, decode and generate.

    Raises
    ------
    FileNotFoundError
        If there is no such file, and no model of that name.
    ValueError
        If it is not a model file of this package, was cut short, or holds something
        that no model has.
    """
    path = find_model(path)
    made_by, parameters, is_older = _made_by(path, _read_config(path))
    with file_errors(path, _WHAT, OSError, *DAMAGE), zipfile.ZipFile(path) as archive:
        nb_bytes = archive.getinfo(WEIGHTS_FILE).file_size
        check_parameters(parameters)
        if _has_layers(made_by, parameters):
            check_sizes(made_by, parameters, nb_bytes)
        check_weights(archive)
        record = TrainingRecord.load(zipfile.Path(archive, _ASSETS), parameters)
    try:
        model = made_by(**parameters)
        check_temporary_room(path, nb_bytes)
        # Others wait for the conditions of a training, and have no weights yet.
        if model.network.built and is_older:
            _load_older_weights(model.network, path)
        elif model.network.built:
            model.network.load_weights(path)
    except Exception as error:
        # Keras raises whatever the damage happens to cause, or a full disk: it extracts
        # the file to read it.
        lack = temporary_error(path, error)
        raise lack or ValueError(
            f"{path}: the model cannot be read ({_first_line(error)}); it is damaged, "
            "or was made by another version of dipy_tractogen or Keras."
        ) from error
    model.record = record
    with file_errors(path, _WHAT):
        _check_loaded(model)
    if model.record.profiles:
        model.set_profiles(model.known_profiles())
    return model


def _read_config(path: Path) -> dict:
    """Read the configuration of the model in a file."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = read_config(archive, path.stat().st_size)
    except (ValueError, OSError, *DAMAGE) as error:
        raise ValueError(
            f"{path}: not a model file, or cut short ({_first_line(error)}): give a "
            "whole .keras file written by a dipy_train command."
        ) from error
    return config


def _made_by(path: Path, config) -> tuple[type[StreamlineModel], dict, bool]:
    """Return the class of a file's model, its parameters, and if the file is older."""
    name = parameters = None
    if isinstance(config, dict):
        name, parameters = config.get("registered_name"), config.get("config")
    is_older = name != _NETWORK
    if not is_older and isinstance(parameters, dict):
        name, parameters = parameters.get("model"), parameters.get("parameters")
    found = keras.saving.get_registered_object(str(name or "unknown"))
    is_model = isinstance(found, type) and issubclass(found, StreamlineModel)
    if not is_model or not isinstance(parameters, dict):
        raise ValueError(
            f"{path}: a Keras model ({briefly(name)}), but not one of dipy_tractogen: "
            "give a file written by one of its dipy_train commands."
        )
    left_out = _OF_KERAS if is_older else ()
    kept = {n: each for n, each in parameters.items() if n not in left_out}
    return found, kept, is_older


def _has_layers(made_by: type[StreamlineModel], parameters: dict) -> bool:
    """Return whether a model makes its layers at once: some wait for conditions."""
    regularizers = as_terms(parameters.get("regularizers", ()))
    return parameters.get("conditions") is not None or not (
        made_by.conditions_in_encoder
        or made_by.conditions_in_decoder
        or made_by.conditions_in_terms
        or any(one.reads_conditions for one in regularizers)
    )


def _check_loaded(model: StreamlineModel) -> None:
    """Check what only the whole model tells."""
    for variable in model.network.variables:
        values = keras.ops.convert_to_numpy(variable)
        if values.dtype.kind == "f" and not (np.abs(values) <= _LARGEST_WEIGHT).all():
            found = f"in part NaN or beyond {_LARGEST_WEIGHT:g}"
            raise SchemaError(variable.path, found, "weights of a training")
    names = tuple(one["name"] for one in model.record.profiles)
    if names != model.profiles and (names or model.record.density is not None):
        found = f"of {listed(names) or 'nothing'}"
        raise SchemaError("profiles", found, f"of {listed(model.profiles) or 'none'}")
    if model.record.density is not None and not model.network.built:
        raise SchemaError("conditions", "missing", "those of the record")
    if model.conditions is not None and model.record.conditions:
        own, known = (
            {one.name: one.categories for one in each}
            for each in (model.conditions, Conditions(model.record.conditions))
        )
        if own != known:
            raise SchemaError(
                "conditions", "not those of the record", "the same in both"
            )


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    # Of several faults Keras shows one, after a line that says how many there are.
    shown = (
        lines[1:2] if len(lines) > 1 and "could not be loaded" in lines[0] else lines
    )
    return briefly(shown[0]).rstrip(".") if shown else type(error).__name__


def _load_older_weights(network: Network, path: Path) -> None:
    """Load the weights of a network from a checked file of an older version.

    Their layers are the same; they were kept under other names.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(path) as archive,
        archive.open(WEIGHTS_FILE) as stream,
        h5py.File(stream, "r") as older,
    ):
        target = Path(folder, "network.weights.h5")
        with h5py.File(target, "w") as newer:
            for old, new in _places(network, older).items():
                if old in older:
                    older.copy(old, newer, name=new)
        network.load_weights(target)


def _places(network: Network, older: h5py.File) -> dict[str, str]:
    """Return the new place of each group or variable of an older file."""
    # Each is a dense layer, and Keras numbers those.
    heads = ["z_mean"]
    if network.conditions_in_encoder:
        heads.insert(0, "offset")
    newer = [f"layers/{_numbered(number)}" for number in range(len(heads))]
    if network.posterior is not None:
        newer.append("layers/gaussian_posterior/z_log_var")
    kinds = [type(term).__name__ for term in network.terms]
    variables = []
    if "Regression" in kinds:
        newer += ["layers/regression/r_mean", "layers/regression/r_log_var"]
        variables = ["layers/regression/vars/0", "layers/regression/vars/1"]
    if "KL" in kinds:
        variables.append("layers/kl/vars/0")
    places = {f"layers/{_numbered(n)}": place for n, place in enumerate(newer)}
    places |= {f"vars/{n}": place for n, place in enumerate(variables)}
    places |= {"encoder": "encoder", "decoder": "decoder"}
    places["discriminator"] = "layers/adversary/discriminator"
    # Those of the regularizers, and the standardisation.
    for name in older.get("layers", ()):
        places.setdefault(f"layers/{name}", f"layers/{name}")
    return places


def _numbered(number: int) -> str:
    return f"dense_{number}" if number else "dense"
