"""Options of a generation in shards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import re

from dipy_tractogen.utils.parameters import Parameters, parameter
from dipy_tractogen.utils.shards import MOST_SHARDS, Shard

from .arguments import check_needs

_RANGE = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")


@dataclass
class ShardOptions(Parameters):
    """How a large tractogram is written as several files."""

    shards: int | None = parameter(
        None,
        "Write this number of files, shards, in place of one. They go to a folder of "
        "the name of --out_tractogram without extension, which all commands read as "
        "one tractogram, as synthetic/synthetic_split-0001.trx. Each depends on no "
        "other, nor on the workers; those that are there are not made again.",
        essential=True,
        within=f"[1, {MOST_SHARDS}]",
    )
    only_shards: Sequence[str] | None = parameter(
        None,
        "Make only these of --shards, numbers from 1 or ranges, as 3 or 5-8; others "
        "are made by other calls, such as jobs of SLURM or on other machines.",
    )


def check_shards(given: dict) -> None:
    """Raise ValueError where options are of no use without --shards, or need fewer.

    `given` has the values of `ShardOptions`, of the options of workers, and
    ``nb_streamlines``.
    """
    asked = {name: given[name] for name in ("shards", "only_shards", "scheduler")}
    asked["slurm"] = given["slurm"] or None
    asked["nb_workers"] = None if given["nb_workers"] == 1 else given["nb_workers"]
    check_needs(asked, dict.fromkeys([*asked][1:], ("shards",)))
    shards, number = given["shards"], given["nb_streamlines"]
    if shards is not None and shards > number:
        raise ValueError(
            f"--shards {shards}: give at most as many as --nb_streamlines, {number}."
        )


def parse_shards(texts: Sequence[str] | None, nb_shards: int) -> list[Shard]:
    """Return the shards that --only_shards names, all by default, in order."""
    if texts is None:
        return [Shard(index, nb_shards) for index in range(1, nb_shards + 1)]
    wanted: set[int] = set()
    for text in texts:
        found = _RANGE.fullmatch(text)
        first = int(found[1]) if found else 0
        last = int(found[2] or first) if found else 0
        if not 1 <= first <= last <= nb_shards:
            raise ValueError(
                f"--only_shards {text}: give numbers from 1 to {nb_shards}, or ranges "
                "such as 5-8."
            )
        wanted.update(range(first, last + 1))
    return [Shard(index, nb_shards) for index in sorted(wanted)]
