"""Messages of a command: to the user, into a file, and as notes of what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import logging

from .arguments import check_choice

LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")
"""Names of the levels, from the gravest."""

logger = logging.getLogger("dipy_tractogen")

_SHOWN = "%(levelname)s: %(message)s"
_FILED = "%(asctime)s %(levelname)s: %(message)s"


class Log:
    """Sends the messages of this package and of DIPY to the user, and to a file.

    Used in a ``with`` statement, which leaves the loggers as they were.

    Parameters
    ----------
    stream : file object
        Where the user reads.
    file : str, optional
        A file that messages are added to, with the time; none if empty.

    Raises
    ------
    OSError
        If the file cannot be written.
    """

    def __init__(self, stream, file: str = ""):
        self._shown = logging.StreamHandler(stream)
        self._shown.setFormatter(logging.Formatter(_SHOWN))
        self._handlers: list[logging.Handler] = [self._shown]
        self._targets = [logger, logging.getLogger("dipy")]
        self._before = [(target.handlers[:], target.level) for target in self._targets]
        if file:
            self._handlers.append(logging.FileHandler(file, encoding="utf-8"))
            self._handlers[-1].setFormatter(logging.Formatter(_FILED))

    def set_level(self, level: str, *, quiet: bool = False) -> None:
        """Choose the messages.

        Parameters
        ----------
        level : str
            One of `LEVELS`: the least grave message that is written.
        quiet : bool, optional
            Show the user no messages below a warning; the file gets them.

        Raises
        ------
        ValueError
            If there is no such level.
        """
        check_choice("log_level", level, LEVELS)
        for handler in self._handlers:
            handler.setLevel(level)
        if quiet and level == "INFO":
            self._shown.setLevel("WARNING")
        # What is noted of a run does not depend on what is shown.
        logger.setLevel(min(getattr(logging, level), logging.WARNING))
        # DIPY's messages at INFO are about its insides; its warnings matter.
        inner = "WARNING" if level in ("INFO", "DEBUG") else level
        logging.getLogger("dipy").setLevel(inner)

    def file(self, message: str) -> None:
        """Write a message to the file alone, if there is one.

        Parameters
        ----------
        message : str
            The message.
        """
        for handler in self._handlers[1:]:
            record = (logger.name, logging.INFO, __file__, 0, message, (), None)
            handler.handle(logger.makeRecord(*record))

    def __enter__(self) -> Log:
        for target in self._targets:
            target.handlers[:] = self._handlers
        return self

    def __exit__(self, kind, error, trace) -> None:
        for target, (handlers, level) in zip(self._targets, self._before):
            target.handlers[:] = handlers
            target.setLevel(level)
        for handler in self._handlers:
            handler.close()


@contextmanager
def noted_warnings() -> Iterator[list[str]]:
    """Note what is warned of in the body, for the record of what it makes.

    Yields
    ------
    list of str
        Grows by the warnings of this package, in their order.
    """
    notes: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: notes.append(record.getMessage())
    logger.addHandler(handler)
    try:
        yield notes
    finally:
        logger.removeHandler(handler)
