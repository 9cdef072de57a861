"""Inputs of a report, and the JSON files of other commands that it is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
import logging
from pathlib import Path

from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.formats.sidecar import sidecar_path
from dipy_tractogen.utils.messages import format_count
from dipy_tractogen.utils.schema import (
    Check,
    SchemaError,
    boolean,
    list_of,
    mapping,
    number,
    optional,
    read_json,
    record,
    short_repr,
    text,
)

logger = logging.getLogger("dipy_tractogen")


@dataclass
class ReportInputs:
    """Inputs of a report, of which only the model is required.

    Parameters
    ----------
    model_file : Path
        File of the model.
    model : StreamlineModel
        The model, with the record of its training.
    real, generated, reconstructed : BundleSet, optional
        Real, generated and reconstructed streamlines; the last with ``error_mm`` among
        their values. Profiles are drawn of their data_per_point.
    generation : dict, optional
        What dipy_generate_streamlines says of its run.
    metrics : dict, optional
        What dipy_evaluate_streamlines measured.
    latent : dict, optional
        What dipy_explore_latent found.
    latent_dir : Path, optional
        Folder of the figures that it names.
    pictures : sequence of Path, optional
        Other pictures.
    captions : sequence of str, optional
        A text for each of them; the names of the files by default.
    files : dict of str to sequence of Path, optional
        Other files that were read, by what they hold.
    command : str, optional
        The command line that writes the report.
    """

    model_file: Path
    model: object
    real: BundleSet | None = None
    generated: BundleSet | None = None
    reconstructed: BundleSet | None = None
    generation: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)
    latent: dict = field(default_factory=dict)
    latent_dir: Path | None = None
    pictures: Sequence[Path] = ()
    captions: Sequence[str] = ()
    files: dict[str, Sequence[Path]] = field(default_factory=dict)
    command: str = ""

    @property
    def sets(self) -> dict[str, BundleSet | None]:
        """Streamlines by what they are."""
        return {
            "real": self.real,
            "generated": self.generated,
            "reconstructed": self.reconstructed,
        }


# Some measures have no value, and a ratio may be infinite.
_VALUE = optional(number(finite=False))
_VALUES = mapping(_VALUE)
_TEXTS = list_of(text(10**6))
_PROVENANCE = {"command": optional(text(10**6)), "warnings": _TEXTS}
_MODEL = record({}, {"file": text(), "digest": text()})

_ENTRY = record(
    {"generated": _VALUES, "real": _VALUES},
    {
        "counts": mapping(optional(number(0))),
        "held_out": _VALUES,
        "ratios": _VALUES,
        "intervals": mapping(mapping(optional(list_of(_VALUE, 2, 2)))),
        "memorisation": optional(
            record(
                {},
                {
                    "threshold_mm": _VALUE,
                    "generated": _VALUE,
                    "real": _VALUE,
                    "nearer_than_real": _VALUE,
                    "copies": text(),
                    "verdict": text(),
                },
            )
        ),
    },
)
_ERRORS = {"unit": optional(text()), "r2": _VALUE, "mae": _VALUE, "n": _VALUE}
_SHARES = list_of(number(0, 1), 1, 10_000)
_BOTH = record({"generated": _SHARES, "real": _SHARES}, others=False)
_DISTRIBUTION = record(
    {"unit": text(), "edges": list_of(number(), 2, 10_001), "overall": _BOTH},
    {"bundles": mapping(_BOTH)},
)
_THRESHOLD = record(
    {
        "measure": text(),
        "asked": text(),
        "bundle": optional(text()),
        "limit": _VALUE,
        "value": _VALUE,
        "met": boolean,
    }
)

_TOLD = record(
    {"set": text(), "text": text()},
    dict.fromkeys(("alone", "given_others", "importance"), _VALUE),
)
_SIDES = record({"generated": _VALUES, "real": _VALUES})
_PROFILE = record({"overall": _SIDES, "bundles": mapping(_SIDES)})
_METRICS = record(
    {"overall": _ENTRY, "bundles": mapping(_ENTRY)},
    {
        **_PROVENANCE,
        "distributions": optional(mapping(_DISTRIBUTION)),
        "model": optional(record({}, {"reconstruction_mm": optional(_VALUES)})),
        "generated_with": optional(_MODEL),
        "conditions": optional(
            mapping(record({}, {**_ERRORS, "bundles": mapping(record({}, _ERRORS))}))
        ),
        "thresholds": list_of(_THRESHOLD),
        "membership": optional(record({}, {"verdict": text()})),
        "c2st": optional(record({}, {"verdict": _TEXTS, "told_by": list_of(_TOLD)})),
        "profiles": optional(
            record({}, {"verdict": _TEXTS, "values": mapping(_PROFILE)})
        ),
    },
)


def _check_metrics(value: object, place: str) -> None:
    """Validate the results of dipy_evaluate_streamlines."""
    _METRICS(value, place)
    for name, found in (value.get("distributions") or {}).items():
        nb_bins = len(found["edges"]) - 1
        of_all = (found["overall"], *found.get("bundles", {}).values())
        sizes = {len(shares) for both in of_all for shares in both.values()}
        if sizes != {nb_bins}:
            where = f"distributions.{name}"
            raise SchemaError(
                where, "of other bins than its edges", f"{nb_bins} shares each"
            )


def _file_name(value: object, place: str) -> None:
    is_name = isinstance(value, str) and value and "\0" not in value
    if not is_name or Path(value).name != value:
        raise SchemaError(place, short_repr(value), "the name of a file of this folder")


_FIGURE = record({"file": _file_name}, {"title": text(), "alt": text(10**6)})
_UNIT = record(
    {"dimension": text()},
    {
        **dict.fromkeys(("variance", "spread", "deviation", "kl"), _VALUE),
        "active": boolean,
    },
)
_LATENT = record(
    {"figures": list_of(_FIGURE)},
    {
        **_PROVENANCE,
        "model": _MODEL,
        "units": list_of(_UNIT),
        "traversal": record({}, {"displacement_mm": _VALUES}),
        "correlations": record(
            {}, {"attributes": list_of(text()), "values": mapping(list_of(_VALUE))}
        ),
        "disentanglement": record(
            {},
            {
                **dict.fromkeys(("interpretability", "scc", "mig", "sap"), _VALUES),
                "modularity": _VALUE,
            },
        ),
    },
)


def _check_latent(value: object, place: str) -> None:
    """Validate the results of dipy_explore_latent."""
    _LATENT(value, place)
    correlations = value.get("correlations", {})
    nb_attributes = len(correlations.get("attributes", ()))
    for name, values in correlations.get("values", {}).items():
        if len(values) != nb_attributes:
            found, wanted = f"a list of {len(values)}", f"one of {nb_attributes}"
            raise SchemaError(
                f"correlations.values.{name}", found, f"{wanted} attributes"
            )


_GENERATION = record(
    {"tractogram": text()},
    {
        **_PROVENANCE,
        "model": _MODEL,
        "seconds": number(0),
        **dict.fromkeys(
            ("conditions", "obtained", "rejected", "parameters", "versions"),
            optional(record({})),
        ),
    },
)


def read_generation(tractograms: Sequence[Path]) -> dict:
    """Read the JSON file of a generation, beside one of its tractograms.

    That is ``a.trx.json`` for ``a.trx``, or the ``a.json`` of older versions that names
    it. Returns {} where there is none, or only one of other software, with a warning.
    """
    for tractogram in tractograms:
        for path in (sidecar_path(tractogram), tractogram.with_suffix(".json")):
            if not path.exists():
                continue
            try:
                said = _read(path, _GENERATION, "dipy_generate_streamlines")
            except ValueError as error:
                logger.warning("%s It is left out.", error)
                continue
            is_of_it = path == sidecar_path(tractogram)
            is_of_it |= said["tractogram"] == tractogram.name
            if is_of_it and {"command", "model"} <= said.keys():
                return said
    return {}


def read_metrics(path: str | Path) -> dict:
    """Read the JSON file of dipy_evaluate_streamlines; ValueError if it is damaged."""
    return _read(Path(path), _check_metrics, "dipy_evaluate_streamlines")


def read_latent(path: str | Path) -> dict:
    """Read the JSON file of dipy_explore_latent; its figures are beside it.

    Raises ValueError if it is damaged, or names a figure outside of its folder.
    """
    return _read(Path(path), _check_latent, "dipy_explore_latent")


def _read(path: Path, check: Check, writer: str) -> dict:
    """Read a JSON file that another command wrote."""
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: {writer} writes it.")
    return read_json(path, check, f"a JSON file of {writer}")


def read_small_inputs(
    generated: Sequence[Path] = (),
    metrics_file: str | Path | None = None,
    latent_file: str | Path | None = None,
    pictures: Sequence[str | Path] | None = None,
    captions: Sequence[str] | None = None,
) -> dict:
    """Read what other commands wrote of their runs, as fields of `ReportInputs`.

    Raises OSError or ValueError where a file is missing or damaged, or there are not as
    many captions as pictures.
    """
    runs = {"pictures": list(map(Path, pictures or ())), "captions": captions or ()}
    for path in runs["pictures"]:
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist: give a picture.")
    if captions and len(captions) != len(runs["pictures"]):
        raise ValueError(
            f"There are {format_count(len(captions), 'caption')} for "
            f"{format_count(len(runs['pictures']), 'picture')}: give one for each."
        )
    runs["generation"] = read_generation(generated)
    if metrics_file:
        runs["metrics"] = read_metrics(metrics_file)
    if latent_file:
        runs["latent"] = read_latent(latent_file)
        runs["latent_dir"] = Path(latent_file).parent
    return runs
