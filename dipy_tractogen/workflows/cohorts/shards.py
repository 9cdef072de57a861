"""Shards of a generated tractogram, each the work of one task."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
import logging
from pathlib import Path

from dipy_tractogen.utils.messages import (
    MOST_LISTED,
    ThresholdsNotMet,
    format_count,
    listed,
)
from dipy_tractogen.utils.progress import Progress
from dipy_tractogen.utils.schema import plain_values
from dipy_tractogen.utils.shard_folder import ShardManifest
from dipy_tractogen.utils.shards import Shard
from dipy_tractogen.utils.versions import versions_to_use

from ..options.inputs import model_kept
from ..options.loading import digests_of_maps
from .commands import digests_of
from .distribute import WorkersLost
from .run import open_run
from .task import FAILED, Task
from .workers import open_workers, outcomes

logger = logging.getLogger("dipy_tractogen")

# Options that no streamline depends on.
_OF_THE_RUN = ("shards", "only_shards", "nb_workers", "scheduler", "slurm")
_OF_THE_RUN += ("out_dir", "out_tractogram")


@dataclass(frozen=True)
class ShardTask(Task):
    """A shard of a tractogram.

    Parameters
    ----------
    manifest : ShardManifest
        What the shards are made of.
    given : dict
        Values of the parameters of the generation.
    called_in : Path
        The folder that names of files among them start from.
    """

    manifest: ShardManifest
    given: dict
    called_in: Path

    @property
    def is_done(self) -> bool:
        """Whether the shard is there, and is of the manifest."""
        return self.manifest.is_whole(self.out_dir, self.part)

    def make(self) -> None:
        """Generate the shard, and say which one it is in its JSON file."""
        from dipy_tractogen.streamlines.formats.sidecar import (
            read_sidecar,
            write_sidecar,
        )

        from ..cli import load_flow

        path = self.manifest.path(Path.cwd(), self.part)
        with chdir(self.called_in), model_kept():
            flow = load_flow("dipy_generate_streamlines")(quiet=True)
            flow.shard = self.part
            written = {"out_dir": str(path.parent), "out_tractogram": path.name}
            flow.run(**{**self.given, **written})
        said = read_sidecar(path)
        # The same on all machines.
        for name in ("seconds", "command"):
            said.pop(name, None)
        said["parameters"] = _of_the_streamlines(self.given)
        said["shard"] = self.manifest.facts(path, self.part)
        write_sidecar(path, said, force=True)
        if self.manifest.claims(self.out_dir, self.part):
            # What is left of a copy that was broken off.
            for name in (path.name, f"{path.name}.json"):
                (self.out_dir / name).unlink(missing_ok=True)


def describe(flow, given: dict) -> dict:
    """Return all that streamlines depend on, with digests for the names of files.

    Raises FileNotFoundError for a file that is missing.
    """
    of_files = flow.of_files()
    parameters = {
        key: digests_of(value) if key in of_files and value else value
        for key, value in _of_the_streamlines(given).items()
        if key != "nb_streamlines"
    }
    parameters |= digests_of_maps(given)
    return plain_values({"parameters": parameters, "versions": versions_to_use()})


def make_shards(
    flow, manifest: ShardManifest, folder: Path, wanted: Sequence[Shard], given: dict
) -> None:
    """Make shards that are not there yet, by the workers that are asked for.

    Parameters
    ----------
    flow : GenerateStreamlinesFlow
        The workflow.
    manifest : ShardManifest
        What they are made of.
    folder : Path
        Where they go.
    wanted : sequence of Shard
        The shards that are asked for.
    given : dict
        Values of `WorkerOptions`.

    Raises
    ------
    FileExistsError
        If shards of another generation are there, without ``force``.
    ThresholdsNotMet
        If most streamlines miss what was asked of them.
    ValueError
        At the end, if a shard failed, or has too few streamlines.
    OSError
        If workers or their scheduler cannot be found, or are lost.
    """
    folder = folder.absolute()
    manifest.begin(folder, force=flow.force)
    own = {"manifest": manifest, "given": flow.given, "called_in": Path.cwd()}
    tasks = [
        ShardTask(one, folder, (), folder, manifest.asked, **own) for one in wanted
    ]
    left = [task for task in tasks if flow.force or not task.is_done]
    logger.info(
        "Generating %s of %d in %s; there already: %d",
        format_count(len(left), "shard"),
        manifest.nb_shards,
        folder,
        len(tasks) - len(left),
    )
    failed = _work(flow, left, folder, given) if left else []
    if failed:
        first = failed[0]
        raise ValueError(
            f"{format_count(len(failed), 'shard')} of {len(left)} failed, the first, "
            f"{first.part.name}: {first.reason}; the same command goes on."
        )
    _report(folder, [manifest.check(folder, one) for one in wanted])


def _work(flow, tasks: Sequence[ShardTask], folder: Path, given: dict) -> list:
    """Work on tasks; return the outcomes of those that failed."""
    failed, nb_done = [], 0
    shown = {"show_bar": flow.show_progress, "unit": "shard"}
    try:
        with (
            open_run(folder) as mark,
            open_workers(given, mark) as work,
            Progress(len(tasks), "Shards", **shown) as bar,
        ):
            for outcome in outcomes(work, tasks, force=flow.force):
                bar.advance()
                if outcome.status != FAILED:
                    nb_done += 1
                    continue
                failed.append(outcome)
                if len(failed) <= MOST_LISTED:
                    logger.error("%s: %s", outcome.part.name, outcome.reason)
                if not nb_done:
                    # What no shard gets past, others do not either.
                    break
    except WorkersLost as lost:
        nb_left = format_count(len(tasks) - nb_done, "shard")
        raise lost.with_rest(f"{nb_left} of {len(tasks)} left to do") from lost
    return failed


def _report(folder: Path, said: Sequence[dict]) -> None:
    """Log what shards have, by their JSON files; raise where something is missing."""
    for warning in said[0].get("warnings", ()):
        logger.warning("%s: %s", said[0]["tractogram"], warning)
    counts = _summed([one["counts"] for one in said])
    logger.info(
        "%s: %s: %s",
        folder,
        format_count(sum(counts.values()), "streamline"),
        listed(f"{name} {number}" for name, number in counts.items() if number),
    )
    missing = _summed([one.get("missing", {}) for one in said])
    if missing:
        texts = listed(f"{name} {number}" for name, number in missing.items())
        number = format_count(sum(missing.values()), "streamline")
        raise ValueError(
            f"Missing are {number}: {texts}. {folder} holds the others: loosen the "
            "criteria, or raise --max_tries."
        )
    numbers = ("nb_streamlines", "nb_missed")
    for name in said[0].get("obtained", {}):
        each = [one["obtained"][name] for one in said]
        of, nb_missed = (sum(one[key] for one in each) for key in numbers)
        if 2 * nb_missed > of:
            raise ThresholdsNotMet(
                f"{nb_missed} of {of} streamlines miss the asked {name}"
            )


def _summed(counts: Sequence[dict]) -> dict[str, int]:
    """Return the sums of numbers by name."""
    names = dict.fromkeys(name for one in counts for name in one)
    return {name: sum(one.get(name, 0) for one in counts) for name in names}


def _of_the_streamlines(given: dict) -> dict:
    """Return the values of parameters that streamlines depend on."""
    return {key: each for key, each in given.items() if key not in _OF_THE_RUN}
