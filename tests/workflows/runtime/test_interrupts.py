"""The first interrupt is raised, others wait."""

import signal
import sys
import threading
import time

import pytest

from dipy_tractogen.workflows.runtime import interrupts as module
from dipy_tractogen.workflows.runtime.interrupts import Interrupts


@pytest.fixture
def interrupts():
    """Interrupts that raise; those of pytest are put back."""
    before = {each: signal.getsignal(each) for each in module._SIGNALS}
    hook, found = sys.unraisablehook, Interrupts()
    found.raise_once()
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)
    sys.unraisablehook = hook


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_raises_and_others_wait_for_what_is_cleaned_up(interrupts, number):
    cleaned = []

    def work():
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)
            try:
                raise OSError
            except OSError:
                signal.raise_signal(number)
            cleaned.append(True)

    assert not interrupts.seen
    with pytest.raises(KeyboardInterrupt):
        work()
    assert cleaned == [True]
    assert interrupts.seen


def test_one_that_was_swallowed_can_be_repeated(interrupts):
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_who_insists_is_let_go(interrupts, monkeypatch):
    ended = []
    monkeypatch.setattr(module, "_end", lambda: ended.append(True))
    monkeypatch.setattr(module.time, "monotonic", iter([0, 5, 9, 11]).__next__)

    def work():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            assert not ended
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert ended == [True]


def test_one_that_came_where_nothing_can_be_raised_is_repeated(interrupts):
    class Collected:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    def let_go():
        one = Collected()
        del one
        time.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        let_go()


@pytest.mark.parametrize("error", [None, ValueError])
def test_what_is_short_ends_before_an_interrupt(interrupts, error):
    done = []

    def work():
        with interrupts.held():
            signal.raise_signal(signal.SIGTERM)
            done.append(interrupts.seen)
            if error is not None:
                raise error

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [True]
    # It is as before, and without an interrupt nothing is raised.
    with interrupts.held():
        done.append(True)
    other = threading.Thread(target=interrupts.held().__enter__)
    other.start()
    other.join()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_signal_that_is_ignored_stays_so(monkeypatch):
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_IGN)
    monkeypatch.setattr(signal, "signal", pytest.fail)
    Interrupts().end_at_once()
