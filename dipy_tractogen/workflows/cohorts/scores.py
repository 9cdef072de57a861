"""The scores of all subjects of a cohort in one table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
import csv
import os
from pathlib import Path

from dipy_tractogen.streamlines.bids.tree import Session, find_sessions
from dipy_tractogen.utils.tables import write_table

from .run import lock_of

_COLUMNS = ("participant_id", "session_id", "bundle", "of", "value")
_TOGETHER = ("z", "p", "q")
_LARGEST_RATE = 0.05
_NONE = "n/a"


def write_cohort_scores(path: Path, root: Path, ends: str, mark: Path) -> None:
    """Write what is unusual of each subject, a row a bundle and value.

    A row has the z, p and q of all nodes or measures together, and those of them whose
    false discovery rate, within the subject, is at most 5 %. A table that was begun
    after all scores were there is left as it is.

    Parameters
    ----------
    path : Path
        The table.
    root : Path
        Root of the outputs, with the scores of all subjects that are done.
    ends : str
        End of the names of the tables of ``dipy_score_subject``.
    mark : Path
        Mark of the run, from which the disk tells the time.
    """
    # Commands that share the work end one after another, each with all that is there.
    with lock_of(root, "scores", wait=True):
        os.utime(mark)
        began = mark.stat().st_mtime_ns
        tables = list(_tables(root, ends))
        if not tables or (path.exists() and not _is_any_newer(tables, path)):
            return
        columns = (*_COLUMNS, *_TOGETHER, "nb_unusual", "unusual")
        rows = (
            (session.subject, session.session or _NONE, *row)
            for session, table in tables
            for row in _rows(table)
        )
        write_table(path, columns, rows, force=True)
        # Scores that come to their place meanwhile are newer.
        os.utime(path, ns=(began, began))


def _tables(root: Path, ends: str) -> Iterator[tuple[Session, Path]]:
    """Yield the tables of scores by session, in their order."""
    with suppress(ValueError):
        for session in find_sessions(root):
            for table in sorted((root / session.folder / "dwi").glob(f"*_{ends}")):
                yield session, table


def _is_any_newer(tables: Iterable[tuple[Session, Path]], than: Path) -> bool:
    """Return whether scores came to their places at the time of a table, or since."""
    # They are written before: st_ctime is when they are renamed.
    time = than.stat().st_mtime_ns
    return any(table.stat().st_ctime_ns >= time for _, table in tables)


def _rows(table: Path) -> Iterator[tuple]:
    """Yield a row for each bundle and value of a subject."""
    with open(table, encoding="utf-8", newline="") as stream:
        found: dict[tuple, list[dict]] = {}
        for row in csv.DictReader(stream, delimiter="\t"):
            key = tuple(row[name] for name in _COLUMNS[2:])
            found.setdefault(key, []).append(row)
    for key, (together, *places) in found.items():
        unusual = list(_unusual(places))
        numbers = (together[name] for name in _TOGETHER)
        yield *key, *numbers, len(unusual), ", ".join(unusual) or _NONE


def _unusual(rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """Yield the places of rows with a small false discovery rate."""
    for row in rows:
        if row["q"] != _NONE and float(row["q"]) <= _LARGEST_RATE:
            yield row["place"]
