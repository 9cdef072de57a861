import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import pytest

import dipy_tractogen
from dipy_tractogen.viz import Panel, RenderingUnavailable, display, offscreen
from dipy_tractogen.viz.cameras import VIEWS, frame_points
from dipy_tractogen.viz.layout import Cell

ROOT = Path(dipy_tractogen.__file__).parents[1]
LINE = np.linspace((0, 0, 0), (9, 9, 90), 20, dtype=np.float32)
PANELS = [Panel("up", LINE[None]), Panel("two", [LINE[::2], LINE[:7] + 1])]
COLOURS = [np.tile([1.0, 0, 0], (20, 1)), np.array([[0, 1.0, 0], [0, 0, 1.0]])]
CELLS = [
    Cell(index, frame_points(LINE, VIEWS[view]), 0, 0, 40 + index, 60)
    for index in (0, 1)
    for view in ("left", "front", "left")
]

SLEEP = """
import os, pathlib, time
pathlib.Path("pid").write_text(f"{os.getpid()}\\n")
time.sleep(60)
"""


def draw():
    return offscreen.render_cells(
        CELLS, PANELS, COLOURS, width=2.0, background=(0.0, 0.0, 0.0)
    )


@pytest.fixture(autouse=True)
def _in_a_process_of_its_own(monkeypatch):
    """As elsewhere in the tests it is the copy of one."""
    run_program = offscreen.run_program.__wrapped__
    monkeypatch.setattr(offscreen, "run_program", run_program)


@pytest.fixture
def program(monkeypatch, tmp_path):
    """Put other code in the place of the program that draws."""
    monkeypatch.setattr(display, "_why_not", lambda: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def replace(code):
        monkeypatch.setattr(offscreen, "_PROGRAM", (sys.executable, "-c", code))

    yield replace
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("rendering")
def test_an_image_for_each_cell():
    images = draw()
    assert [image.shape for image in images] == [(60, 40, 3)] * 3 + [(60, 41, 3)] * 3
    seen = [image.reshape(-1, 3).max(axis=0) > 100 for image in images]
    np.testing.assert_array_equal(seen, [[1, 0, 0]] * 3 + [[0, 1, 1]] * 3)
    for image in images:
        np.testing.assert_array_equal(image[0, 0], 0)
    # What is drawn twice is the same.
    np.testing.assert_array_equal(images[0], images[2])
    np.testing.assert_array_equal(images[3], images[5])


def test_without_a_display_no_process_is_started(monkeypatch):
    monkeypatch.setattr(display, "_why_not", lambda: "no display")
    monkeypatch.setattr(offscreen, "_PROGRAM", ("/missing",))
    with pytest.raises(RenderingUnavailable, match="no display"):
        draw()


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        ("import os; os.abort()", "was ended by SIGABRT. "),
        ("import os; print('a\\nb'); os.kill(os.getpid(), 9)", "ended by SIGKILL. "),
        ("raise OSError('no\\nspace')", r"ended with code 1 \(space\)\. "),
        ("raise SystemExit('0.7s a.cxx:4 ERR| no server')", r"\(no server\)\. "),
    ],
)
def test_a_lost_process_is_one_line(code, ending, program):
    program(code)
    with pytest.raises(RenderingUnavailable, match=ending) as caught:
        draw()
    assert "\n" not in str(caught.value)


def test_a_process_that_hangs_is_ended(program, monkeypatch):
    program("import time; time.sleep(60)")
    monkeypatch.setattr(offscreen, "SECONDS_PER_SCENE", 0.1)
    with pytest.raises(RenderingUnavailable, match=r"has not ended after 0\.6 s"):
        draw()


def test_modules_come_from_where_they_do_here(program, monkeypatch, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('a file of the user')")
    program("import json, dipy_tractogen; raise SystemExit(dipy_tractogen.__file__)")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RenderingUnavailable) as caught:
        draw()
    assert f"({dipy_tractogen.__file__})" in str(caught.value)
    (tmp_path / "json.py").unlink()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_ends_the_process_that_draws(tmp_path):
    code = (
        "from pathlib import Path; from dipy_tractogen.viz import offscreen\n"
        # A shell's background process is started without it.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"program = ({sys.executable!r}, '-c', {SLEEP!r})\n"
        f"offscreen.run_program(program, Path({str(tmp_path)!r}), 60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as process:
        pid = int(waited_for(tmp_path / "pid"))
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate(timeout=10)[1]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def waited_for(path):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if path.exists() and (text := path.read_text(encoding="utf-8")).endswith("\n"):
            return text
        time.sleep(0.02)
    pytest.fail(f"{path} is not written")
