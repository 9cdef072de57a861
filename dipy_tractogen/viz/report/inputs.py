"""What a report is made from, and the files beside a model that others wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
import logging
from pathlib import Path

from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.formats.sidecar import sidecar_path
from dipy_tractogen.utils.schema import Check, read_json

from . import schemas

logger = logging.getLogger("dipy_tractogen")


@dataclass
class ReportInputs:
    """Everything that a report tells of; only the model has to be there.

    Parameters
    ----------
    model_file : Path
        File of the model.
    model : StreamlineModel
        The model, with the record of its training.
    real, generated, reconstructed : BundleSet, optional
        Real, generated and reconstructed streamlines; the last with ``error_mm`` among
        their values.
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


def read_generation(tractograms: Sequence[Path]) -> dict:
    """Read what a generation said of itself, beside its tractogram.

    Parameters
    ----------
    tractograms : sequence of Path
        Generated tractograms; the first with a JSON file counts: ``a.trx.json`` for
        ``a.trx``, or the ``a.json`` of older versions that names it.

    Returns
    -------
    dict
        What it said; empty where there is no such file, or only one of other
        software, with a warning.
    """
    for tractogram in tractograms:
        for path in (sidecar_path(tractogram), tractogram.with_suffix(".json")):
            if not path.exists():
                continue
            try:
                said = _read(path, schemas.generation, "dipy_generate_streamlines")
            except ValueError as error:
                logger.warning("%s It is left out.", error)
                continue
            is_of_it = path == sidecar_path(tractogram)
            is_of_it |= said["tractogram"] == tractogram.name
            if is_of_it and {"command", "model"} <= said.keys():
                return said
    return {}


def read_metrics(path: str | Path) -> dict:
    """Read what dipy_evaluate_streamlines measured.

    Parameters
    ----------
    path : str or Path
        The JSON file.

    Returns
    -------
    dict
        As ``metrics.evaluation.evaluate`` gives it.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is damaged, or another file.
    """
    return _read(Path(path), schemas.metrics, "dipy_evaluate_streamlines")


def read_latent(path: str | Path) -> dict:
    """Read what dipy_explore_latent found.

    Parameters
    ----------
    path : str or Path
        The JSON file; its figures are beside it.

    Returns
    -------
    dict
        What it holds.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is damaged, or names a figure outside of its folder.
    """
    return _read(Path(path), schemas.latent, "dipy_explore_latent")


def _read(path: Path, check: Check, writer: str) -> dict:
    """Read a JSON file that another command wrote."""
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: {writer} writes it.")
    return read_json(path, check, f"a JSON file of {writer}")
