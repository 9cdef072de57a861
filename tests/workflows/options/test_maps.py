"""Images of values: an option of every command that reads tractograms."""

import csv
import inspect

from dipy.workflows.docstring_parser import NumpyDocString
import nibabel as nib
from nibabel.affines import apply_affine
import numpy as np
from PIL import Image
import pytest

from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import cli_flows, load_flow, main
from dipy_tractogen.workflows.cohorts.commands import read_options
from dipy_tractogen.workflows.cohorts.steps import STEPS

WITHOUT = {
    "dipy_import_weights": "published models know points only",
}
"""Commands that read tractograms without images of values, and why."""


@pytest.mark.parametrize("command", cli_flows)
def test_commands_that_read_tractograms_take_maps(command):
    run = load_flow(command).run
    entries = NumpyDocString(inspect.getdoc(run))["Parameters"]
    reads = [
        name
        for name, _, text in entries
        if " ".join(text).startswith("Tractogram") and not name.startswith("out_")
    ]
    takes = "maps" in inspect.signature(run).parameters
    assert takes == bool(reads and command not in WITHOUT), reads
    assert command not in WITHOUT or reads


def test_images_of_a_cohort_are_named_as_from_the_folder_of_the_options(tmp_path):
    path, commands = tmp_path / "a.toml", {"label": STEPS["label"].command}
    path.write_text('[label]\nmaps = ["FA=dti/*_FA.nii.gz"]\n')
    found = read_options(path, commands)["label"]["maps"]
    assert found == [f"FA={tmp_path}/dti/*_FA.nii.gz"]
    path.write_text('[label]\nmaps = ["FA"]\n')
    with pytest.raises(ValueError, match=r"a.toml: \[label\]: --maps 'FA': give NAME="):
        read_options(path, commands)


@pytest.fixture(scope="module")
def image(tmp_path_factory, phantom):
    """An image of x along its first axis, which the points tell as well."""
    grid = phantom.reference
    voxels = np.moveaxis(np.indices(grid.dimensions), 0, -1)
    image = nib.Nifti1Image(apply_affine(grid.affine, voxels)[..., 0], grid.affine)
    path = tmp_path_factory.mktemp("image") / "x.nii.gz"
    image.to_filename(path)
    return path


@pytest.fixture(scope="module")
def model(bundle_files, image, tmp_path_factory):
    """A model of the values of the image."""
    folder = tmp_path_factory.mktemp("valued")
    options = ["--epochs", "40", "--nb_points", "16", "--latent_dim", "6", "--quiet"]
    options += ["--values", "x", "--maps", f"x={image}", "--out_dir", str(folder)]
    assert main("dipy_train_vae", [*map(str, bundle_files), *options]) == 0
    return folder / "model.keras"


@pytest.mark.parametrize("option", ["--like", "--seed_streamlines"])
def test_streamlines_of_a_subject_have_them(
    option, model, image, bundle_files, tmp_path, refused
):
    given = [model, option, bundle_files[0], "--nb_streamlines", "20"]
    error = refused("dipy_generate_streamlines", *given)
    assert "has no data_per_point x (it has none)" in error
    assert "or images (--maps x=x.nii.gz)" in error
    options = [*given, "--maps", f"x={image}", "--out_dir", tmp_path]
    assert main("dipy_generate_streamlines", [*map(str, options)]) == 0
    made = read_tractogram(tmp_path / "synthetic.trx", values=["x"])
    places = made.streamlines._data[:, 0]
    assert np.corrcoef(places, made.data_per_point["x"][:, 0])[0, 1] > 0.5


def test_images_that_nothing_is_for_are_refused(
    model_file, image, bundle_files, refused
):
    maps = ["--maps", f"x={image}"]
    for command, given in {
        "dipy_generate_streamlines": [model_file, "--like", bundle_files[0]],
        "dipy_explore_latent": [model_file, bundle_files[0]],
        "dipy_sweep_beta": bundle_files,
    }.items():
        assert "nothing along the streamlines is read" in refused(
            command, *given, *maps
        )
    for command, given in {
        "dipy_generate_streamlines": [model_file],
        "dipy_write_report": [model_file, "--generated_files", bundle_files[0]],
    }.items():
        assert "is of no use without" in refused(command, *given, *maps)
    error = refused("dipy_render_bundles", bundle_files[0], *maps)
    assert "--color_by bundle is none of them: give --color_by x" in error


def test_a_search_learns_them(image, bundle_files, tmp_path, refused):
    options = ["--nb_points", "16", "--latent_dim", "2", "--epochs", "2"]
    options += ["--held_out", "0.3", "--betas", "1"]
    options += ["--values", "x", "--value_sigmas", "3"]
    given = [*bundle_files, *options, "--maps", f"x={image}"]
    assert main("dipy_sweep_beta", [*map(str, [*given, "--out_dir", tmp_path])]) == 0
    with open(tmp_path / "sweep.tsv", encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream, delimiter="\t")
    assert 0 < float(row["error_x"]) < 100
    given[given.index("3")] = "2"
    error = refused("dipy_sweep_beta", *given, "--resume", out_dir=tmp_path)
    assert "another profile_sigmas" in error
    assert "one for each" in refused("dipy_sweep_beta", *given, "--value_sigmas", 1, 2)


def test_pictures_have_their_colours(image, bundle_files, tmp_path, monkeypatch):
    from dipy_tractogen.viz import display, figures

    panels = []

    def note(given, path, **options):
        panels.extend(given)
        path.write_bytes(b"png")

    monkeypatch.setattr(display, "_why_not", lambda: None)
    monkeypatch.setattr(figures, "render_bundles", note)
    options = [bundle_files[0], "--compare_with", bundle_files[1], "--color_by", "x"]
    options += ["--maps", f"x={image}", "--out_dir", tmp_path]
    assert main("dipy_render_bundles", [*map(str, options)]) == 0
    for panel, file in zip(panels, bundle_files):
        places = load_bundles(file).streamlines._data[:, 0]
        np.testing.assert_allclose(panel.values, places, atol=0.1)


def test_a_report_draws_profiles(model, image, bundle_files, tmp_path, monkeypatch):
    from dipy_tractogen.viz.report import pictures

    def note(panels, path, **options):
        Image.new("RGB", (40, 30), "white").save(path)

    monkeypatch.setattr(pictures, "render_bundles", note)
    monkeypatch.setattr(pictures, "plot_grid", note)
    made = tmp_path / "synthetic.trx"
    options = [model, "--nb_streamlines", "9", "--out_dir", tmp_path]
    assert main("dipy_generate_streamlines", [*map(str, options)]) == 0
    options = [model, "--real_files", *bundle_files, "--generated_files", made]
    options += ["--out_dir", tmp_path, "--maps", f"x={image}", f"<b>={image}"]
    assert main("dipy_write_report", [*map(str, options)]) == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Mean x along each of 3 bundles of real and generated streamlines" in page
    assert "Mean &lt;b&gt; along each of 3 bundles of real streamlines" in page
    assert "<b>=" not in page
