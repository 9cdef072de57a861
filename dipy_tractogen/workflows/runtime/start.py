"""Where every console script begins, and how it ends when it is interrupted.

What ends a job on a cluster, SIGTERM, is taken for an interrupt, so that nothing that
is half written stays behind. Nothing is imported here that takes time: an interrupt
while libraries are imported is one line, too.
"""

from __future__ import annotations

from contextlib import suppress
import gc
from importlib.machinery import ModuleSpec, PathFinder
import os
import signal
import sys
import threading
import time

INTERRUPTED = 130
"""Exit code of a command that was interrupted."""

_LINE = b"ERROR: Interrupted.\n"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Who asks again after so long does not want to wait for what is cleaned up.
_SECONDS_TO_CLEAN_UP = 10.0
_NB_TO_INSIST = 3
_SECONDS_TO_LEAVE = 0.01
# What Keras imports for wrappers and galleries that no command uses, and does without.
_NOT_FOR_KERAS = frozenset({"sklearn", "matplotlib"})
# Objects that are made, and collections of the youngest and of the younger ones, before
# the next collection.
_COLLECTED_AFTER = (50_000, 20, 100)


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
        if not _is_handling_interrupt():
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


class LeanKeras:
    """Finder and loader of modules that Keras goes without while it is imported itself.

    They take as long as a third of it. Who needs them imports them afterwards.
    """

    def find_spec(self, name, path=None, target=None) -> ModuleSpec | None:
        """Return a spec of these modules for Keras, as PyTorch asks for; else None."""
        keras = sys.modules.get("keras") if name in _NOT_FOR_KERAS else None
        if not getattr(getattr(keras, "__spec__", None), "_initializing", False):
            return None
        found = PathFinder.find_spec(name, path, target)
        if found is not None:
            found.loader = self
        return found

    def create_module(self, spec: ModuleSpec) -> None:
        """Let Python make the empty module."""

    def exec_module(self, module) -> None:
        """Raise ModuleNotFoundError, which Keras takes for a missing package."""
        raise ModuleNotFoundError(f"{module.__name__} is left out")


def run() -> None:
    """Run the command that the console script is named after, and end the process."""
    INTERRUPTS.end_at_once()
    sys.meta_path.insert(0, LeanKeras())
    # Of the many objects that imports and tracing make, nearly all stay.
    gc.set_threshold(*_COLLECTED_AFTER)
    from ..cli import load_flow, main

    command = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    with suppress(ValueError, ImportError):
        # Imports DIPY; whatever is wrong, the command says so.
        load_flow(command)
    INTERRUPTS.raise_once()
    try:
        code = main(command)
        INTERRUPTS.ignore()
    except (Exception, KeyboardInterrupt):
        if not INTERRUPTS.seen:
            raise
        INTERRUPTS.ignore()
        os.write(2, _LINE)
        code = INTERRUPTED
    sys.exit(code)


def _is_handling_interrupt() -> bool:
    """Return whether the code that runs handles an interrupt."""
    error = sys.exception()
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _end() -> None:
    os.write(2, _LINE)
    os._exit(INTERRUPTED)
