"""Checks of the parts of a model's file, before memory is taken for them."""

from __future__ import annotations

from itertools import pairwise
import re
import zipfile

import h5py

from dipy_tractogen.parameters.model import (
    ConvParameters,
    NetworkParameters,
    ReconstructionParameters,
    Sizes,
    SpectralParameters,
)
from dipy_tractogen.parameters.terms import AdversaryParameters, LabelParameters
from dipy_tractogen.streamlines.condition import PLAIN_CONDITION
from dipy_tractogen.utils.parameters import schema_of
from dipy_tractogen.utils.schema import (
    LARGEST_JSON,
    SchemaError,
    list_of,
    listed,
    optional,
    parse_json,
    plain,
    record,
    text,
)

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.weights.h5"

# Size of all members over that of the file, which Keras writes without compression.
_MOST_EXPANSION = 4
_SLACK = 2**24
_MOST_MEMBERS = 100
_MOST_DATASETS = 10_000
_BLOCK = 2**20
_MEMBER = re.compile(r"(assets/)?\w[\w.]{0,99}|assets/")

_BACKBONE_OPTIONS = record(
    {}, schema_of(SpectralParameters, ConvParameters), others=False
)
_REGULARIZER = record(
    {
        "registered_name": text(200),
        "config": record(
            {}, schema_of(LabelParameters, names=["hidden_units", "condition"])
        ),
    }
)
_MODEL = record(
    {
        **schema_of(Sizes),
        **schema_of(NetworkParameters, names=["backbone"]),
    },
    {
        **schema_of(NetworkParameters, names=["seed", "profiles", "profile_sigmas"]),
        **schema_of(ReconstructionParameters),
        **schema_of(AdversaryParameters),
        "backbone_options": optional(_BACKBONE_OPTIONS),
        "conditions": optional(list_of(PLAIN_CONDITION, most=1000)),
        "regularizers": list_of(_REGULARIZER, most=100),
    },
)


def read_config(archive: zipfile.ZipFile, nb_bytes: int) -> dict:
    """Return the configuration of a model, of whose file `nb_bytes` is the size.

    Raises KeyError or zipfile.BadZipFile if a part is missing or damaged, ValueError if
    one is far larger than the file, or no JSON.
    """
    members = archive.infolist()
    total = sum(member.file_size for member in members)
    if total > _MOST_EXPANSION * nb_bytes + _SLACK or len(members) > _MOST_MEMBERS:
        found = f"{total} bytes in {len(members)} parts"
        raise SchemaError("", found, f"not much more than its {nb_bytes} bytes")
    strange = [member for member in archive.namelist() if not _MEMBER.fullmatch(member)]
    if strange:
        # Keras extracts all of them, and fails for names that are no files.
        raise SchemaError("", f"with {listed(strange)}", "files of a model alone")
    for member in members:
        # Reading to the end compares the checksum.
        with archive.open(member) as stream:
            while stream.read(_BLOCK):
                pass
    if archive.getinfo(CONFIG_FILE).file_size > LARGEST_JSON:
        raise SchemaError(CONFIG_FILE, "too large", f"up to {LARGEST_JSON} bytes")
    archive.getinfo(WEIGHTS_FILE)
    return parse_json(archive.read(CONFIG_FILE))


def check_parameters(parameters: dict) -> None:
    """Raise ValueError if a file's parameters of a model are not as expected."""
    plain(parameters, "config")
    _MODEL(parameters, "config")


def check_sizes(made_by: type, parameters: dict, nb_bytes: int) -> None:
    """Raise ValueError if the layers of a model have more weights than its file.

    `made_by` is the class of the model, which makes its layers at once, and `nb_bytes`
    the size of the weights in the file.
    """
    needed = 4 * _fewest_weights(made_by, parameters)
    if needed > nb_bytes:
        found = f"for layers of more than {needed} bytes"
        raise SchemaError("config", found, f"layers for the {nb_bytes} of the weights")


def _fewest_weights(made_by: type, config: dict) -> int:
    """Return a lower bound of the number of weights, those of the largest layers."""
    nb_points, latents = config["nb_points"], config["latent_dim"]
    options = config.get("backbone_options") or {}
    widths = {
        one["name"]: len(one.get("categories", ())) or 1
        for one in config.get("conditions") or ()
    }
    width = sum(widths.values())
    decoded = latents + width * made_by.conditions_in_decoder
    nb_channels = 3 + len(config.get("profiles", ()))
    if config["backbone"] == "spectral":
        features = nb_channels * (options.get("nb_coefficients") or min(24, nb_points))
        units = options.get("hidden_units") or [1]
        chains = [[features, *units, latents], [decoded, *units[::-1], features]]
        nb_weights = 0
    else:
        features = nb_channels * nb_points
        filters = options.get("filters", [])
        taps = options.get("kernel_size", 1)
        nb_weights = 2 * taps * sum(one * other for one, other in pairwise(filters))
        nb_cells = nb_points // 2 ** max(len(filters) - 1, 0)
        chains = [[decoded, nb_cells * (filters[-1:] or [1])[0]]]
    chains.append([width * made_by.conditions_in_encoder, features])
    if config.get("adversarial_loss") != "mmd":
        chains.append([latents + width, *config.get("discriminator_units", ())])
    for one in (each["config"] for each in config.get("regularizers", ())):
        classes = widths.get(one.get("condition"), 1)
        chains.append([latents, *(one.get("hidden_units") or [1]), classes])
    for chain in chains:
        nb_weights += sum(one * other for one, other in pairwise(chain))
    return nb_weights


def check_weights(archive: zipfile.ZipFile) -> None:
    """Raise ValueError if the weights are not plain arrays within the file."""
    largest = archive.getinfo(WEIGHTS_FILE).file_size
    with archive.open(WEIGHTS_FILE) as stream, h5py.File(stream, "r") as content:
        left, seen, total = [(content, "")], 0, 0
        while left:
            group, place = left.pop()
            for name in group:
                seen += 1
                here = f"{place}/{name}"
                if seen > _MOST_DATASETS:
                    raise SchemaError(
                        WEIGHTS_FILE, "of too many parts", f"{_MOST_DATASETS}"
                    )
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise SchemaError(here, "a link", "an array of the file itself")
                one = group[name]
                if isinstance(one, h5py.Group):
                    left.append((one, here))
                    continue
                total += _bytes_of(one, here)
                if total > largest:
                    raise SchemaError(
                        here, "larger than the file", f"up to {largest} bytes"
                    )


def _bytes_of(one, place: str) -> int:
    """Return the size of an array, once it is known to be plain."""
    if not isinstance(one, h5py.Dataset) or one.dtype.kind not in "fiu":
        raise SchemaError(place, "of another type", "an array of numbers")
    if one.is_virtual or one.external or one.compression:
        raise SchemaError(place, "kept elsewhere or compressed", "a plain array")
    return one.nbytes
