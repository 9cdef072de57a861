"""Shards: the files of one large tractogram, made apart and read as one."""

from __future__ import annotations

from dataclasses import dataclass
import re

import numpy as np

from .files import split_extension

MOST_SHARDS = 100_000
"""Largest number of shards of a tractogram."""

_FEWEST_DIGITS = 4
_BIDS = re.compile(r"(sub-.+?)((?:_desc-[0-9A-Za-z+]+)?_[0-9A-Za-z]+)")
_NUMBER = re.compile(r"_split-([0-9]{4,6})(?=[_.])")


@dataclass(frozen=True, order=True)
class Shard:
    """One of the shards of a tractogram.

    Parameters
    ----------
    index : int
        Its number, from 1.
    nb_shards : int
        Number of shards of the tractogram.

    Raises
    ------
    ValueError
        If there is no such shard.
    """

    index: int
    nb_shards: int

    def __post_init__(self):
        if not 1 <= self.index <= self.nb_shards <= MOST_SHARDS:
            raise ValueError(
                f"shard {self.index} of {self.nb_shards}: give one from 1 to their "
                f"number, which is up to {MOST_SHARDS}."
            )

    @property
    def name(self) -> str:
        """Its entity, of the kind that BIDS has for parts, such as ``"split-0003"``."""
        nb_digits = max(_FEWEST_DIGITS, len(str(self.nb_shards)))
        return f"split-{self.index:0{nb_digits}}"

    def file_name(self, tractogram: str) -> str:
        """Return the name of its file, by that of the whole tractogram.

        ``synthetic_split-0003.trx``, or as in BIDS before the description and suffix,
        ``sub-01_space-MNI_split-0003_tractogram.trx``.
        """
        stem, extension = split_extension(tractogram)
        found = _BIDS.fullmatch(stem)
        first, last = found.groups() if found else (stem, "")
        return f"{first}_{self.name}{last}{extension}"

    def seed(self, seed: int) -> int:
        """Return the seed of the shard, by that of the tractogram."""
        mixed = np.random.SeedSequence([seed, self.nb_shards, self.index])
        return int(mixed.generate_state(1, np.uint64)[0])

    def size(self, nb_streamlines: int) -> int:
        """Return how many of all streamlines are in the shard."""
        return (nb_streamlines + self.nb_shards - self.index) // self.nb_shards

    def share(self, counts: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Return how many of counts (m,) are in the shard.

        Shards differ by one at most in each count, in the sums of counts of each group
        of `groups` (m,), and in the sum of all; those of all shards add up.
        """
        order = np.argsort(groups, kind="stable")
        # What is left over goes to the shards in turn, from where the last one ended.
        ends = np.empty(len(counts), dtype=np.int64)
        ends[order] = np.cumsum(counts[order] % self.nb_shards)
        begins = ends - counts % self.nb_shards
        place = self.index - 1

        def until(total: np.ndarray) -> np.ndarray:
            return (total - place + self.nb_shards - 1) // self.nb_shards

        return counts // self.nb_shards + until(ends) - until(begins)

    @classmethod
    def named(cls, name: str, tractogram: str, nb_shards: int) -> Shard | None:
        """Return the shard of a tractogram that a file is by its name, or None."""
        for number in map(int, _NUMBER.findall(name)):
            if 1 <= number <= nb_shards:
                shard = cls(number, nb_shards)
                if shard.file_name(tractogram) == name:
                    return shard
        return None
