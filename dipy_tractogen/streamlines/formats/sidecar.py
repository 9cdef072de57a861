"""What a tractogram cannot say itself: true names, and the names behind codes.

A TRX has them in its header, other formats in a JSON file beside them, named by the
whole name of the tractogram: ``a.trk.json`` for ``a.trk``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
import logging
import os
from pathlib import Path

import numpy as np

from dipy_tractogen.utils.json_files import write_json
from dipy_tractogen.utils.messages import reason
from dipy_tractogen.utils.schema import (
    LARGEST_JSON,
    Unfit,
    mapping,
    parse_json,
    record,
    shown,
    text,
)
from dipy_tractogen.utils.versions import current_versions

from .safe_names import true_name
from .trx_reader import read_trx_header

logger = logging.getLogger("dipy_tractogen")

HEADER_KEY = "dipy_tractogen"
"""Where the header of a TRX holds a `Description`."""


def _check_code(value: object, place: str) -> None:
    """Check that a name is the text of a code."""
    text(15)(value, place)
    if not (value.isascii() and value.isdigit()):
        raise Unfit(place, shown(value), "a whole number")


_SAID = record(
    {},
    {
        "group_names": mapping(text()),
        "column_names": mapping(text()),
        "categories": mapping(mapping(text(), check_name=_check_code)),
    },
)


@dataclass(frozen=True)
class Description:
    """True names, and what codes stand for.

    Parameters
    ----------
    groups, columns : mapping of str to str
        True name of a bundle, or of values of each streamline, by the name in the file.
    categories : mapping of str to mapping of int to str
        For each of the values that are codes of categories, by true name, what a code
        stands for.
    """

    groups: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, Mapping[int, str]] = field(default_factory=dict)

    def as_dict(self) -> dict:
        """Return what there is to say as plain values; empty if that is nothing."""
        said = {
            "group_names": {k: v for k, v in self.groups.items() if k != v},
            "column_names": {k: v for k, v in self.columns.items() if k != v},
            "categories": {
                name: {str(code): one for code, one in table.items()}
                for name, table in self.categories.items()
            },
        }
        return {key: each for key, each in said.items() if each}

    @classmethod
    def from_dict(cls, said: Mapping) -> Description:
        """Return what `as_dict` gave.

        Parameters
        ----------
        said : mapping
            Plain values, other entries among them.

        Returns
        -------
        Description
            What they say.

        Raises
        ------
        ValueError
            If an entry has another form.
        """
        _SAID(said, "")
        return cls(
            said.get("group_names", {}),
            said.get("column_names", {}),
            {
                true_name(name): {int(i): true_name(one) for i, one in table.items()}
                for name, table in said.get("categories", {}).items()
            },
        )

    def restore(
        self, data: dict[str, np.ndarray], groups: dict[str, np.ndarray], path: Path
    ) -> tuple[dict, dict, dict[str, dict[int, str]]]:
        """Return what was read from a file under its true names.

        Parameters
        ----------
        data : dict of str to ndarray of shape (n, k)
            Values of each streamline, by the names in the file.
        groups : dict of str to ndarray of int
            Members of each group, by the names in the file.
        path : Path
            The file, for messages.

        Returns
        -------
        data, groups : dict
            The same under their true names. A name stays where the true one is taken.
        categories : dict of str to dict of int to str
            What codes stand for, of those values that are codes of their table alone.
        """
        data, groups = _renamed(data, self.columns), _renamed(groups, self.groups)
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
        return data, groups, tables


def sidecar_path(tractogram: str | os.PathLike) -> Path:
    """Return where the JSON file of a tractogram is.

    Parameters
    ----------
    tractogram : str or Path
        The tractogram.

    Returns
    -------
    Path
        Its whole name, and ``.json``.
    """
    tractogram = Path(tractogram)
    return tractogram.with_name(f"{tractogram.name}.json")


def read_sidecar(tractogram: str | os.PathLike) -> dict:
    """Read the JSON file of a tractogram.

    Parameters
    ----------
    tractogram
        As for `sidecar_path`.

    Returns
    -------
    dict
        Plain values; empty where there is no such file, or one of other software.

    Raises
    ------
    ValueError
        If the file is damaged or cannot be read.
    """
    path = sidecar_path(tractogram)
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise ValueError("it is too large")
        said = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path}, which describes {Path(tractogram).name}, cannot be read "
            f"({reason(error)}): mend it or take it away"
        ) from error
    is_ours = isinstance(said, dict) and {"tractogram", "versions"} <= said.keys()
    return said if is_ours else {}


def put_sidecar(tractogram: Path, facts: Mapping, *, force: bool) -> None:
    """Write the JSON file of a tractogram, or remove one that is true no more.

    Parameters
    ----------
    tractogram : Path
        The tractogram.
    facts : mapping
        Plain values. If there are none, a file that a tractogram of the same name had
        is removed, unless it is of other software.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `force` is False.
    OSError
        If it cannot be written.
    """
    path = sidecar_path(tractogram)
    if not facts:
        if force and _is_ours(tractogram):
            path.unlink()
        return
    said = {"tractogram": tractogram.name, "versions": current_versions(), **facts}
    write_json(path, said, force=force)


def read_description(path: Path) -> Description:
    """Read what a tractogram says of its names, in it or beside it.

    Parameters
    ----------
    path : Path
        The tractogram.

    Returns
    -------
    Description
        Empty for files of other software.

    Raises
    ------
    ValueError
        If what it says is damaged.
    """
    in_file = path.suffix.lower() == ".trx"
    said = read_trx_header(path).get(HEADER_KEY, {}) if in_file else read_sidecar(path)
    try:
        return Description.from_dict(said)
    except ValueError as error:
        where = f"{HEADER_KEY} in the header" if in_file else sidecar_path(path).name
        raise ValueError(f"{path}: {where}: {error}") from error


def _is_ours(tractogram: Path) -> bool:
    """Whether there is a JSON file of a tractogram, of our own making."""
    try:
        return bool(read_sidecar(tractogram))
    except ValueError:
        return False


def _renamed(members: dict, names: Mapping[str, str]) -> dict:
    """Return members under their true names, but where another has that name."""
    renamed = {}
    for name, values in members.items():
        true = true_name(names.get(name, name))
        is_taken = true in renamed or (true != name and true in members)
        renamed[name if is_taken else true] = values
    return renamed


def _are_codes(values: np.ndarray, table: Mapping[int, str]) -> bool:
    """Whether values are one code of a table a streamline, or NaN."""
    values = np.asarray(values)
    if values.size != len(values):
        return False
    known = values[~np.isnan(values)]
    return bool(np.isin(known, np.array(list(table), dtype=np.float64)).all())
