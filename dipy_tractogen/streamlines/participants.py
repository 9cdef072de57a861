"""Participants table of a BIDS dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
import math
import os
from pathlib import Path
import re

import numpy as np

from dipy_tractogen.utils.messages import listed, normalized_name, read_error
from dipy_tractogen.utils.schema import read_companion

_SUBJECT = re.compile(r"(?:^|_)(sub-[0-9A-Za-z+]+)(?=[_.]|$)")
_ID, _SESSION_ID = "participant_id", "session_id"
_ROW = {_ID: "subject", _SESSION_ID: "session"}
_MISSING = ("", "n/a", "nan")


def subject_of(path: str | os.PathLike) -> str | None:
    """Return the subject of a file by the BIDS entity, such as "sub-001", or None.

    It is that of the file's name, or else of its nearest folder that has one.
    """
    path = Path(path).absolute()
    for name in (path.name, *(folder.name for folder in path.parents)):
        found = _SUBJECT.search(name)
        if found:
            return found.group(1)
    return None


def subjects_of(files: Sequence[str | os.PathLike]) -> np.ndarray | None:
    """Return the subject of each of n files, (n,), whole numbers from 0.

    None where a file tells no subject, or all are of one.
    """
    names = [subject_of(file) for file in files]
    if None in names or len(set(names)) < 2:
        return None
    return np.unique(names, return_inverse=True)[1]


@dataclass(frozen=True, eq=False)
class Participants:
    """A table of subjects, as in the ``participants.tsv`` of BIDS.

    Parameters
    ----------
    path : Path
        The file that it was read from.
    columns : tuple of str
        Names of the columns, but for ``participant_id``.
    rows : dict of str to dict of str to (str or None)
        Text by column, by subject; None where it is missing. Names of subjects begin
        with ``sub-``.
    units : dict of str to str
        Units of the columns that have some.
    """

    path: Path
    columns: tuple[str, ...]
    rows: dict[str, dict[str, str | None]]
    units: dict[str, str] = field(default_factory=dict)

    def text(self, subject: str, column: str) -> str | None:
        """Return what the table says of a subject; None where a value is missing."""
        return self.rows.get(subject, {}).get(column)

    def number(self, subject: str, column: str) -> float | None:
        """Return `text` as a number, or None; ValueError if it is no finite number."""
        text = self.text(subject, column)
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            number = math.inf
        if math.isinf(number):
            raise ValueError(
                f"{self.path}: the {column} of {subject} is {text!r}, which is no "
                "finite number: mend it, write n/a, or give it as categorical"
            )
        return number


def read_participants(path: str | os.PathLike) -> Participants:
    """Read a table of subjects and, from the JSON beside it, the units.

    Parameters
    ----------
    path : str or Path
        A table as the ``participants.tsv`` of BIDS :footcite:p:`Gorgolewski2016`:
        UTF-8 text, separated by tabs, without quotes, with a column
        ``participant_id``. Empty fields, ``n/a`` and ``nan`` are missing values. A file
        of the same name that ends in ``.json`` may describe the columns; their
        ``Units`` are read.

    Returns
    -------
    Participants
        The table. ``sub-`` is put before the names of subjects that lack it.

    Raises
    ------
    OSError
        If the file is missing or cannot be opened.
    ValueError
        If the file is empty or no such table, a row has more or fewer fields than the
        header, or a column or subject comes twice.

    References
    ----------
    .. footbibliography::
    """
    path = Path(path)
    columns, rows = _read_rows(path, _ID, "sub-")
    return Participants(path, columns, rows, _units(path, columns))


def read_sessions(
    participants: str | os.PathLike, subject: str
) -> dict[str, dict[str, str | None]]:
    """Read the table of the sessions of a subject, if there is one.

    Parameters
    ----------
    participants : str or Path
        Table of the subjects, beside which a folder ``sub-01`` may hold a
        ``sub-01_sessions.tsv`` with a column ``session_id``, as in BIDS.
    subject : str
        Name of the subject, such as ``"sub-01"``.

    Returns
    -------
    dict of str to dict of str to (str or None)
        Text by column, by session such as ``"ses-1"``; empty without a table.

    Raises
    ------
    ValueError
        If it is no such table.
    """
    path = Path(participants).parent / subject / f"{subject}_sessions.tsv"
    if not path.is_file():
        return {}
    return _read_rows(path, _SESSION_ID, "ses-")[1]


def session_rows(table: Participants, subject: str) -> dict[str, dict[str, str | None]]:
    """Return what tables say of a subject in each of its sessions.

    Parameters
    ----------
    table : Participants
        Table of the subjects.
    subject : str
        Name of the subject, such as ``"sub-01"``.

    Returns
    -------
    dict of str to dict of str to (str or None)
        Text by column, by session; what `read_sessions` finds comes before the row of
        the subject. Without a table of sessions there is one, ``""``.

    Raises
    ------
    ValueError
        If the table of the sessions is no such table.
    """
    own = table.rows.get(subject, {})
    sessions = read_sessions(table.path, subject) or {"": {}}
    told = {
        name: {key: text for key, text in row.items() if text is not None}
        for name, row in sessions.items()
    }
    return {name: {**own, **row} for name, row in told.items()}


def _read_rows(
    path: Path, id_column: str, prefix: str
) -> tuple[tuple[str, ...], dict[str, dict[str, str | None]]]:
    """Read a table; return its columns but for that of names, and rows by name."""
    # BIDS has no quotes around fields: a quote is a character like others.
    lines = (
        [normalized_name(field.strip()) for field in line.split("\t")]
        for line in re.split("\r\n?|\n", _text_of(path))
    )
    table = [(number, fields) for number, fields in enumerate(lines, 1) if any(fields)]
    if not table:
        raise ValueError(f"{path} is empty: give a table with a column {id_column}")
    (_, header), *rows = table
    _check_header(path, header, id_column)
    if not rows:
        raise ValueError(
            f"{path} has a header and no rows: give a row a {_ROW[id_column]}"
        )
    columns = tuple(name for name in header if name != id_column)
    return columns, _rows(path, header, rows, id_column, prefix)


def _text_of(path: Path) -> str:
    """Read a file of text."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise read_error(path, error) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{path}, line {line}: the text is not UTF-8, as in BIDS: save the table "
            "as UTF-8"
        ) from error


def _check_header(path: Path, header: list[str], id_column: str) -> None:
    """Raise ValueError for a header with equal columns, or without names of rows."""
    if id_column not in header:
        raise ValueError(
            f"{path} has no column {id_column}: its columns, which have to be "
            f"separated by tabs and stand without quotes, are {listed(header)}"
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise ValueError(
            f"{path} has several columns {listed(twice)}: give each its own name"
        )


def _rows(
    path: Path,
    header: list[str],
    rows: list[tuple[int, list[str]]],
    id_column: str,
    prefix: str,
) -> dict[str, dict[str, str | None]]:
    """Return the rows of a table by subject or session."""
    by_name: dict[str, dict[str, str | None]] = {}
    for line, fields in rows:
        if len(fields) != len(header):
            raise ValueError(
                f"{path}, line {line}: {len(fields)} fields where the header has "
                f"{len(header)}: separate them by single tabs, n/a where one is missing"
            )
        row = {
            name: None if text.lower() in _MISSING else text
            for name, text in zip(header, fields)
        }
        name = row.pop(id_column)
        if name is None:
            raise ValueError(
                f"{path}, line {line}: the {id_column} is missing: name it"
            )
        name = f"{prefix}{name.removeprefix(prefix)}"
        if name in by_name:
            raise ValueError(
                f"{path}, line {line}: {name} comes twice: keep one row a "
                f"{_ROW[id_column]}"
            )
        by_name[name] = row
    return by_name


def _units(path: Path, columns: tuple[str, ...]) -> dict[str, str]:
    """Read the units of columns from the JSON beside a table, if there is one."""
    described = path.with_suffix(".json")
    if not described.is_file() or described == path:
        return {}
    entries = read_companion(described, path)
    if not isinstance(entries, dict):
        raise ValueError(
            f"{described}, which describes {path.name}, holds no entries by column: "
            "mend it or take it away"
        )
    units = {}
    for name in columns:
        entry = entries.get(name)
        unit = entry.get("Units") if isinstance(entry, dict) else None
        if isinstance(unit, str) and unit.strip():
            units[name] = unit.strip()
    return units
