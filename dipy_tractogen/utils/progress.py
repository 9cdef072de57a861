"""Progress of long work: a bar, or a line that is logged now and then.

The first line comes after a second of work, with the time that the rest takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
import logging
import time
from typing import TypeVar

from tqdm.auto import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

Item = TypeVar("Item")

logger = logging.getLogger("dipy_tractogen")

EVERY_S = 20.0
"""Seconds between two lines where there is no bar, and more in long work."""

_OF_ELAPSED = 0.1
# The first line comes after so many seconds, if the whole work takes so much longer.
_SOON_S = 1.0
_LONG_S = 10.0

_running: ContextVar[Progress | None] = ContextVar("progress", default=None)


class Progress:
    """Progress of long work as a bar, or as a line that is logged now and then.

    Used in a ``with`` statement. `total` is in a unit of its own; `options` are those
    of tqdm: ``initial``, ``unit``, ...
    """

    def __init__(
        self, total: float, description: str, *, show_bar: bool = False, **options
    ):
        self.total = total
        self.description = description
        self.done = self._first = float(options.get("initial", 0))
        self._shows = show_bar
        self._options = options
        self._bar: tqdm | None = None
        self._redirected = logging_redirect_tqdm([logger] if show_bar else [])
        self._noted = ""
        self._began = self._said = 0.0
        self._is_announced = False

    def __enter__(self) -> Progress:
        self.start()
        return self

    def __exit__(self, kind, error, trace) -> None:
        if kind is None and self._bar is not None:
            # The total may have been an estimate.
            self._bar.update(max(self.total - self._bar.n, 0))
        self.close()

    def start(self) -> None:
        """Start without a ``with`` statement."""
        self._began = self._said = time.monotonic()
        self._redirected.__enter__()
        if self._shows:
            self._bar = tqdm(total=self.total, desc=self.description, **self._options)

    def close(self) -> None:
        """Stop, and leave a bar as it is."""
        if self._bar is not None:
            self._bar.close()
        self._redirected.__exit__(None, None, None)

    def note(self, values: dict[str, str]) -> None:
        """Show texts by name beside the progress from now on."""
        self._noted = "".join(f", {name} {text}" for name, text in values.items())
        if self._bar is not None:
            self._bar.set_postfix(values)

    def advance(self, amount: float = 1, *, timed: bool = True) -> None:
        """Count an amount of the total as done.

        If not `timed`, the time until now does not count for the estimate of the rest,
        as that of a compilation.
        """
        self.done += amount
        if self._bar is not None:
            # The total may have been estimated too low.
            self._bar.update(min(amount, max(self.total - self._bar.n, 0)))
            return
        now = time.monotonic()
        if not timed:
            self._began = self._said = now
            self._first = self.done
            return
        elapsed = now - self._began
        made = self.done - self._first
        left = elapsed * (self.total - self.done) / made if made > 0 else 0.0
        if self._is_announced or left < _LONG_S:
            pause = max(EVERY_S, _OF_ELAPSED * elapsed)
        else:
            pause = _SOON_S
        if now - self._said < pause or not 0 < self.done < self.total:
            return
        self._said, self._is_announced = now, True
        share = f"{100 * self.done / self.total:.0f} %"
        time_left = f", about {format_duration(left)} left" if made > 0 else ""
        logger.info("%s: %s%s%s", self.description, share, time_left, self._noted)


@contextmanager
def active_progress(progress: Progress) -> Iterator[None]:
    """Let `advance` count for a progress in the body and in what it calls."""
    token = _running.set(progress)
    try:
        yield
    finally:
        _running.reset(token)


def advance(amount: float = 1) -> None:
    """Count an amount as done of the work that `active_progress` shows, if any."""
    running = _running.get()
    if running is not None:
        running.advance(amount)


def track_progress(
    items: Iterable[Item],
    description: str,
    *,
    total: int | None = None,
    show_bar: bool = False,
    **options,
) -> Iterator[Item]:
    """Yield items and show how many are done; `total` is their length by default."""
    total = len(items) if total is None else total
    with Progress(total, description, show_bar=show_bar, **options) as progress:
        for item in items:
            yield item
            progress.advance()


def format_duration(seconds: float) -> str:
    """Return a time in words, such as "40 s", "3 min" or "2 h 10 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
