import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.viz import (
    Panel,
    RenderingUnavailable,
    display,
    interactive,
    offscreen,
)
from dipy_tractogen.viz.interactive import show_bundles
from dipy_tractogen.workflows.cli import main

LINES = np.cumsum(np.ones((5, 10, 3), dtype=np.float32), axis=1)
LINES[..., 0] += 3 * np.arange(5)[:, None]


@pytest.fixture
def screen(monkeypatch):
    """A display as that of a person."""
    if sys.platform != "linux" or not shutil.which("Xvfb"):
        pytest.skip("needs Xvfb")
    name = display._start_xvfb()
    monkeypatch.setenv("DISPLAY", name)
    return name


@pytest.mark.usefixtures("rendering")
def test_window_opens_and_closes(screen, ball):
    panels = [Panel("real", LINES), Panel("synthetic", LINES + 2)]
    began = time.monotonic()
    show_bundles(panels, mask=ball, seconds=0.5)
    assert time.monotonic() - began > 0.5


@pytest.mark.usefixtures("rendering")
def test_every_panel_of_the_window_has_lines_mask_and_title(ball, monkeypatch):
    """The window as it is made, drawn into an array in place of a screen."""
    images = []

    def draw(program, folder):
        code = (
            "import numpy as np\n"
            "from pathlib import Path\n"
            "from fury.window import snapshot\n"
            "from dipy_tractogen.viz import interactive, offscreen\n"
            "manager = interactive._window_of(offscreen.Scenes(Path.cwd()))\n"
            "manager.window.SetOffScreenRendering(1)\n"
            "manager.window.Render()\n"
            "image = snapshot(manager.scene, render_window=manager.window)\n"
            "np.save('window.npy', image[..., :3])\n"
            "manager.window.Finalize()\n"
        )
        offscreen.run_program([sys.executable, "-c", code], folder, 60)
        images.append(np.load(folder / "window.npy"))

    monkeypatch.setattr(interactive, "require_screen", lambda: None)
    monkeypatch.setattr(interactive, "run_program", draw)
    panels = [Panel("real", LINES), Panel("synthetic", LINES + 2)]
    show_bundles(panels, mask=ball)
    (image,) = images
    height, width = image.shape[:2]
    for half in (image[:, : width // 2], image[:, width // 2 :]):
        assert (np.ptp(half, axis=-1) > 60).sum() > 50
        # The ball, of which most is neither hidden by lines nor the background.
        white = (half == 255).all(axis=-1)
        middle = white[height // 2 - 60 : height // 2 + 60, 150:-150]
        assert middle.mean() < 0.1 < white.mean()
        title = half[-40:, :150]
        assert (title.max(axis=-1) < 128).sum() > 20


def test_nobody_sees_a_display_of_ours(monkeypatch):
    if sys.platform != "linux":
        pytest.skip("other systems have one always")
    monkeypatch.setattr(display, "_STARTED", [":77"])
    for name in ("", ":77"):
        monkeypatch.setenv("DISPLAY", name)
        with pytest.raises(RenderingUnavailable, match="no display to open a window"):
            show_bundles([Panel("one", LINES)])
    with pytest.raises(ValueError, match="no panel to show"):
        show_bundles([])


@pytest.mark.usefixtures("rendering")
def test_horizon_of_dipy_opens_what_is_written(model_file, tmp_path):
    """In a process of its own; without a header it takes streamlines for MNI's."""
    files = []
    for name in ("made.trx", "made.trk"):
        files.append(tmp_path / name)
        given = [str(model_file), "--nb_streamlines", "9", "--quiet"]
        given += ["--out_dir", str(tmp_path), "--out_tractogram", name, "--force"]
        assert main("dipy_generate_streamlines", given) == 0
    for name in ("made.tck", "made.vtk", "made.dpy"):
        files.append(tmp_path / name)
        save_bundles(files[-1], LINES, reference=Reference.covering(LINES))
    code = (
        "import sys\n"
        "from dipy.workflows.viz import HorizonFlow\n"
        "*files, out_dir = sys.argv[1:]\n"
        "for file in files:\n"
        "    flow = HorizonFlow()\n"
        "    name = file.rpartition('.')[2] + '.png'\n"
        "    flow.run([file], stealth=True, out_dir=out_dir, out_stealth_png=name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, files), str(tmp_path)],
        env={**os.environ, "TERM": "dumb"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for file in files:
        assert (tmp_path / f"{file.suffix[1:]}.png").stat().st_size > 1000
