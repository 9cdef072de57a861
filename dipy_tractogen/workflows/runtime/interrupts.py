"""Interrupts of a command: SIGINT, and SIGTERM, by which a cluster ends a job.

Nothing that is half written stays behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import os
import signal
import sys
import threading
import time

INTERRUPTED = 130
"""Exit code of a command that was interrupted."""

LINE = b"ERROR: Interrupted.\n"
"""What an interrupted process writes where it can log no more."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Who asks again after so long does not want to wait for what is cleaned up.
_SECONDS_TO_CLEAN_UP = 10.0
_NB_TO_INSIST = 3
_SECONDS_TO_LEAVE = 0.01


class Interrupts:
    """Interrupts of this process: the first raises KeyboardInterrupt, once.

    Others are ignored while the run is cleaned up. Libraries may swallow an exception,
    or make another of it, so `seen` remembers.

    Attributes
    ----------
    reason : str
        Why another process has this one interrupted; empty otherwise.
    """

    reason = ""

    def __init__(self):
        self._times: list[float] = []
        self._is_held = False

    @property
    def seen(self) -> bool:
        """Whether there was one."""
        return bool(self._times)

    def end_at_once(self) -> None:
        """End the process at an interrupt, as long as nothing has begun."""
        self._handle(lambda *_: _end())

    def raise_once(self) -> None:
        """Raise KeyboardInterrupt at an interrupt."""
        self._handle(self._interrupt)
        sys.unraisablehook = self._ask_again

    def ignore(self) -> None:
        """Ignore interrupts: the work is done, and Python only has to end."""
        self._handle(signal.SIG_IGN)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Raise an interrupt of the body at its end; for what is short, and whole."""
        if threading.current_thread() is not threading.main_thread():
            # Python raises interrupts in the main thread alone.
            yield
            return
        nb_before = len(self._times)
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
            if len(self._times) > nb_before:
                raise KeyboardInterrupt

    def _handle(self, handler) -> None:
        for number in _SIGNALS:
            # As for a job in the background, or under nohup.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, handler)

    def _interrupt(self, *_) -> None:
        self._times.append(time.monotonic())
        waited = self._times[-1] - self._times[0]
        if len(self._times) >= _NB_TO_INSIST and waited > _SECONDS_TO_CLEAN_UP:
            _end()
        if not (self._is_held or _is_handling_interrupt()):
            raise KeyboardInterrupt

    def _ask_again(self, unraisable) -> None:
        """Repeat an interrupt that came where Python can raise nothing."""
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            # Not here: what a hook raises is lost as well.
            again = threading.Timer(
                _SECONDS_TO_LEAVE, os.kill, (os.getpid(), signal.SIGINT)
            )
            again.daemon = True
            again.start()
        else:
            sys.__unraisablehook__(unraisable)


INTERRUPTS = Interrupts()


def _is_handling_interrupt() -> bool:
    """Return whether the code that runs handles an interrupt."""
    error = sys.exception()
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _end() -> None:
    os.write(2, LINE)
    os._exit(INTERRUPTED)
