"""Folders of shards: what they are made of, and whether all are there.

Such a folder has a manifest, ``shards.json``, which says of what generation the shards
are, and for each a tractogram with a JSON file that says which of them it is.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
import hashlib
import json
import os
from pathlib import Path
import re

from .files import TRACTOGRAM_EXTENSIONS, file_digest, split_extension
from .messages import first_difference, format_count
from .schema import (
    SchemaError,
    integer,
    mapping,
    plain,
    plain_values,
    read_json,
    record,
    short_repr,
    text,
    write_json,
)
from .shards import MOST_SHARDS, Shard

MANIFEST = "shards.json"
"""Name of the manifest in a folder of shards."""

_MOST = 2**63 - 1
_PLAIN_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:.][^\x00-\x1f\x7f/\\:]{0,199}")


def _check_name(value: object, place: str) -> None:
    """Check that a value is the plain name of a tractogram, no path."""
    text(200)(value, place)
    extension = split_extension(value)[1].lower()
    if not _PLAIN_NAME.fullmatch(value) or extension not in TRACTOGRAM_EXTENSIONS:
        raise SchemaError(place, short_repr(value), "the plain name of a tractogram")


_MANIFEST = record(
    {
        "tractogram": _check_name,
        "nb_shards": integer(1, MOST_SHARDS),
        "nb_streamlines": integer(1, _MOST),
        "asked": record({}),
    },
    others=False,
)
_SHARD = record(
    {
        "shard": record(
            {
                "index": integer(1, MOST_SHARDS),
                "nb_shards": integer(1, MOST_SHARDS),
                "manifest": text(64),
                "bytes": integer(0, _MOST),
                "digest": text(64),
            }
        ),
        "counts": mapping(integer(0, _MOST)),
    },
    {"missing": mapping(integer(0, _MOST)), "obtained": plain},
)


@dataclass(frozen=True)
class ShardManifest:
    """What the shards of a tractogram are made of; the same on all machines.

    Parameters
    ----------
    tractogram : str
        Name of the whole tractogram, such as ``"synthetic.trx"``.
    nb_shards : int
        Number of its shards.
    nb_streamlines : int
        Number of streamlines asked for, in all shards.
    asked : dict
        All else that the streamlines depend on, as plain values: parameters, digests of
        files, versions of the software.

    Raises
    ------
    ValueError
        If the name is none of a tractogram, or a number is out of its range.
    """

    tractogram: str
    nb_shards: int
    nb_streamlines: int
    asked: dict

    def __post_init__(self):
        _MANIFEST(self.to_dict(), "")
        if self.nb_shards > self.nb_streamlines:
            raise ValueError(
                f"nb_shards={self.nb_shards}: give at most as many as streamlines "
                f"(nb_streamlines={self.nb_streamlines})."
            )

    @classmethod
    def read(cls, folder: str | os.PathLike) -> ShardManifest:
        """Read the manifest of a folder.

        Raises OSError if there is none, ValueError if it is damaged.
        """
        return cls(**read_json(Path(folder, MANIFEST), _MANIFEST, "a list of shards"))

    def to_dict(self) -> dict:
        """Return the contents of the file."""
        return plain_values(
            {
                "tractogram": self.tractogram,
                "nb_shards": self.nb_shards,
                "nb_streamlines": self.nb_streamlines,
                "asked": self.asked,
            }
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the contents, whatever their order and layout, in hexadecimal."""
        content = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def shards(self) -> list[Shard]:
        """All shards, in their order."""
        indices = range(1, self.nb_shards + 1)
        return [Shard(index, self.nb_shards) for index in indices]

    def path(self, folder: str | os.PathLike, shard: Shard) -> Path:
        """Return the path of a shard in a folder."""
        return Path(folder, shard.file_name(self.tractogram))

    def facts(self, path: Path, shard: Shard) -> dict:
        """Return what the JSON file of a shard that is at `path` says it is."""
        return {
            "index": shard.index,
            "nb_shards": shard.nb_shards,
            "manifest": self.digest,
            "bytes": path.stat().st_size,
            "digest": file_digest(path),
        }

    def is_whole(self, folder: str | os.PathLike, shard: Shard) -> bool:
        """Return whether a shard of this manifest is there."""
        try:
            self.check(folder, shard)
        except (OSError, ValueError):
            return False
        return True

    def claims(self, folder: str | os.PathLike, shard: Shard) -> bool:
        """Return whether what is there of a shard, whole or not, is of this manifest.

        It is if there is no tractogram, or its JSON file says so.
        """
        path = self.path(folder, shard)
        if not os.path.lexists(path):
            return True
        with suppress(OSError, ValueError):
            own = _read_facts(path)["shard"]
            return own["manifest"] == self.digest and own["index"] == shard.index
        return False

    def check(self, folder: str | os.PathLike, shard: Shard) -> dict:
        """Return what the JSON file says of a shard; check that it is there and whole.

        Raises ValueError in one line that names it where it is missing, cut short, or
        of another generation.
        """
        path = self.path(folder, shard)
        name = f"shard {shard.index} of {shard.nb_shards}, {path},"
        again = f"generate it again (only_shards={shard.index})"
        if not path.is_file():
            raise ValueError(
                f"{name} is missing: generate it (only_shards={shard.index}), or copy "
                "it there"
            )
        try:
            said = _read_facts(path)
        except FileNotFoundError:
            raise ValueError(
                f"{name} lacks {path.name}.json, which says what it is: {again}, or "
                "copy it there"
            ) from None
        own = said["shard"]
        stated = own["index"], own["nb_shards"], own["manifest"]
        if stated != (shard.index, shard.nb_shards, self.digest):
            raise ValueError(
                f"{name} is of another generation, or another shard: {again}"
            )
        if path.stat().st_size != own["bytes"]:
            raise ValueError(
                f"{name} has {path.stat().st_size} bytes of {own['bytes']}: {again}, "
                "or copy it once more"
            )
        return said

    def begin(self, folder: str | os.PathLike, *, force: bool = False) -> None:
        """Write the manifest to a folder, unless it is there.

        Raises FileExistsError, without `force`, where shards of another one are there,
        which are removed with it, or files that have the names of shards.
        """
        folder = Path(folder)
        try:
            there = ShardManifest.read(folder)
        except FileNotFoundError:
            there = None
        except ValueError:
            # One of other software, or damaged.
            if not force:
                raise
            there = None
        if there == self:
            return
        if there is not None:
            there._give_way(folder, self, force=force)
        elif not force:
            self._check_free(folder)
        write_json(folder / MANIFEST, self.to_dict(), force=True)

    def _check_free(self, folder: Path) -> None:
        """Raise FileExistsError where a file has the name of a shard."""
        for name in sorted(os.listdir(folder)):
            if Shard.named(name, self.tractogram, self.nb_shards):
                raise FileExistsError(
                    f"{folder / name} exists, and the folder has no {MANIFEST}: give "
                    "force=True to overwrite it, or another name or folder"
                )

    def _give_way(self, folder: Path, new: ShardManifest, *, force: bool) -> None:
        """Remove the shards in a folder; FileExistsError without `force`."""
        found = [shard for shard in self.shards if self.is_whole(folder, shard)]
        if found and not force:
            difference = first_difference(self.to_dict(), new.to_dict())
            raise FileExistsError(
                f"{folder} has {format_count(len(found), 'shard')} of another "
                f"generation, {difference}: give another name or folder, or "
                "force=True to remove them and begin anew"
            )
        for shard in found:
            path = self.path(folder, shard)
            path.unlink()
            path.with_name(f"{path.name}.json").unlink()


def _read_facts(path: Path) -> dict:
    """Return what the JSON file of a shard says."""
    beside = path.with_name(f"{path.name}.json")
    return read_json(beside, _SHARD, "the JSON file of a shard")


def is_shard_folder(folder: str | os.PathLike) -> bool:
    """Return whether a folder is one of shards: whether it has a manifest."""
    return Path(folder, MANIFEST).is_file()


def find_shards(folder: str | os.PathLike) -> list[Path]:
    """Return the tractograms of a folder of shards, in their order.

    Raises OSError or ValueError, in one line, if the manifest is damaged or a shard is
    missing, cut short or of another generation.
    """
    manifest = ShardManifest.read(folder)
    for shard in manifest.shards:
        manifest.check(folder, shard)
    return [manifest.path(folder, shard) for shard in manifest.shards]


def whole_name(path: Path) -> str:
    """Return the name of the tractogram that a file is a shard of, or its own."""
    found = _shard_of(path)
    return path.name if found is None else found[0].tractogram


def check_digest(path: Path) -> None:
    """Check that a file has the contents that were written, if it is a shard.

    Raises ValueError in one line that names it.
    """
    found = _shard_of(path)
    if found is None:
        return
    manifest, shard = found
    said = manifest.check(path.parent, shard)
    if file_digest(path) != said["shard"]["digest"]:
        raise ValueError(
            f"shard {shard.index} of {shard.nb_shards}, {path}, is not what was "
            f"written: generate it again (only_shards={shard.index}), or copy it once "
            "more"
        )


def _shard_of(path: Path) -> tuple[ShardManifest, Shard] | None:
    """Return the manifest beside a file, and which shard the file is by its name."""
    with suppress(OSError, ValueError):
        manifest = ShardManifest.read(path.parent)
        shard = Shard.named(path.name, manifest.tractogram, manifest.nb_shards)
        return None if shard is None else (manifest, shard)
    return None
