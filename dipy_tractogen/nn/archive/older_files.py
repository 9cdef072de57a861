"""Weights in older model files, whose models were Keras models themselves."""

from __future__ import annotations

from pathlib import Path
import tempfile
import zipfile

import h5py

from ..network import Network
from .model_schema import WEIGHTS_FILE


def load_older_weights(network: Network, path: Path) -> None:
    """Load the weights of a network from an older file.

    Their layers are the same; they were kept under other names.

    Parameters
    ----------
    network : Network
        The network, with its layers if the file's model had some.
    path : Path
        The ``.keras`` file, checked.
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
    """Return where each group or variable of an older file is in a file of today."""
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
