from pathlib import Path
import shutil

import numpy as np
from PIL import Image
import pytest

from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.workflows.cli import main

COMMAND = "dipy_write_report"


@pytest.fixture
def drawn(monkeypatch):
    """What reaches the renderer, without rendering."""
    from dipy_tractogen.viz.report import pictures

    calls = []

    def note(panels, path, **options):
        calls.append((panels, options))
        Image.new("RGB", (40, 30), "white").save(path)

    monkeypatch.setattr(pictures, "render_bundles", note)
    return calls


@pytest.fixture
def reconstructed(tmp_path, phantom):
    """Write a tractogram that holds errors."""
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


def run(*arguments):
    return main(COMMAND, [str(argument) for argument in arguments])


def test_report_of_a_training(model_file, bundle_files, tmp_path):
    assert run(model_file, "--out_dir", tmp_path) == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "VAE of 3 bundles" in page
    # The command of the training, that of the report, and what was trained on.
    assert "dipy_train_vae" in page
    assert f"{COMMAND} {model_file}" in page
    assert str(bundle_files[0]) in page
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert run(model_file, "--out_dir", tmp_path) == 1


def test_report_of_a_reconstruction(model_file, reconstructed, drawn, tmp_path):
    mask = tmp_path / "mask.nii.gz"
    mask.touch()
    arguments = ("--reconstructed_files", reconstructed, "--max_streamlines", 9)
    arguments += ("--seed", 5, "--mask", mask)
    assert run(model_file, *arguments, "--out_dir", tmp_path) == 0
    ((panels, options),) = drawn
    assert options["mask"] == str(mask)
    assert panels[0].values.max() == pytest.approx(2)
    assert (options["max_streamlines"], options["seed"]) == (9, 5)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Point error of the reconstruction" in page
    assert str(reconstructed) in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out_report", "a.pdf"], "--out_report a.pdf: give a name with .html"),
        (["--pictures", "none.png"], "none.png does not exist"),
        (["--captions", "a", "b"], "2 captions for 0 pictures"),
        (["--metrics_file", "none.json"], "none.json does not exist"),
        (["--latent_file", "none.json"], "none.json does not exist"),
        (["--max_streamlines", "0"], "--max_streamlines 0"),
        (["--mask", "none.nii"], "none.nii does not exist"),
        (["--mask", __file__], "is drawn behind streamlines: give some"),
        (["--real_files", "none.trk"], "none.trk does not exist"),
    ],
)
def test_bad_options(arguments, said, refused, tmp_path):
    # What is wrong is said before the model is loaded, so that it may be missing.
    assert said in refused(COMMAND, tmp_path / "model.keras", *arguments)


def test_a_tractogram_without_errors_is_no_reconstruction(
    model_file, bundle_files, refused, tmp_path
):
    model = Path(shutil.copy(model_file, tmp_path))
    said = refused(COMMAND, model, "--reconstructed_files", bundle_files[0])
    assert "error_mm" in said


def test_a_model_that_is_missing(refused, tmp_path):
    assert "does not exist" in refused(COMMAND, tmp_path / "model.keras")
