"""Thresholds by which a cohort is labelled and filtered, learnt once for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
import logging
from pathlib import Path
from typing import NamedTuple

from dipy_tractogen.segment.thresholds import ThresholdParameters
from dipy_tractogen.streamlines.point_data.maps import MapFiles
from dipy_tractogen.utils.messages import format_count
from dipy_tractogen.utils.schema import plain_values, write_json

from ..flows.segmentation import ReferenceOptions
from ..options.inputs import model_kept
from ..options.loading import maps_of
from ..runtime.protection import named_files
from .commands import Command
from .records import FOLDER, path_below
from .task import DONE, FAILED, Task, carry_out

logger = logging.getLogger("dipy_tractogen")

THRESHOLDS = "thresholds_file"
_FILES = ("reference_files", "invalid_files")
_LEARNT_BY = {*ReferenceOptions.options(), *ThresholdParameters.options()}


class _Shared(NamedTuple):
    """What a task makes that is of no subject."""

    name: str


@dataclass(frozen=True)
class ThresholdsTask(Task):
    """The thresholds of a step, in the folder of the records.

    Parameters
    ----------
    command : Command
        The command that learns them.
    model_file : Path
        The model.
    options : dict
        Values of its options.
    """

    command: Command
    model_file: Path
    options: dict

    @property
    def path(self) -> Path:
        """Where the thresholds go, below the root of the outputs."""
        return Path(FOLDER, f"{self.part.name}.npz")

    def make(self) -> None:
        """Learn the thresholds, and write the figures of the fit beside them."""
        self.path.parent.mkdir()
        flow = self.command.flow(quiet=True)
        with model_kept():
            report = flow.learn_thresholds(self.model_file, self.path, self.options)
        write_json(
            self.path.with_name(f"{self.part.name}_metrics.json"), report, force=True
        )


def check_thresholds(name: str, command: Command, given: Mapping) -> None:
    """Raise ValueError for a step without one source of thresholds.

    `given` are options of the step `name`, as read.
    """
    learns = [key for key in (*_FILES, "kept_share") if given.get(key) is not None]
    if given.get(THRESHOLDS) is None and given.get(_FILES[0]) is None:
        raise ValueError(
            f"the step {name} needs reference_files in the table [{name}] of "
            f"--options, to learn thresholds from, or the {THRESHOLDS} that "
            f"{command.name} has written."
        )
    if given.get(THRESHOLDS) is not None and learns:
        raise ValueError(
            f"[{name}]: {THRESHOLDS} says already what is near: leave out {learns[0]}."
        )


def with_thresholds(
    name: str,
    command: Command,
    given: Mapping,
    *,
    model_file: Path,
    root: Path,
    out_dir: Path,
    stated: Mapping,
    force: bool = False,
) -> dict:
    """Return the options of a step with thresholds, which are learnt if need be.

    They are learnt once: the record beside them has the digests of all that they were
    learnt from.

    Parameters
    ----------
    name : str
        Name of the step.
    command : Command
        Its command.
    given : mapping of str to object
        Values of its options.
    model_file : Path
        The model.
    root : Path
        Root of the inputs, as which the record names the files.
    out_dir : Path
        Root of the outputs.
    stated : mapping of str to object
        What the thresholds depend on beside files and options.
    force : bool, optional
        Learn them anew.

    Raises
    ------
    ValueError
        If they cannot be learnt.
    """
    if given.get(THRESHOLDS) is not None:
        return dict(given)
    described = {**stated, "options": command.describe(given)}
    named = named_files({key: given.get(key) for key in _FILES}, set(_FILES))
    files = sorted(path.absolute() for path in named)
    images = _images_of(files, given)
    if images:
        described["images"] = {
            value: [path_below(root, path) for path in found]
            for value, found in images.items()
        }
    task = ThresholdsTask(
        _Shared(f"{name}_thresholds"),
        root,
        tuple(dict.fromkeys((*files, *chain.from_iterable(images.values())))),
        out_dir,
        plain_values(described),
        command,
        model_file,
        dict(given),
    )
    if force or not task.is_done:
        what = format_count(len(task.inputs), "file")
        logger.info("Learning the thresholds of %s from %s", name, what)
    (out_dir / FOLDER).mkdir(parents=True, exist_ok=True)
    outcome = carry_out(task, force=force, wait=True)
    if outcome.status == FAILED:
        raise ValueError(f"the thresholds of {name} are not learnt: {outcome.reason}")
    if outcome.status == DONE:
        logger.info("Wrote %s", out_dir / task.path)
    kept = {key: each for key, each in given.items() if key not in _LEARNT_BY}
    return {**kept, THRESHOLDS: str(out_dir / task.path)}


def _images_of(files: Sequence[Path], given: Mapping) -> dict[str, list[Path]]:
    """Return the images of tractograms by value, as the option ``maps`` has them."""
    finder = MapFiles(maps_of(given))
    found = {}
    for name in finder.names:
        own = set()
        for file in files:
            # Where one is needed, the fit says that it is missing.
            with suppress(ValueError):
                own.add(finder.find(name, file).absolute())
        found[name] = sorted(own)
    return found
