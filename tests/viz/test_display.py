import os
from pathlib import Path
import subprocess
import sys
import time

import pytest

from dipy_tractogen.viz import display

ROOT = Path(display.__file__).parents[2]


@pytest.fixture(autouse=True)
def fresh_answer():
    display._why_not.cache_clear()
    yield
    display._why_not.cache_clear()


def test_rendering_unavailable_is_what_the_command_line_catches():
    assert issubclass(display.RenderingUnavailable, OSError)


def test_missing_fury_says_what_to_install(monkeypatch):
    monkeypatch.setattr(
        display, "find_spec", lambda name: None if name == "fury" else object()
    )
    with pytest.raises(display.RenderingUnavailable, match="pip install 'fury"):
        display.require_rendering()
    assert not display.can_render()


@pytest.mark.parametrize("given", ["", ":4242"])
def test_no_display_and_no_xvfb_names_the_packages(monkeypatch, given):
    monkeypatch.setenv("DISPLAY", given)
    monkeypatch.setattr(display, "find_spec", lambda name: object())
    monkeypatch.setattr(display.shutil, "which", lambda name: None)
    monkeypatch.setattr(display, "_probe", lambda: "VTK aborts without one")
    with pytest.raises(display.RenderingUnavailable) as caught:
        display.require_rendering()
    message = str(caught.value)
    assert "apt-get install xvfb libgl1" in message
    assert "\n" not in message
    assert (":4242" in message) == bool(given)


def test_a_display_that_answers_is_taken(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":4242")
    monkeypatch.setattr(display, "find_spec", lambda name: object())
    monkeypatch.setattr(display, "_probe", lambda: None)
    monkeypatch.setattr(
        display, "_start_xvfb", lambda: pytest.fail("there is a display")
    )
    display.require_rendering()
    assert os.environ["DISPLAY"] == ":4242"


@pytest.mark.parametrize("before", [None, ":4242"])
def test_display_is_put_back_when_xvfb_does_not_help(monkeypatch, before):
    monkeypatch.delenv("DISPLAY", raising=False)
    if before:
        monkeypatch.setenv("DISPLAY", before)
    monkeypatch.setattr(display, "find_spec", lambda name: object())
    monkeypatch.setattr(display.shutil, "which", lambda name: "/usr/bin/Xvfb")
    monkeypatch.setattr(display, "_start_xvfb", lambda: ":4243")
    monkeypatch.setattr(display, "_probe", lambda: "the window stayed black")
    with pytest.raises(display.RenderingUnavailable, match="stayed black"):
        display.require_rendering()
    assert os.environ.get("DISPLAY") == before


def test_folder_that_xvfb_cannot_write_is_named(monkeypatch, tmp_path):
    missing = str(tmp_path / "missing")
    monkeypatch.setenv("DISPLAY", "")
    monkeypatch.setattr(display, "XVFB_FOLDER", missing)
    monkeypatch.setattr(display, "find_spec", lambda name: object())
    monkeypatch.setattr(display.shutil, "which", lambda name: "/usr/bin/Xvfb")
    monkeypatch.setattr(display, "_start_xvfb", lambda: None)
    with pytest.raises(display.RenderingUnavailable) as caught:
        display.require_rendering()
    assert f"--tmpfs {missing}" in str(caught.value)
    assert "apt-get" not in str(caught.value)


def test_probe_survives_an_abort(monkeypatch):
    monkeypatch.setattr(display, "_PROBE", "import os; os.abort()")
    assert "aborts" in display._probe()


def test_probe_gives_the_last_line_of_an_error(monkeypatch):
    monkeypatch.setattr(display, "_PROBE", "raise ImportError('libGL.so.1')")
    assert display._probe() == "ImportError: libGL.so.1"


def test_probe_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(display, "_PROBE", "import time; time.sleep(60)")
    monkeypatch.setattr(display, "PROBE_SECONDS", 0.2)
    assert "no answer" in display._probe()


def test_an_xvfb_that_does_not_start_is_no_display(monkeypatch, tmp_path):
    broken = tmp_path / "Xvfb"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert display._start_xvfb() is None


def test_xvfb_ends_with_a_process_that_is_killed(tmp_path):
    server = tmp_path / "Xvfb"
    server.write_text(
        f"#!/bin/sh\necho $$ > {tmp_path}/pid\necho 4244\nexec sleep 60\n"
    )
    server.chmod(0o755)
    code = (
        "from dipy_tractogen.viz.display import _start_xvfb\n"
        "print(_start_xvfb(), flush=True)\n"
        "input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline().strip() == ":4244"
        pid = int((tmp_path / "pid").read_text(encoding="utf-8"))
        os.kill(pid, 0)
        process.kill()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail("the server is still there")
