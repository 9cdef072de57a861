"""Test whether pictures can be rendered here, which VTK cannot tell.

Where no display answers, VTK 9.3 ends the whole process instead of raising an
exception. So another process tries first; where a display is missing, the X server Xvfb
(drawing into memory) is started, if it is installed.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
import logging
import os
import select
import shutil
import subprocess
import sys

logger = logging.getLogger("dipy_tractogen")

PROBE_SECONDS = 60
XVFB_SECONDS = 30
SYSTEM_PACKAGES = "xvfb libgl1 libxrender1"
# Where Xvfb keeps its lock and its socket, whatever TMPDIR says.
XVFB_FOLDER = "/tmp"

# One red window, read back. An abort must not leave a core file behind.
_PROBE = """
import contextlib
with contextlib.suppress(ImportError):
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
import vtkmodules.vtkRenderingOpenGL2
from vtkmodules.vtkRenderingCore import (
    vtkRenderer, vtkRenderWindow, vtkWindowToImageFilter)
renderer = vtkRenderer()
renderer.SetBackground(1, 0, 0)
window = vtkRenderWindow()
window.SetOffScreenRendering(1)
window.SetSize(16, 16)
window.AddRenderer(renderer)
window.Render()
image = vtkWindowToImageFilter()
image.SetInput(window)
image.Update()
red = image.GetOutput().GetScalarComponentAsDouble(8, 8, 0, 0)
window.Finalize()
raise SystemExit(0 if red == 255 else "the window stayed black")
"""

# The shell waits on a pipe that only this process holds open, and then ends the server:
# none is left behind, not even where this process is killed. A server that resets when
# its last client ends would lose the next one, if that comes at once.
_SERVER = """
exec 3<&0
{
    Xvfb -displayfd 1 -screen 0 1280x1024x24 -nolisten tcp -noreset 3<&- &
    server=$!
    exec 1>&-
    read -r _ <&3
    kill "$server"
    wait "$server"
} &
"""


# Displays of the Xvfb servers that were started here.
_STARTED: list[str] = []


class RenderingUnavailable(OSError):
    """Rendering is impossible or has failed; the message says what to do."""


def require_rendering() -> None:
    """Raise `RenderingUnavailable` if FURY cannot render here.

    The answer is found once for this process and those that it starts to draw. A
    display that is named in ``DISPLAY`` is taken if it answers; otherwise Xvfb is
    started and ``DISPLAY`` set to it until this process ends; otherwise VTK is tried
    without a display, as its builds for EGL and OSMesa, macOS and Windows need none.
    """
    reason = _why_not()
    if reason is not None:
        raise RenderingUnavailable(reason)


def can_render() -> bool:
    """Return whether FURY can render here."""
    return _why_not() is None


def require_screen() -> None:
    """Raise `RenderingUnavailable` if no window can be opened on a screen."""
    display = os.environ.get("DISPLAY", "")
    if sys.platform == "linux" and display in ("", *_STARTED):
        raise RenderingUnavailable(
            "There is no display to open a window on: log in with one (ssh -X) and set "
            "DISPLAY, or draw a picture, which needs none."
        )
    require_rendering()


@cache
def _why_not() -> str | None:
    missing = [name for name in ("fury", "vtkmodules") if find_spec(name) is None]
    if missing:
        return (
            f"Rendering needs FURY, which is not installed for Python "
            f"{sys.version_info.major}.{sys.version_info.minor}: pip install "
            "'fury>=0.12,<1' (on Python 3.12 or older: it needs VTK < 9.4, which has "
            "no build for a newer one)."
        )
    given = os.environ.get("DISPLAY", "")
    problem = _probe() if given else None
    if given and problem is None:
        return None
    if shutil.which("Xvfb"):
        problem = _render_on_xvfb()
        if problem is None:
            logger.info(
                "Rendering without a screen, on Xvfb %s.", os.environ["DISPLAY"]
            )
    elif not given:
        problem = _probe()
    if problem is None:
        return None
    lack = f"display {given} does not answer" if given else "there is no display"
    xvfb = "Xvfb cannot render" if shutil.which("Xvfb") else "Xvfb is not installed"
    remedy = f"Install what is missing with: apt-get install {SYSTEM_PACKAGES}"
    if shutil.which("Xvfb") and not os.access(XVFB_FOLDER, os.W_OK):
        problem = f"{XVFB_FOLDER} cannot be written"
        remedy = f"It needs that folder; in a container: --tmpfs {XVFB_FOLDER}"
    return f"Rendering is not possible: {lack} and {xvfb} ({problem}). {remedy}"


def _probe() -> str | None:
    """Render in another process, and return what went wrong or None."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {PROBE_SECONDS} s"
    if done.returncode == 0:
        return None
    if done.returncode < 0:
        return "VTK aborts without one"
    lines = done.stderr.strip().splitlines()
    return lines[-1].strip() if lines else f"VTK ends with code {done.returncode}"


def _render_on_xvfb() -> str | None:
    """Start Xvfb and probe it; leave ``DISPLAY`` as it was where that fails."""
    before = os.environ.get("DISPLAY")
    display = _start_xvfb()
    if display is None:
        return "it does not start"
    os.environ["DISPLAY"] = display
    problem = _probe()
    if problem is None:
        _STARTED.append(display)
        return None
    if before is None:
        del os.environ["DISPLAY"]
    else:
        os.environ["DISPLAY"] = before
    return problem


def _start_xvfb() -> str | None:
    """Start Xvfb on a free display, ended with this process, and return its name."""
    # The write end is closed by the system when this process ends.
    watched, _ = os.pipe()
    # A session of its own: an interrupt from the keyboard must not reach the server
    # before our own windows are closed.
    shell = subprocess.Popen(
        ["sh", "-c", _SERVER],
        stdin=watched,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(watched)
    shell.wait()
    with shell.stdout as answers:
        ready, _, _ = select.select([answers], [], [], XVFB_SECONDS)
        number = answers.readline().decode().strip() if ready else ""
    return f":{number}" if number.isdigit() else None
