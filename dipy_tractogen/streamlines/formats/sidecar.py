"""Names that a format has no room for, and JSON files beside tractograms.

Original names of bundles and values, and the categories that codes stand for, are in
the header of a TRX, or in a JSON file beside others: ``a.trk.json`` for ``a.trk``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
import logging
import os
from pathlib import Path
import re

import numpy as np

from dipy_tractogen.utils.messages import normalized_name
from dipy_tractogen.utils.schema import (
    SchemaError,
    mapping,
    read_companion,
    read_json,
    record,
    short_repr,
    text,
    write_json,
)
from dipy_tractogen.utils.versions import current_versions

from .trx_reader import read_trx_header

logger = logging.getLogger("dipy_tractogen")

HEADER_KEY = "dipy_tractogen"
"""Where the header of a TRX holds a `Description`."""


def _check_code(value: object, place: str) -> None:
    """Check that a name is the text of a code."""
    text(15)(value, place)
    if not (value.isascii() and value.isdigit()):
        raise SchemaError(place, short_repr(value), "a whole number")


_DESCRIPTION = record(
    {},
    {
        "group_names": mapping(text()),
        "column_names": mapping(text()),
        "point_names": mapping(text()),
        "categories": mapping(mapping(text(), check_name=_check_code)),
    },
)

_GENERATED = record({"model": record({"file": text(), "digest": text()})})


@dataclass(frozen=True)
class Description:
    """Original names, and the categories that codes stand for.

    Parameters
    ----------
    groups, columns : mapping of str to str
        Original name of a bundle, or of values of each streamline, by the name in the
        file.
    categories : mapping of str to mapping of int to str
        Categories by code, for values that are codes, by their original name.
    points : mapping of str to str
        Original name of values of each point, by the name in the file.
    """

    groups: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    points: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict:
        """Return the description as plain values; empty if there is none."""
        said = {
            "group_names": {k: v for k, v in self.groups.items() if k != v},
            "column_names": {k: v for k, v in self.columns.items() if k != v},
            "point_names": {k: v for k, v in self.points.items() if k != v},
            "categories": {
                name: {str(code): one for code, one in table.items()}
                for name, table in self.categories.items()
            },
        }
        return {key: each for key, each in said.items() if each}

    @classmethod
    def from_dict(cls, said: Mapping) -> Description:
        """Return the description in plain values; ValueError if it is damaged."""
        _DESCRIPTION(said, "")
        return cls(
            said.get("group_names", {}),
            said.get("column_names", {}),
            {
                normalized_name(name): {
                    int(i): normalized_name(one) for i, one in table.items()
                }
                for name, table in said.get("categories", {}).items()
            },
            said.get("point_names", {}),
        )

    def restore(self, contents, path: Path) -> dict[str, dict]:
        """Return fields of a `TractogramContents` by true names, and tables of codes.

        A name stays where the true one is taken; a table of values that are not its
        codes is left out, with a warning.
        """
        data = _renamed(contents.data_per_streamline, self.columns)
        tables = {}
        for name, table in self.categories.items():
            if name not in data:
                continue
            if _are_codes(data[name], table):
                tables[name] = dict(table)
            else:
                logger.warning(
                    "%s: the values of %s are not those that its table of codes was "
                    "written for, and are taken as numbers",
                    path,
                    name,
                )
        left_out = dict(contents.left_out)
        if names := left_out.get("data_per_point"):
            left_out["data_per_point"] = [self.points.get(name, name) for name in names]
        return {
            "data_per_streamline": data,
            "groups": _renamed(contents.groups, self.groups),
            "categories": tables,
            "data_per_point": _renamed(contents.data_per_point, self.points),
            "left_out": left_out,
        }


def sidecar_path(tractogram: str | os.PathLike) -> Path:
    """Return the path of the JSON file of a tractogram, such as ``a.trk.json``."""
    tractogram = Path(tractogram)
    return tractogram.with_name(f"{tractogram.name}.json")


def read_sidecar(tractogram: str | os.PathLike) -> dict:
    """Read the JSON file of a tractogram; empty if there is none, or of other software.

    Raises ValueError if it is damaged or cannot be read.
    """
    path = sidecar_path(tractogram)
    if not path.is_file():
        return {}
    said = read_companion(path, Path(tractogram))
    is_ours = isinstance(said, dict) and {"tractogram", "versions"} <= said.keys()
    return said if is_ours else {}


def read_generating_model(tractograms: Iterable[str | os.PathLike]) -> dict | None:
    """Return ``file`` and ``digest`` of the model that made tractograms, if known."""
    for path in map(sidecar_path, tractograms):
        # One of other software, or without a model, is no fault here.
        with suppress(OSError, ValueError):
            model = read_json(path, _GENERATED, "a JSON file of a generation")["model"]
            return {key: model[key] for key in ("file", "digest")}
    return None


def write_sidecar(tractogram: Path, facts: Mapping, *, force: bool) -> None:
    """Write plain values as the JSON file of a tractogram.

    Without any, a file of ours of an older tractogram is removed, if `force`.
    """
    path = sidecar_path(tractogram)
    if not facts:
        with suppress(ValueError):
            if force and read_sidecar(tractogram):
                path.unlink()
        return
    said = {"tractogram": tractogram.name, "versions": current_versions(), **facts}
    write_json(path, said, force=force)


def read_description(path: Path) -> Description:
    """Read the names in or beside a tractogram; empty for other software."""
    in_file = path.suffix.lower() == ".trx"
    said = read_trx_header(path).get(HEADER_KEY, {}) if in_file else read_sidecar(path)
    try:
        return Description.from_dict(said)
    except ValueError as error:
        where = f"{HEADER_KEY} in the header" if in_file else sidecar_path(path).name
        raise ValueError(f"{path}: {where}: {error}") from error


def _renamed(members: dict, names: Mapping[str, str]) -> dict:
    """Return members under their original names, unless another has that name."""
    renamed = {}
    for name, values in members.items():
        true = normalized_name(names.get(name, name))
        is_taken = true in renamed or (true != name and true in members)
        renamed[name if is_taken else true] = values
    return renamed


def _are_codes(values: np.ndarray, table: Mapping[int, str]) -> bool:
    """Return whether values are one code of a table a streamline, or NaN."""
    values = np.asarray(values)
    if values.size != len(values):
        return False
    known = values[~np.isnan(values)]
    return bool(np.isin(known, np.array(list(table), dtype=np.float64)).all())


_LONGEST_MEMBER = 100
_LONGEST_PROPERTY = 20


def trx_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return different names as those of files in a TRX; names that fit stay.

    They have letters, digits, spaces and ``_-+`` only, at most 100, and differ even
    where case does not count: a dot would end the name, a slash make a folder.
    """

    def fitted(name: str, longest: int) -> str:
        return re.sub(r"[^\w \-+]", "_", name)[:longest].strip() or "_"

    return distinct_names(names, fitted, [_LONGEST_MEMBER] * len(names))


def trk_names(widths: Mapping[str, int]) -> tuple[str, ...]:
    """Return different names as those of properties in a TRK; names that fit stay.

    They are ASCII, up to 20 characters, less those that the number of values takes
    (`widths`, by name).
    """

    def fitted(name: str, longest: int) -> str:
        return re.sub(r"[^ -~]", "_", name)[:longest] or "_"

    # The width comes after the name and a zero byte, unless it is one.
    taken = [len(f"\0{width}") if width > 1 else 0 for width in widths.values()]
    return distinct_names(
        tuple(widths), fitted, [_LONGEST_PROPERTY - each for each in taken]
    )


def distinct_names(
    names: Sequence[str],
    fitted: Callable[[str, int], str],
    longest: Sequence[int],
) -> tuple[str, ...]:
    """Return fitted names, numbered where they would be equal; others stay."""
    fits = [name == fitted(name, most) for name, most in zip(names, longest)]
    chosen: dict[int, str] = {}
    taken: set[str] = set()
    for index in sorted(range(len(names)), key=lambda index: not fits[index]):
        candidate, number = fitted(names[index], longest[index]), 2
        while _folded(candidate) in taken:
            end = f"_{number}"
            candidate = fitted(names[index], longest[index] - len(end)) + end
            number += 1
        taken.add(_folded(candidate))
        chosen[index] = candidate
    return tuple(chosen[index] for index in range(len(names)))


def _folded(name: str) -> str:
    """Return a name as a file system compares it that does not look at the case."""
    return normalized_name(name).casefold()
