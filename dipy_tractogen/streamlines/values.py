"""Values of streamlines besides their points, from files and a participants table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
import logging
import math
import os
from pathlib import Path

import numpy as np

from dipy_tractogen.utils.messages import format_count, listed

from .conditions import BUNDLE, COMPUTED, requested_name
from .formats.block_writers import BLOCK_WRITERS
from .formats.readers import TractogramContents, read_tractogram
from .naming import categories_of, column_of
from .participants import Participants, read_participants, subject_of

logger = logging.getLogger("dipy_tractogen")

SUBJECT = "subject"
"""The category that comes from the path of a file."""

FILE_NUMBER = "file number"
"""The number that says which file a streamline is from, in the order of their names."""

INDEX_IN_FILE = "index in file"
"""The number of a streamline in its file, from 0, those that are dropped included."""

WITHOUT_VALUE = "without a value of"
"""How the reason begins for which streamlines of unknown values are dropped."""


class ValueReader:
    """Finds values of the streamlines of files, as requested of `io.load_bundles`.

    They come from the participants table, by the subject in the path of the file, if it
    has a column of the name; otherwise from ``data_per_streamline``. "file number" and
    "index in file" are numbers that say where a streamline is from. "bundle" and the
    names of `conditions.COMPUTED`, known in other ways, are skipped.

    Attributes
    ----------
    units : dict of str to str
        Units of those numbers that come from the table and have one.
    """

    def __init__(
        self,
        files: list[Path],
        categorical: str | Iterable[str] = (),
        continuous: str | Iterable[str] = (),
        participants: Participants | str | os.PathLike | None = None,
    ):
        self._is_categorical = _kinds(_listed(categorical), _listed(continuous))
        if participants is not None and not isinstance(participants, Participants):
            participants = read_participants(participants)
        self._participants = participants
        columns = participants.columns if participants is not None else ()
        self._columns = [
            name for name in self._is_categorical if name in columns and name != SUBJECT
        ]
        self._of_subject = {file: self._subject_values(file) for file in files}
        self._files = files
        self.units = {
            name: participants.units[name]
            for name in self._columns
            if name in participants.units and not self._is_categorical[name]
        }

    def read(self, contents: TractogramContents, path: Path) -> dict[str, np.ndarray]:
        """Return the values of the streamlines of one file, (n,), by name.

        Text for categories, float64 for numbers; empty text and NaN where they are
        missing. Raises ValueError if a name is found nowhere, or the values make no
        sense.
        """
        n = len(contents.streamlines)
        known = {
            name: np.full(n, value) for name, value in self._of_subject[path].items()
        }
        known[FILE_NUMBER] = np.full(n, float(self._files.index(path)))
        known[INDEX_IN_FILE] = np.arange(n, dtype=float)
        return {
            name: known[name]
            if name in known
            else self._from_file(contents, name, path)
            for name in self._is_categorical
        }

    def _subject_values(self, file: Path) -> dict[str, str | float]:
        """Return the requested values of the subject of a file."""
        names = [*self._columns]
        if SUBJECT in self._is_categorical:
            names.append(SUBJECT)
        if not names:
            return {}
        subject = subject_of(file)
        if subject is None:
            raise ValueError(
                f"{file}: the {names[0]} of its streamlines is that of a subject, and "
                "neither its name nor its folders have a sub-<label>: name it as in "
                f"BIDS, such as sub-001_{file.name}"
            )
        if self._columns and subject not in self._participants.rows:
            logger.warning(
                "%s: %s is not in %s", file, subject, self._participants.path
            )
        values = {SUBJECT: subject} if SUBJECT in names else {}
        for name in self._columns:
            if self._is_categorical[name]:
                values[name] = self._participants.text(subject, name) or ""
            else:
                number = self._participants.number(subject, name)
                values[name] = math.nan if number is None else number
        return values

    def _from_file(
        self, contents: TractogramContents, name: str, path: Path
    ) -> np.ndarray:
        """Return values from ``data_per_streamline``."""
        data = contents.data_per_streamline
        if not len(contents.streamlines):  # such a file may keep no names
            return np.zeros(0, dtype=str if self._is_categorical[name] else float)
        if name not in data:
            raise ValueError(self._not_found(data, name, path))
        values = column_of(data, name, path)
        if np.isinf(values).any():
            raise ValueError(
                f"{path}: data_per_streamline {name!r} holds infinite values: write "
                "NaN where a value is not known"
            )
        if not self._is_categorical[name]:
            return values.astype(np.float64)
        known = ~np.isnan(values)
        labels, names = categories_of(values[known], contents.categories.get(name))
        codes = np.zeros(len(values), dtype=np.intp)
        codes[known] = labels + 1
        return np.array(["", *names])[codes]

    def _not_found(self, data: dict[str, np.ndarray], name: str, path: Path) -> str:
        """Return the message for a name that is in neither place."""
        has = listed(sorted(data))
        message = f"{path} has no data_per_streamline {name!r} (it has {has})"
        if self._participants is None:
            return (
                f"{message}: choose another, or give a table that has it "
                "(participants='FILE')"
            )
        columns = listed(self._participants.columns)
        return (
            f"{self._participants.path} has no column {name!r} (it has {columns}), and "
            f"{message}: choose one that is there"
        )


def missing_values(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return which streamlines (n,) lack a value of `ValueReader.read`, by reason."""
    return {
        f"{WITHOUT_VALUE} {name}": (
            given == "" if given.dtype.kind == "U" else np.isnan(given)
        )
        for name, given in values.items()
    }


def _listed(names: str | Iterable[str]) -> list[str]:
    """Return names, each once; one name may stand alone."""
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))


def _kinds(categorical: list[str], continuous: list[str]) -> dict[str, bool]:
    """Return by name whether values that are looked up are categories."""
    for name in categorical:
        if name in continuous:
            raise ValueError(
                f"{name} is given as categorical and as continuous: choose one"
            )
        if name in COMPUTED:
            raise ValueError(
                f"{name} is a number, computed from points: give it as one "
                f"(continuous={name!r})"
            )
    for name in (BUNDLE, SUBJECT):
        if name in continuous:
            raise ValueError(f"{name} is no number: give it as categorical")
    for name in (FILE_NUMBER, INDEX_IN_FILE):
        if name in categorical:
            raise ValueError(f"{name} is a number: give it as continuous")
    kinds = {**dict.fromkeys(categorical, True), **dict.fromkeys(continuous, False)}
    return {
        name: kind for name, kind in kinds.items() if name not in (BUNDLE, *COMPUTED)
    }


def requested_values(files: Sequence[Path], bundles) -> dict[str, np.ndarray]:
    """Return the numbers requested of generated streamlines, (n,); NaN if unknown.

    `files` are their tractograms, sorted; `bundles` is loaded with `FILE_NUMBER` and
    `INDEX_IN_FILE`. Values are those of ``asked_length`` and so on in the files.
    """
    requested: dict[str, np.ndarray] = {}
    for number, file in enumerate(files):
        stream = BLOCK_WRITERS.get(file.suffix.lower())
        if stream is None or not stream.keeps_data:
            continue
        data = read_tractogram(file).data_per_streamline
        rows = bundles.values[FILE_NUMBER] == number
        index = bundles.values[INDEX_IN_FILE][rows].astype(int)
        for name in COMPUTED:
            column = requested_name(name)
            if column in data:
                values = requested.setdefault(name, np.full(len(bundles), np.nan))
                values[rows] = column_of(data, column, file)[index]
    return requested


def select_known_categories(held_out, training):
    """Return the held-out bundles whose categories training bundles have as well."""
    known = np.ones(len(held_out), dtype=bool)
    for name, values in held_out.values.items():
        if values.dtype.kind == "U":
            known &= np.isin(values, training.values[name])
    if known.all():
        return held_out
    logger.warning(
        "Left out of those held out, as no training streamline has their categories: "
        "%s",
        format_count(int(np.sum(~known)), "streamline"),
    )
    return held_out.select(known)
