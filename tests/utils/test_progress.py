import logging

import pytest

from dipy_tractogen.utils import progress as module
from dipy_tractogen.utils.progress import (
    Progress,
    active_progress,
    advance,
    format_duration,
    track_progress,
)


@pytest.fixture
def clock(monkeypatch, caplog):
    """A clock that is set by hand; messages are kept."""
    caplog.set_level(logging.INFO, "dipy_tractogen")
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def go_on(seconds):
        now[0] += seconds

    return go_on


def test_lines_are_written_now_and_then_where_there_is_no_bar(clock, caplog, capsys):
    with Progress(100, "Measuring") as progress:
        for _ in range(10):
            clock(6)
            progress.advance(10)
    # At once, 24 and 48 s after that, and not at the end.
    assert caplog.messages == [
        "Measuring: 10 %, about 54 s left",
        "Measuring: 50 %, about 30 s left",
        "Measuring: 90 %, about 6 s left",
    ]
    assert capsys.readouterr().err == ""


def test_short_work_is_silent_and_long_work_not_talkative(clock, caplog):
    with Progress(5, "Measuring") as progress:
        for _ in range(5):
            clock(2)
            progress.advance()
    assert not caplog.messages
    with Progress(3600, "Measuring") as progress:
        for _ in range(3600):
            clock(1)
            progress.advance()
    assert 20 < len(caplog.messages) < 60
    assert caplog.messages[:2] == [
        "Measuring: 0 %, about 60 min left",
        "Measuring: 1 %, about 60 min left",
    ]


def test_bar_takes_the_place_of_the_lines(clock, caplog, capsys):
    with Progress(10.0, "Measuring", show_bar=True) as progress:
        for _ in range(4):
            clock(30)
            progress.advance(4)
    assert "Measuring: 100%" in capsys.readouterr().err
    assert not caplog.messages


def test_what_was_done_before_does_not_count_in_the_time(clock, caplog):
    with Progress(100, "Trials", initial=50) as progress:
        clock(25)
        progress.advance(25)
    assert caplog.messages == ["Trials: 75 %, about 25 s left"]


def test_how_long_all_takes_is_said_after_a_second(clock, caplog):
    with Progress(100, "Measuring") as progress:
        for _ in range(8):
            clock(0.25)
            progress.advance()
    assert caplog.messages == ["Measuring: 4 %, about 24 s left"]


def test_what_is_not_timed_does_not_count_in_the_estimate(clock, caplog):
    with Progress(100, "Training") as progress:
        clock(30)
        progress.advance(2, timed=False)
        clock(2)
        progress.advance(2)
    assert caplog.messages == ["Training: 4 %, about 2 min left"]


def test_work_far_inside_is_counted(clock):
    advance(3)
    with Progress(10, "Outer") as progress, active_progress(progress):
        advance(2)
        advance()
    assert progress.done == 3
    advance(5)
    assert progress.done == 3


def test_items_are_followed(clock, caplog):
    for _ in track_progress(range(4), "Encoding"):
        clock(15)
    assert caplog.messages == [
        "Encoding: 25 %, about 45 s left",
        "Encoding: 75 %, about 15 s left",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.6, "5 s"), (100, "2 min"), (3600, "60 min"), (7810, "2 h 10 min")],
)
def test_durations_are_rough(seconds, text):
    assert format_duration(seconds) == text
