import os
from pathlib import Path
import subprocess
import sys

from matplotlib.image import imread
import numpy as np
import pytest

import dipy_tractogen
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.viz import can_render, display
from dipy_tractogen.workflows.cli import main
from dipy_tractogen.workflows.render import RenderBundlesFlow

COMMAND = "dipy_render_bundles"


@pytest.fixture
def rendering():
    if not can_render():
        pytest.skip("rendering needs FURY and a display or Xvfb")


@pytest.fixture
def valued_file(tmp_path, phantom):
    path = tmp_path / "reconstructed.trx"
    save_bundles(
        path,
        phantom.streamlines,
        reference=phantom.reference,
        labels=phantom.labels,
        bundle_names=phantom.bundle_names,
        data_per_streamline={"error_mm": np.linspace(0, 2, len(phantom))},
    )
    return path


@pytest.fixture
def drawn(monkeypatch):
    """What reaches the renderer, without rendering."""
    from dipy_tractogen.viz import figures

    calls = []

    def note(panels, path, **options):
        calls.append((panels, options))
        Path(path).write_bytes(b"png")

    monkeypatch.setattr(display, "_why_not", lambda: None)
    monkeypatch.setattr(figures, "render_bundles", note)
    return calls


@pytest.fixture
def grids(monkeypatch):
    """The grids that reach the renderer, without rendering."""
    from dipy_tractogen.viz import grid

    calls = []

    def note(rows, path, **options):
        calls.append((rows, options))
        Path(path).write_bytes(b"png")

    monkeypatch.setattr(display, "_why_not", lambda: None)
    monkeypatch.setattr(grid, "plot_grid", note)
    return calls


def run(*arguments):
    return main(COMMAND, [str(argument) for argument in arguments])


@pytest.mark.usefixtures("rendering")
def test_two_tractograms_side_by_side(bundle_files, valued_file, tmp_path):
    options = ["--compare_with", valued_file, "--view", "top", "--size", 500, 400]
    assert (
        run(*bundle_files, *options, "--out_dir", tmp_path, "--out_png", "a.png") == 0
    )
    image = imread(tmp_path / "a.png")
    assert image.shape[:2] == (400, 500)
    for half in (image[60:340, :250, :3], image[60:340, 250:, :3]):
        assert np.mean(np.ptp(half, axis=-1) > 0.2) > 0.01


def test_panels_are_named_after_their_files(bundle_files, valued_file, tmp_path, drawn):
    assert run(*bundle_files, "--compare_with", valued_file, "--out_dir", tmp_path) == 0
    ((first, second), options) = drawn[0]
    assert first.title == bundle_files[0].parent.name
    assert second.title == "reconstructed"
    assert first.bundle_names == tuple(file.stem for file in bundle_files)
    assert len(second.bundle_names) == 7
    assert options["views"] == ["auto"]
    assert options["size"] is None


def test_options_reach_the_renderer(valued_file, tmp_path, drawn):
    options = ["--titles", "a b", "--view", "left", "top", "--background", "black"]
    more = ["--max_streamlines", 5, "--seed", 3, "--color_by", "direction"]
    assert run(valued_file, *options, *more, "--out_dir", tmp_path) == 0
    ((panel,), given) = drawn[0]
    assert panel.title == "a b"
    assert given["views"] == ["left", "top"]
    assert given["background"] == "black"
    assert given["max_streamlines"] == 5
    assert given["seed"] == 3
    assert given["color_by"] == "direction"


def test_colours_by_the_error_of_a_reconstruction(
    bundle_files, valued_file, tmp_path, drawn
):
    options = ["--compare_with", valued_file, "--color_by", "error_mm"]
    assert run(bundle_files[0], *options, "--out_dir", tmp_path) == 0
    ((first, second), given) = drawn[0]
    assert first.values is None
    np.testing.assert_allclose(second.values[[0, -1]], [0, 2])
    assert given["value_name"] == "error (mm)"


def test_originals_are_coloured_by_their_errors(phantom, tmp_path, drawn, capfd):
    points = phantom.resample(16)
    moved = points + np.linspace(0, 2, len(points), dtype="f4")[:, None, None]
    for name, shown, data in (
        ("original", points, {}),
        ("reconstructed", moved, {"error_mm": np.sqrt(3) * (moved - points)[:, 0, 0]}),
    ):
        path = tmp_path / f"{name}.trx"
        options = {"reference": phantom.reference, "data_per_streamline": data}
        save_bundles(path, shown, **options)
    both = [tmp_path / "original.trx", "--compare_with", tmp_path / "reconstructed.trx"]
    options = ["--color_by", "error_mm", "--out_dir", tmp_path]
    assert run(*both, *options) == 0
    ((first, second), _) = drawn[0]
    np.testing.assert_array_equal(first.values, second.values)
    assert "grey" not in capfd.readouterr().err


def test_a_picture_of_each_bundle(bundle_files, valued_file, tmp_path, grids):
    both = [*bundle_files, "--compare_with", valued_file, "--titles", "real", "made"]
    options = ["--panels", "bundle", "--view", "left", "--max_streamlines", 9]
    assert run(*both, *options, "--out_dir", tmp_path) == 0
    ((rows, given),) = grids
    assert [row.name for row in rows] == [f"bundle_{code}" for code in range(1, 8)]
    assert [len(cell) for cell in rows[0].cells] == [12, 12]
    assert [len(cell) for cell in rows[6].cells] == [0, 12]
    assert given["column_titles"] == ["real", "made"]
    assert (given["view"], given["max_streamlines"]) == ("left", 9)


def test_a_column_for_each_value(valued_file, phantom, tmp_path, grids):
    options = ["--panels", "length", "--values", "80", "100"]
    assert run(valued_file, *options, "--out_dir", tmp_path) == 0
    options = ["--panels", "error_mm", "--out_dir", tmp_path, "--force"]
    assert run(valued_file, *options) == 0
    (rows, given), (others, asked) = grids
    assert given["column_titles"] == ["80 mm", "100 mm"]
    assert given["title"] == "length"
    lengths = phantom.lengths()
    near = [np.sum((lengths >= low) & (lengths < low + 20)) for low in (70, 90)]
    shown = np.sum([[len(cell) for cell in row.cells] for row in rows], axis=0)
    np.testing.assert_allclose(shown, near, atol=2)
    assert asked["column_titles"] == ["0.2", "1", "1.8"]
    assert asked["title"] == "error mm"
    assert len(others) == 7


def test_mask_reaches_the_renderer(valued_file, tmp_path, drawn, grids):
    for panels in ("file", "bundle"):
        options = ["--panels", panels, "--mask", "brain.nii.gz", "--force"]
        assert run(valued_file, *options, "--out_dir", tmp_path) == 0
    assert drawn[0][1]["mask"] == grids[0][1]["mask"] == "brain.nii.gz"


def test_window_needs_a_display(valued_file, tmp_path, drawn, monkeypatch, capfd):
    if sys.platform != "linux":
        pytest.skip("other systems have one always")
    monkeypatch.delenv("DISPLAY", raising=False)
    assert run(valued_file, "--interactive", "--out_dir", tmp_path) == 1
    assert "There is no display to open a window on" in capfd.readouterr().err
    assert not drawn


def test_window_shows_what_is_drawn(valued_file, tmp_path, drawn, monkeypatch):
    from dipy_tractogen.viz import display, interactive

    calls = []
    monkeypatch.setattr(display, "require_screen", lambda: None)
    monkeypatch.setattr(
        interactive, "show_bundles", lambda *given, **more: calls.append((given, more))
    )
    options = ["--interactive", "--view", "top", "--background", "black"]
    assert run(valued_file, *options, "--out_dir", tmp_path) == 0
    ((panels,), given) = calls[0]
    assert panels[0] is drawn[0][0][0]
    assert (given["view"], given["background"]) == ("top", (0, 0, 0))


def test_one_name_is_one_input_in_python(valued_file, tmp_path, drawn):
    flow = RenderBundlesFlow()
    flow.run(str(valued_file), out_dir=str(tmp_path))
    assert flow.last_generated_outputs["out_png"] == tmp_path / "scene.png"
    assert drawn[0][0][0].title == "reconstructed"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--view", "up"], "--view up: accepted are auto, all, left"),
        (["--background", "red"], "--background red: accepted are white, black"),
        (["--max_streamlines", 0], "--max_streamlines 0"),
        (["--seed=-1"], "--seed -1"),
        (["--size", 300], "--size 300: give a width and a height"),
        (["--titles", "a", "b"], "one title for each panel, 1 in all"),
        (["--out_png", "a.jpg"], "a name that ends with .png"),
        (["--color_by", "colour"], "--color_by colour: accepted are bundle, direction"),
        (["--compare_with", "missing.trk"], "missing.trk does not exist"),
        (["--values", 3, 4], "--values 3 4: they are the columns of --panels length"),
        (
            ["--panels", "bundle", "--size", 300, 300],
            "--size 300 300 and --panels bundle",
        ),
        (["--panels", "length", "--view", "all"], "--view all: with --panels length"),
        (["--panels", "lenght"], "Accepted are file, bundle, length, curvature"),
        (["--panels", "length", "--values", 2, 1], "--values 2 1: give two or more"),
    ],
)
def test_bad_options(options, message, bundle_files, tmp_path, drawn, capfd):
    assert run(bundle_files[0], *options, "--out_dir", tmp_path) == 1
    errors = [line for line in capfd.readouterr().err.splitlines() if "ERROR" in line]
    assert len(errors) == 1
    assert message in errors[0]
    assert not drawn
    assert not list(tmp_path.iterdir())


def test_unknown_value_names_those_that_are_there(valued_file, tmp_path, drawn, capfd):
    assert run(valued_file, "--color_by", "error", "--out_dir", tmp_path) == 1
    assert "the files have error_mm" in capfd.readouterr().err


def test_existing_picture_needs_force(valued_file, tmp_path, drawn, capfd):
    (tmp_path / "scene.png").write_text("mine")
    assert run(valued_file, "--out_dir", tmp_path) == 1
    assert "--force" in capfd.readouterr().err
    assert (tmp_path / "scene.png").read_text(encoding="utf-8") == "mine"
    assert not drawn
    assert run(valued_file, "--out_dir", tmp_path, "--force") == 0


@pytest.mark.skipif(sys.platform != "linux", reason="other systems need no X server")
@pytest.mark.parametrize("given", [None, ":4242"], ids=["no display", "dead display"])
def test_without_display_and_xvfb_the_process_lives(given, bundle_files, tmp_path):
    empty = tmp_path / "bin"
    empty.mkdir()
    environment = {**os.environ, "PATH": str(empty)}
    environment.pop("DISPLAY", None)
    if given:
        environment["DISPLAY"] = given
    code = (
        "import sys\n"
        "from dipy_tractogen.workflows.cli import main\n"
        f"sys.exit(main('{COMMAND}', sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(bundle_files[0]), "--out_dir", str(tmp_path)],
        cwd=Path(dipy_tractogen.__file__).parents[1],
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        pytest.skip("this build of VTK renders without an X server")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("ERROR: Rendering")
    assert "install" in lines[0]
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]
