import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.viz import Panel
from dipy_tractogen.viz.webgl import make_scene, plot_bundles, scene_page, write_scene
from dipy_tractogen.viz.webgl.tractograms import write_tractogram_scene
from dipy_tractogen.workflows.cli import main

NEEDED = 'needs K3D, from version 3.2 and below 4: pip install "dipy_tractogen[scene]"'


@pytest.fixture
def k3d():
    """Skip where K3D is not installed."""
    return pytest.importorskip("k3d")


@pytest.fixture
def written(monkeypatch):
    """The scenes that are to be written, without writing them."""
    from dipy_tractogen.viz.webgl import tractograms

    calls = []
    monkeypatch.setattr(tractograms, "require_k3d", lambda: None)
    monkeypatch.setattr(
        tractograms, "write_scene", lambda *given, **more: calls.append((given, more))
    )
    return calls


@pytest.mark.usefixtures("k3d")
def test_the_same_scene_is_the_same_page(phantom):
    pages = [scene_page(make_scene([phantom]), title="a") for _ in range(2)]
    assert pages[0] == pages[1]


@pytest.mark.usefixtures("k3d")
def test_a_page_is_small_and_names_no_address(tmp_path, phantom):
    path = write_scene([Panel("real", phantom)], tmp_path / "scene.html")
    text = path.read_text(encoding="utf-8")
    assert len(text) < 1.3e6
    shown = re.sub(r'<script type="text/plain".*?</script>', "", text)
    assert "//" not in re.sub(r"^ *//.*$", "", shown, flags=re.MULTILINE)
    (policy,) = re.findall('content="(default-src [^"]*)"', text)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy
    with pytest.raises(FileExistsError):
        write_scene([Panel("real", phantom)], path)


@pytest.mark.usefixtures("k3d")
def test_three_thousand_streamlines_of_many_points_are_three_megabytes():
    walks = np.random.default_rng(0).normal(size=(3000, 100, 3)).cumsum(axis=1)
    scene = make_scene([Panel("a", walks.astype(np.float32))])
    assert scene.counts == [(3000, 3000)]
    assert len(scene_page(scene, title="a").text) < 3e6


@pytest.mark.usefixtures("k3d")
def test_a_widget_has_a_line_for_each_bundle(phantom):
    plot = plot_bundles([Panel("a", phantom), Panel("b", phantom)], background="black")
    assert [line.name for line in plot.objects] == 2 * list(phantom.bundle_names)
    assert [line.group for line in plot.objects] == 7 * ["a"] + 7 * ["b"]
    assert plot.background_color == 0
    alone = plot_bundles([phantom], color_by="direction", view="top")
    assert {line.group for line in alone.objects} == {None}
    assert alone.camera[2] > 100
    assert alone.camera[6:] == [0, 1, 0]
    with pytest.raises(ValueError, match="background='grey'"):
        plot_bundles([phantom], background="grey")


@pytest.mark.usefixtures("k3d")
def test_bundles_show_themselves_in_a_notebook(phantom):
    plot = phantom.show(max_streamlines=7, color_by="direction")
    assert [line.name for line in plot.objects] == list(phantom.bundle_names)
    assert all(np.isfinite(line.vertices).all() for line in plot.objects)
    shown, _ = plot._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in shown
    with pytest.raises(ValueError, match="there is no streamline"):
        phantom.select([]).show()


def test_without_k3d_it_is_said_how_to_install_it(
    bundle_files, tmp_path, phantom, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "k3d", None)
    with pytest.raises(ImportError, match=re.escape(NEEDED)):
        plot_bundles([phantom])
    options = ["--out_html", "a.html", "--out_dir", str(tmp_path / "new")]
    assert main("dipy_render_bundles", [str(bundle_files[0]), *options]) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert sum("K3D" in line for line in lines) == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("version", ["2.16.1", "3.1.0", "4.0.0rc1"])
def test_another_version_of_k3d_is_refused(phantom, monkeypatch, version):
    monkeypatch.setitem(sys.modules, "k3d", SimpleNamespace(__version__=version))
    with pytest.raises(ImportError, match=f"below 4.*This is {version}."):
        plot_bundles([phantom])


@pytest.mark.usefixtures("k3d")
def test_command_writes_the_page_alone(bundle_files, tmp_path):
    files = [str(file) for file in bundle_files]
    options = ["--out_html", "a.html", "--out_dir", str(tmp_path)]
    compared = ["--compare_with", files[0], "--titles", "<b>", "two"]
    assert main("dipy_render_bundles", [*files, *compared, *options]) == 0
    (path,) = tmp_path.iterdir()
    assert "<title>&lt;b&gt; and two</title>" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--panels", "bundle"], "--panels has no effect on an interactive scene"),
        (["--size", "3", "4"], "--size has no effect"),
        (["--interactive"], "--interactive has no effect"),
        (["--out_png", "b.png"], "--out_png has no effect"),
        (["--view", "left", "top"], "--view left top: with --out_html give one side"),
        (["--view", "up"], "--view up: accepted are auto, all, left"),
        (["--titles", "a", "b"], "give one title for each panel, 1"),
        (
            ["--color_by", "age"],
            "--color_by age: accepted are bundle, direction, len",
        ),
    ],
)
@pytest.mark.usefixtures("k3d")
def test_options_without_effect_are_refused(
    bundle_files, tmp_path, capsys, options, said
):
    given = [*options, "--out_html", "a.html", "--out_dir", str(tmp_path / "new")]
    assert main("dipy_render_bundles", [str(bundle_files[0]), *given]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_page_has_the_name_of_one(bundle_files, tmp_path, capsys):
    given = ["--out_html", "a.png", "--out_dir", str(tmp_path)]
    assert main("dipy_render_bundles", [str(bundle_files[0]), *given]) == 1
    assert "--out_html a.png: give a name that ends with" in capsys.readouterr().err


def test_originals_get_the_errors_of_their_reconstructions(tmp_path, phantom, written):
    points = phantom.resample(20)
    moved = points.copy()
    errors = np.linspace(0, 2, len(points))
    moved[..., 0] += errors[:, None]
    files = []
    for name, given, data in (
        ("original", points, {}),
        ("made", moved, {"error_mm": errors}),
        ("other", points[::-1], {}),
    ):
        files.append(tmp_path / f"{name}.trx")
        save_bundles(
            files[-1],
            given,
            reference=phantom.reference,
            labels=phantom.labels,
            bundle_names=phantom.bundle_names,
            data_per_streamline=data,
        )
    for compared in (files[1], [files[2], files[1]]):
        write_tractogram_scene(files[0], "a.html", compare_with=compared, seed=3)
    (panels, path), more = written[0]
    assert (path, more) == ("a.html", {"title": "original and made", "seed": 3})
    np.testing.assert_allclose(panels[0].numbers["error_mm"], errors, atol=1e-3)
    assert "error_mm" not in written[1][0][0][0].numbers
