"""Input streamlines of commands that need not have all of them at once."""

from __future__ import annotations

from collections.abc import Callable
import logging
import os
from pathlib import Path

from dipy_tractogen.utils.messages import format_count

logger = logging.getLogger("dipy_tractogen")

# Where the names of bundles come from, if they are known before all files are read.
_KNOWN_NAMES = ("auto", "groups", "stem")


class InputParts:
    """Streamlines of the input: those of one shard after another, or all at once.

    A folder of shards is read a shard at a time. All at once are other inputs, and
    shards without a grid, with names of bundles from ``data_per_streamline``, or to be
    registered, for which all streamlines are needed. Only one part should be held at a
    time: `load` keeps no shard.

    Parameters
    ----------
    flow : TractogenFlow
        The workflow.
    input_files : str, Path or sequence of them
        Tractograms, folders, globs, or a folder of shards.
    given : dict
        Values of `LoadingOptions` and, perhaps, ``register``.
    load : callable
        Takes files and values of options, and returns a `BundleSet`.
    kind : str, optional
        What the streamlines are to the workflow, for its ``screening``.

    Attributes
    ----------
    files : list of Path
        All files, sorted.
    bundle_names : tuple of str
        Names of the bundles, in order; of shards, those that the generation has.
    reference : Reference
        Grid of the streamlines.
    """

    def __init__(
        self, flow, input_files, given: dict, load: Callable, *, kind: str = "input"
    ):
        self._flow, self._given, self._load, self._kind = flow, given, load, kind
        self.files = sorted(flow.inputs(input_files))
        self._report, self._whole = None, None
        folder = _one_folder(input_files)
        reason = self._why_at_once(folder)
        self._nb_parts = 1 if reason else len(self.files)
        if self._nb_parts == 1:
            if folder is not None and len(self.files) > 1:
                logger.warning(
                    "All %d shards are held at once: %s", len(self.files), reason
                )
            self._whole = load(self.files, given)
            self.bundle_names = self._whole.bundle_names
            self.reference = self._whole.reference
            return
        self.bundle_names = _names_in_shards(folder, given["bundles_from"])
        logger.info("Reading %s of one tractogram", format_count(len(self), "shard"))

    def _why_at_once(self, folder: Path | None) -> str:
        """Return why not to read a shard at a time, or ""; find the grid."""
        from dipy_tractogen.streamlines.common_grid import common_grid

        if folder is None or len(self.files) == 1:
            return "there are no shards"
        if self._given.get("register"):
            return "--register needs all streamlines"
        source = self._given["bundles_from"]
        if source not in _KNOWN_NAMES:
            return f"--bundles_from {source} tells the names of bundles only then"
        self.reference = common_grid(self.files, self._given["reference"])
        if self.reference is None:
            return "they have no grid, which --reference can give"
        return ""

    def __len__(self) -> int:
        return self._nb_parts

    def load(self, number: int):
        """Return the streamlines of a part as a `BundleSet`.

        Raises ValueError or OSError as from `load_bundles`.
        """
        if self._whole is not None:
            return self._whole
        from dipy_tractogen.streamlines.values import FILE_NUMBER

        given = {**self._given, "reference": self.reference}
        files = [self.files[number]]
        part = self._load(files, given)
        if FILE_NUMBER in part.values:
            part.values[FILE_NUMBER] += number
        self._note(part.report, number)
        try:
            part.labels = part.labels_in(self.bundle_names)
        except ValueError as error:
            raise ValueError(f"{files[0]}: {error}") from None
        part.bundle_names = self.bundle_names
        return part

    def _note(self, report, number: int) -> None:
        """Note what was dropped of the parts so far."""
        self._report = report if number == 0 else self._report + report
        self._flow.screening[self._kind] = self._report.to_dict()


def _one_folder(input_files) -> Path | None:
    """Return the folder of shards that is all of the input, or None."""
    from dipy_tractogen.utils.shard_folder import is_shard_folder

    is_one = isinstance(input_files, (str, os.PathLike))
    given = [input_files] if is_one else list(input_files)
    if len(given) == 1 and is_shard_folder(given[0]):
        return Path(given[0])
    return None


def _names_in_shards(folder: Path, bundles_from: str) -> tuple[str, ...]:
    """Return the names of the bundles in shards, sorted, as the files tell them."""
    from dipy_tractogen.streamlines.formats.block_writers import BLOCK_WRITERS
    from dipy_tractogen.utils.files import split_extension
    from dipy_tractogen.utils.messages import normalized_name
    from dipy_tractogen.utils.shard_folder import ShardManifest

    manifest = ShardManifest.read(folder)
    stem, extension = split_extension(manifest.tractogram)
    keeps_names = BLOCK_WRITERS[extension.lower()].keeps_bundles
    if bundles_from == "groups":
        keeps_names = extension.lower() == ".trx"
    if bundles_from == "stem" or not keeps_names:
        return (normalized_name(stem),)
    counts = (manifest.check(folder, one)["counts"] for one in manifest.shards)
    found = {name for one in counts for name, number in one.items() if number}
    return tuple(sorted(map(normalized_name, found)))
