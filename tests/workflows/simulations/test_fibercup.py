import nibabel as nib
import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
import pytest

from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.simulation.phantom import (
    BUNDLE_NAMES,
    fibercup_reference,
    simulate_fibercup,
)
from dipy_tractogen.workflows.cli import main


def simulate(folder, *options):
    return main("dipy_simulate_fibercup", ["--out_dir", str(folder), *options])


def test_files_hold_the_phantom_of_the_seed(tmp_path):
    assert simulate(tmp_path, "--nb_streamlines", "4", "--seed", "5") == 0
    names = ["fibercup.trx", "reference.nii.gz", "white_matter.nii.gz"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    bundles = load_bundles(tmp_path / "fibercup.trx")
    assert bundles.bundle_names == BUNDLE_NAMES
    assert not bundles.report.dropped
    expected = simulate_fibercup(4, seed=5)
    assert bundles.reference.matches(expected.reference)
    assert_array_equal(bundles.labels, expected.labels)
    assert_array_equal(bundles.streamlines.get_data(), expected.streamlines.get_data())


def test_images_share_the_space_of_the_streamlines(tmp_path):
    assert simulate(tmp_path, "--nb_streamlines", "3") == 0
    mask = nib.load(tmp_path / "white_matter.nii.gz")
    image = nib.load(tmp_path / "reference.nii.gz")
    for nifti in (mask, image):
        assert nifti.shape == (64, 64, 3)
        assert_array_equal(nifti.affine, fibercup_reference().affine)
        assert nifti.header.get_xyzt_units()[0] == "mm"
    inside = np.asarray(mask.dataobj) > 0
    assert image.get_fdata()[inside].mean() > image.get_fdata()[~inside].max()


@pytest.mark.parametrize("extension", ["trk", "tck"])
def test_one_file_a_bundle(tmp_path, capsys, extension):
    options = ["--nb_streamlines", "3", "--nb_points", "12", "--per_bundle"]
    assert simulate(tmp_path, *options, "--out_tractogram", f"x.{extension}") == 0
    assert "WARNING" not in capsys.readouterr().err
    files = sorted(tmp_path.glob(f"*.{extension}"))
    assert [path.stem for path in files] == list(BUNDLE_NAMES)
    bundles = load_bundles(files, reference=tmp_path / "reference.nii.gz")
    assert bundles.bundle_names == BUNDLE_NAMES
    expected = simulate_fibercup(3, nb_points=12).streamlines.get_data()
    assert_allclose(bundles.streamlines.get_data(), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--nb_streamlines", "0"], "--nb_streamlines 0"),
        (["--radius", "nan"], "--radius nan"),
        (["--nb_points", "1"], "--nb_points 1"),
        (["--varying_ends", "1.5"], "--varying_ends 1.5"),
        (["--out_tractogram", "phantom.nii"], "phantom.nii"),
        (["--out_mask", "mask.png"], "mask.png"),
        (["--out_mask", "reference.nii.gz"], "reference.nii.gz"),
    ],
)
def test_bad_options_are_one_line_and_leave_nothing(tmp_path, capsys, options, said):
    folder = tmp_path / "new"
    assert simulate(folder, *options) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ERROR: ")
    assert said in line
    assert not folder.exists()


@pytest.mark.parametrize("extension", ["trx", "trk"])
def test_failure_leaves_nothing(tmp_path, monkeypatch, extension):
    def fail(*_):
        raise OSError("full")

    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.setattr(nib, "save", fail)
    name = f"a.{extension}"
    assert simulate(tmp_path, "--nb_streamlines", "3", "--out_tractogram", name) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    options = ["--nb_streamlines", "3", "--per_bundle", "--out_tractogram", name]
    assert simulate(tmp_path / "new", *options) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_outputs_are_overwritten_only_with_force(tmp_path, capsys):
    tractogram = tmp_path / "fibercup.trx"
    tractogram.write_text("mine")
    assert simulate(tmp_path, "--nb_streamlines", "3") == 1
    assert "--force" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["fibercup.trx"]
    assert tractogram.read_text(encoding="utf-8") == "mine"
    assert simulate(tmp_path, "--nb_streamlines", "3", "--force") == 0
    assert len(load_bundles(tractogram)) == 21
