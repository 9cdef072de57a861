"""Weights of the published autoencoder, trained in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
import pickle
import re

import numpy as np

from dipy_tractogen.streamlines.files import file_digest

from .ae import AE

# A convolution may have been put behind its padding, in a Sequential, or the whole
# network into a wrapper: encod_conv1.weight, module.encod_conv1.1.weight.
_ENTRY = re.compile(
    r"^(?:\w+\.)*?(?P<layer>(?:encod|decod)_conv[1-6]|fc[12])(?:\.\d+)?\."
    r"(?P<kind>weight|bias)$"
)
_ENCODER = [f"encod_conv{number}" for number in range(1, 7)]
_DECODER = [f"decod_conv{number}" for number in range(1, 7)]
_LAYERS = [*_ENCODER, "fc1", "fc2", *_DECODER]
# Names under which training programs keep the weights beside other things.
_WRAPPERS = ("state_dict", "model_state_dict", "model")


def load_published(path: str | Path, *, seed: int = 0) -> AE:
    """Make a model of the weights of a published autoencoder of streamlines.

    The file is a PyTorch checkpoint whose state dictionary names the layers of FINTA
    :footcite:p:`Legarreta2021`: ``encod_conv1`` to ``encod_conv6``, ``fc1``, ``fc2``,
    ``decod_conv1`` to ``decod_conv6``. Numbers of points, latents, channels and taps
    are read from its shapes. The network gets points in mm as they are, as PyTorch's
    did, and gives the same.

    Parameters
    ----------
    path : str or Path
        The checkpoint. It is read as data: nothing in it is run.
    seed : int, optional
        Seed of the model, for later trainings.

    Returns
    -------
    AE
        An autoencoder with the ``conv`` backbone; it has no density of its latents
        yet (`describe`).

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If PyTorch is not installed.
    ValueError
        If the file is no checkpoint, or not one of this network.

    References
    ----------
    .. footbibliography::
    """
    weights = _read(Path(path))
    last = weights["encod_conv6"][0]
    nb_latents, nb_hidden = weights["fc1"][0].shape
    # Five of the six convolutions halve the points.
    nb_points = nb_hidden // len(last) * 32
    model = AE(
        nb_points,
        nb_latents,
        backbone="conv",
        backbone_options={
            "filters": [len(weights[name][0]) for name in _ENCODER],
            "kernel_size": last.shape[-1],
        },
        seed=seed,
    )
    dense, *convolutions = _with_weights(model.decoder)
    layers = [*_with_weights(model.encoder), model.z_mean, dense, *convolutions]
    for name, layer in zip(_LAYERS, layers, strict=True):
        kernel, bias = weights[name]
        # PyTorch counts outputs first.
        given, expected = kernel.T, layer.kernel.shape
        if given.shape != expected or bias.shape != layer.bias.shape:
            raise ValueError(
                f"{path}: {name} has the shape {kernel.shape}, expected "
                f"{expected[::-1]}: its layers do not fit together."
            )
        layer.kernel.assign(given)
        layer.bias.assign(bias)
    model.record.data = {"checkpoint": {str(path): file_digest(path)}}
    return model


def _with_weights(network) -> list:
    return [layer for layer in network.layers if layer.weights]


def _read(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Give kernel and bias of each layer of a checkpoint."""
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: give a PyTorch checkpoint.")
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "A PyTorch checkpoint is read by PyTorch, which is not installed: "
            "pip install torch"
        ) from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read as weights of PyTorch: give a checkpoint saved by "
            "torch.save(network.state_dict(), ...)."
        ) from error
    found = _entries(content)
    missing = [
        f"{layer}.{kind}"
        for layer in _LAYERS
        for kind in ("weight", "bias")
        if (layer, kind) not in found
    ]
    if missing:
        raise ValueError(
            f"{path} lacks {missing[0]} and {len(missing) - 1} more: give a checkpoint "
            "with encod_conv1 to 6, fc1, fc2 and decod_conv1 to 6."
        )
    return {name: (found[name, "weight"], found[name, "bias"]) for name in _LAYERS}


def _entries(content) -> dict[tuple[str, str], np.ndarray]:
    """Find the layers of the network in what a checkpoint holds."""
    if not isinstance(content, Mapping):
        return {}
    for name in _WRAPPERS:
        if isinstance(content.get(name), Mapping):
            return _entries(content[name])
    found = {}
    for key, tensor in content.items():
        match = _ENTRY.match(str(key))
        if match and hasattr(tensor, "numpy"):
            found[match["layer"], match["kind"]] = np.asarray(
                tensor.detach().numpy(), dtype=np.float32
            )
    return found
