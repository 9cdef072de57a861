"""Weights of the published autoencoder, trained in PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
import re

import numpy as np

from dipy_tractogen.utils.files import file_digest
from dipy_tractogen.utils.messages import briefly, listed, reason

from ..ae import AE

# A convolution may follow its padding in a Sequential, or a wrapper hold the whole
# network: encod_conv1.weight, module.encod_conv1.1.weight.
_ENTRY = re.compile(
    r"^(?:\w+\.)*?(?P<layer>(?:encod|decod)_conv[1-6]|fc[12])(?:\.\d+)?\."
    r"(?P<kind>weight|bias)$"
)
_ENCODER = [f"encod_conv{number}" for number in range(1, 7)]
_DECODER = [f"decod_conv{number}" for number in range(1, 7)]
_LAYERS = [*_ENCODER, "fc1", "fc2", *_DECODER]
# Training programs nest weights in dictionaries of any names.
_DEEPEST = 5
# Class in PyTorch's error for content that is not data.
_CLASS = re.compile(r"GLOBAL (\S+)")
# Numbers of NumPy, such as the loss, under the names that its versions gave them.
_SCALARS = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")


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
        If PyTorch is not installed, or older than 2.6.
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
    network = model.network
    dense, *convolutions = _with_weights(network.decoder)
    layers = [*_with_weights(network.encoder), network.z_mean, dense, *convolutions]
    for name, layer in zip(_LAYERS, layers, strict=True):
        kernel, bias = weights[name]
        # The axis of outputs is PyTorch's first.
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
    """Return kernel and bias of each layer of a checkpoint."""
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: give a PyTorch checkpoint.")
    dictionaries = list(_dictionaries(_load(path)))
    # The first one with most layers.
    found = max(map(_entries, dictionaries), key=len, default={})
    missing = [
        f"{layer}.{kind}"
        for layer in _LAYERS
        for kind in ("weight", "bias")
        if (layer, kind) not in found
    ]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ValueError(
            f"{path} lacks {missing[0]}{more}: give a checkpoint with encod_conv1 to "
            f"6, fc1, fc2 and decod_conv1 to 6; it holds {_described(dictionaries)}."
        )
    weights = {name: (found[name, "weight"], found[name, "bias"]) for name in _LAYERS}
    for name, (kernel, bias) in weights.items():
        _check_layer(path, name, kernel, bias)
    return weights


def _load(path: Path) -> object:
    """Return the content of a file of PyTorch, read as data."""
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "A PyTorch checkpoint is read by PyTorch, which is not installed: "
            "pip install torch"
        ) from error
    if tuple(map(int, torch.__version__.split(".")[:2])) < (2, 6):
        # It could be made to run code of the file (CVE-2025-32434).
        raise ImportError(
            f"PyTorch {torch.__version__} cannot read a checkpoint safely: "
            'pip install "torch>=2.6"'
        )
    try:
        with torch.serialization.safe_globals(_numbers_of_numpy()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # PyTorch raises any exception for a damaged file.
        found = _CLASS.search(str(error))
        said = f"it holds a {found[1]}" if found else briefly(reason(error))
        raise ValueError(
            f"{path} cannot be read as weights of PyTorch ({said}): give a checkpoint "
            "saved by torch.save(network.state_dict(), ...)."
        ) from error


def _numbers_of_numpy() -> list:
    """Return the types of NumPy that a checkpoint may hold beside tensors."""
    scalar = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(code)) for code in "?bBhHiIlLqQefd"]
    return [np.dtype, *dict.fromkeys(kinds), *((scalar, name) for name in _SCALARS)]


def _dictionaries(content, depth: int = _DEEPEST) -> Iterator[Mapping]:
    """Yield the dictionaries in a checkpoint, from the outermost."""
    if isinstance(content, Mapping) and depth:
        yield content
        for value in content.values():
            yield from _dictionaries(value, depth - 1)


def _entries(dictionary: Mapping) -> dict[tuple[str, str], np.ndarray]:
    """Return the arrays of the network's layers in a dictionary."""
    found = {}
    for key, value in dictionary.items():
        match = _ENTRY.match(str(key))
        if match and hasattr(value, "detach"):
            array = value.detach().float().numpy()
            found[match["layer"], match["kind"]] = np.asarray(array, dtype=np.float32)
    return found


def _described(dictionaries: list[Mapping]) -> str:
    """Describe the content of a checkpoint: names, and shapes of arrays."""
    parts = []
    for dictionary in dictionaries:
        for key, value in dictionary.items():
            shape = getattr(value, "shape", None)
            if not isinstance(value, Mapping):
                size = "" if shape is None else f" {tuple(shape)}"
                parts.append(f"{briefly(key)}{size}")
    return listed(parts) if parts else "no dictionary of weights"


def _check_layer(path: Path, name: str, kernel: np.ndarray, bias: np.ndarray) -> None:
    """Raise ValueError for weights that no layer can have."""
    dimensions = 3 if "conv" in name else 2
    if kernel.ndim != dimensions or bias.ndim != 1 or not kernel.size:
        raise ValueError(
            f"{path}: {name} has weights of the shape {kernel.shape} and a bias of the "
            f"shape {bias.shape}; expected {dimensions} dimensions and 1."
        )
    if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
        raise ValueError(f"{path}: {name} has weights that are NaN or infinite.")
