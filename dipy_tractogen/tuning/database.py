"""The SQLite database of a search, which Optuna writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
import secrets
import sqlite3
from stat import S_ISREG
import time

from dipy_tractogen.utils.disk import WriteError

_SQLITE = b"SQLite format 3\0"
_OF_DISK = (
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY),
    *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY),
)
# Code in the database; that of a search has none.
_PROGRAMS = "SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')"
# Running trials without a heartbeat of a process.
_SILENT = """
SELECT count(*) FROM trials LEFT JOIN trial_heartbeats USING (trial_id)
WHERE state = 'RUNNING'
AND (heartbeat IS NULL OR heartbeat > datetime('now', '+1 hour'))
"""
_SECONDS_TO_SAY_SO = 2.0
# Suffixes of the files that SQLite writes beside a database.
_SUFFIXES = ("", "-journal", "-wal", "-shm")


def open_storage(path: Path, **options):
    """Open or make a database as ``optuna.storages.RDBStorage`` with the given options.

    Raises ValueError if the file is no database of a search.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import QueuePool

    class Storage(optuna.storages.RDBStorage):
        """Storage whose thread of heartbeats raises nothing: the search does."""

        def record_heartbeat(self, trial_id: int) -> None:
            """Record that a trial is running, from a thread of its own."""
            with suppress(SQLAlchemyError, optuna.exceptions.StorageInternalError):
                super().record_heartbeat(trial_id)

    if path.exists():
        check_database(path)
    try:
        return Storage(
            # Not a path in a URL, where % and ? have meanings.
            "sqlite://",
            engine_kwargs={
                "creator": lambda: sqlite3.connect(path, check_same_thread=False),
                "poolclass": QueuePool,
            },
            **options,
        )
    except RuntimeError as error:
        # A database of another version of Optuna.
        raise _unusable(path, str(error).splitlines()[0]) from error


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Name the file in errors of the body that come from the database.

    WriteError if the disk refuses, whatever Optuna makes of that; ValueError if the
    file is damaged, or no database of a search.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError, sqlite3.Error) as error:
        inner: BaseException = error
        while inner.__cause__ is not None:
            inner = inner.__cause__
        said = str(inner).splitlines()[0]
        # The upper bytes of the code distinguish kinds of one error.
        if getattr(inner, "sqlite_errorcode", 0) & 0xFF in _OF_DISK:
            raise WriteError(path, said) from error
        raise _unusable(path, said) from error


def _unusable(path: Path, said: str) -> ValueError:
    return ValueError(
        f"{path} cannot be used as the database of a search ({said}): give another "
        "--out_study."
    )


def check_database(path: Path) -> None:
    """Raise ValueError for a file that is no database of a search."""
    with path.open("rb") as stream:
        begins = stream.read(len(_SQLITE))
    if begins not in (b"", _SQLITE):
        raise ValueError(f"{path} is no SQLite database: give another.")
    try:
        # Opening for writing may change the file.
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
            programs = connection.execute(_PROGRAMS).fetchall()
    except sqlite3.OperationalError:
        # A killed process left a transaction, which cannot be rolled back read-only.
        return
    except sqlite3.DatabaseError as error:
        raise ValueError(f"{path} is no SQLite database: give another.") from error
    if programs or (tables and ("studies",) not in tables):
        raise ValueError(f"{path} is a database of something else: give another.")


def check_lock_name(path: Path) -> None:
    """Raise ValueError if a file of the user has the name of the lock of a database.

    Optuna makes an empty one, and removes it, also one that a process has left.
    """
    lock = path.with_name(f"{path.name}.lock")
    with suppress(FileNotFoundError):
        status = lock.lstat()
        if not S_ISREG(status.st_mode) or status.st_size:
            raise ValueError(
                f"{lock} has the name of the lock of {path.name}, and is none: give "
                "another --out_study, or move it away."
            )


def check_running(path: Path) -> None:
    """Raise ValueError for running trials without a process: they would never end."""
    for wait in (_SECONDS_TO_SAY_SO, 0.0):
        with closing(sqlite3.connect(path)) as connection:
            (silent,) = connection.execute(_SILENT).fetchone()
        if not silent:
            return
        # A process that has just begun sends its heartbeat in a moment.
        time.sleep(wait)
    raise ValueError(f"{silent} trials are under way, and no process is at work")


@contextmanager
def new_database(path: Path) -> Iterator[None]:
    """Move an old search aside, and bring it back if the new one fails.

    A search that fails is kept where trials were begun: it can be continued. Raises
    ValueError if there is a file that is no database of a search.
    """
    if path.exists():
        check_database(path)
    token = secrets.token_hex(4)
    aside = path.with_name(f".{path.stem}-{token}{path.suffix}")
    _move(path, aside)
    try:
        yield
    except BaseException:
        if not _is_begun(path):
            _move(aside, path)
        raise
    finally:
        _remove(aside)


def _is_begun(path: Path) -> bool:
    """Return whether a trial was begun, by this process or by others."""
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path)) as connection:
            states = "SELECT 1 FROM trials WHERE state != 'WAITING'"
            return connection.execute(states).fetchone() is not None
    except sqlite3.DatabaseError:
        return False


def _move(path: Path, target: Path) -> None:
    """Move a database with all that SQLite keeps beside it; it replaces another."""
    _remove(target)
    for suffix in _SUFFIXES:
        file = path.with_name(f"{path.name}{suffix}")
        if file.exists() or file.is_symlink():
            file.rename(target.with_name(f"{target.name}{suffix}"))


def _remove(path: Path) -> None:
    for suffix in _SUFFIXES:
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
