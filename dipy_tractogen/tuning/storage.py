"""Where the trials of a search are kept: in a journal, or on a database server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
import time
import warnings

import optuna
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.trial import TrialState

from dipy_tractogen.utils.messages import reason, without_passwords
from dipy_tractogen.utils.schema import file_errors

from .journal import JournalFile, check_journal

# Of another process, without which it is taken to be dead.
SECONDS_OF_SILENCE = 60
_SECONDS_BETWEEN_SIGNS = 15
_SIGN = "sign_of_life"
# Two processes that make the tables of a new database at once: one of them fails.
_NB_OPENINGS = 5
# Errors of Optuna for what it did not write, beside ValueError.
_DAMAGE = (LookupError, TypeError, AttributeError, AssertionError, RecursionError)
_EXTRAS = {"postgresql": "postgresql"}


class _Watched(BaseHeartbeat):
    """Storage in which running trials give signs of life.

    Optuna has that for databases, by the clock of the server. Here a trial is dead when
    its last sign has not changed for a while by the clock of whoever watches, so that
    the clocks of the machines do not matter, nor does a process that died before its
    first sign.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._seen: dict[int, tuple[float | None, float]] = {}

    def record_heartbeat(self, trial_id: int) -> None:
        """Give a sign of life, from a thread of its own."""
        # The search itself says what is wrong with the storage.
        with suppress(Exception):
            self.set_trial_system_attr(trial_id, _SIGN, time.time())

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        now = time.monotonic()
        running = self.get_all_trials(
            study_id, deepcopy=False, states=(TrialState.RUNNING,)
        )
        signs = {one._trial_id: one.system_attrs.get(_SIGN) for one in running}
        since = {
            key: self._seen[key][1] if self._seen.get(key, ())[:1] == (sign,) else now
            for key, sign in signs.items()
        }
        self._seen = {key: (sign, since[key]) for key, sign in signs.items()}
        return [key for key in signs if now - since[key] > SECONDS_OF_SILENCE]

    def get_heartbeat_interval(self) -> int:
        """Return the seconds between two signs of life."""
        return _SECONDS_BETWEEN_SIGNS

    def get_heartbeat_stale_trial_callback(self) -> None:
        """Return None: the search enqueues what is missing itself."""

    # The name in Optuna before 4.9.
    get_failed_trial_callback = get_heartbeat_stale_trial_callback


class _Journal(_Watched, JournalStorage):
    """A journal in a file."""


class _Server(_Watched, RDBStorage):
    """A database of a server."""


def is_address(place: str | Path) -> bool:
    """Return whether a place is the address of a database, and no file."""
    return isinstance(place, str) and "://" in place


def open_storage(place: str | Path):
    """Open or make the storage of searches.

    Parameters
    ----------
    place : str or Path
        The file of a journal, or the address of a database.

    Returns
    -------
    optuna.storages.BaseStorage
        The storage.

    Raises
    ------
    ValueError
        If the file is no journal, or the database cannot be used.
    ImportError
        If what connects to such a database is not installed.
    """
    if is_address(place):
        with named_errors(place):
            return _open_server(place)
    path = Path(place)
    if path.exists():
        check_journal(path)
    file = JournalFile(path)
    with read_errors(path):
        return _Journal(file)


def _open_server(address: str):
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    kind = check_address(address)
    for opening in range(_NB_OPENINGS):
        try:
            return _Server(
                # Optuna fills in what is in braces.
                address.replace("{", "{{").replace("}", "}}"),
                # A connection may have been lost in the hours of a trial.
                engine_kwargs={"pool_pre_ping": True},
            )
        except (IntegrityError, ProgrammingError):
            if opening + 1 == _NB_OPENINGS:
                raise
            time.sleep(0.2 * (opening + 1))
        except ImportError as error:
            extra = _EXTRAS.get(kind)
            how = f'pip install "dipy_tractogen[{extra}]"' if extra else "install it"
            said = reason(error.__cause__ or error)
            raise ImportError(
                f"{without_passwords(address)} needs a driver ({said}): {how}."
            ) from error
        except RuntimeError as error:
            # A database of another version of Optuna.
            raise _unusable(address, reason(error)) from error


def check_address(address: str) -> str:
    """Return the kind of the database that an address is of, such as "postgresql".

    Raises ValueError for what is no address, or that of a database that cannot be
    shared.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    given = without_passwords(address)
    try:
        url = make_url(address)
        url.get_dialect()
    except (ArgumentError, ValueError) as error:
        raise ValueError(
            f"storage={given!r}: give the address of a database, such as "
            "postgresql://user@host/name."
        ) from error
    if url.get_backend_name() == "sqlite":
        raise ValueError(
            f"storage={given!r}: several processes cannot share SQLite; without this "
            "option the search is a file that they can share."
        )
    return url.get_backend_name()


@contextmanager
def named_errors(place: str | Path) -> Iterator[None]:
    """Name the database in errors of the body that come from it, as ValueError."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        inner: BaseException = error
        while inner.__cause__ is not None:
            inner = inner.__cause__
        raise _unusable(str(place), reason(inner)) from error


@contextmanager
def read_errors(place: str | Path) -> Iterator[None]:
    """Name file or database where the body finds what no search has written."""
    shown = without_passwords(str(place))
    with named_errors(place), file_errors(shown, "a search", *_DAMAGE):
        yield


def _unusable(address: str, said: str) -> ValueError:
    from sqlalchemy.engine import make_url

    with suppress(Exception):
        said = said.replace(make_url(address).password or "\0", "***")
    return ValueError(
        f"{without_passwords(address)} cannot be used ({said}): give the address of a "
        "database that is at work and that you may write."
    )


def delete_search(place: str, name: str) -> None:
    """Remove a search from a database, if it is there."""
    with named_errors(place), quietly(), suppress(KeyError):
        optuna.delete_study(study_name=name, storage=open_storage(place))


@contextmanager
def quietly() -> Iterator[None]:
    """Leave out Optuna's messages on its progress and on what is experimental."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)
