import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.nn import encoding, load_model
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main


@pytest.fixture
def written(model_file, bundle_files, tmp_path):
    """The reconstruction of the three bundles as a TRK."""
    files = [str(path) for path in (model_file, *bundle_files)]
    options = ["--out_dir", str(tmp_path), "--out_tractogram", "back.trk"]
    assert main("dipy_reconstruct_streamlines", [*files, *options]) == 0
    return tmp_path / "back.trk"


def test_each_streamline_carries_its_error(written, model_file, bundle_files):
    points = load_bundles(bundle_files).resample(32)
    expected = load_model(model_file).reconstruct(points)
    tractogram = nib.streamlines.load(written).tractogram
    np.testing.assert_allclose(np.array(tractogram.streamlines), expected, atol=1e-3)
    error = np.linalg.norm(expected - points, axis=-1).mean(axis=1)
    obtained = np.ravel(tractogram.data_per_streamline["error_mm"])
    np.testing.assert_allclose(obtained, error, rtol=1e-3)


def test_bundles_keep_their_names(model_file, bundle_files, tmp_path, capsys):
    files = [str(path) for path in (model_file, *bundle_files)]
    assert (
        main("dipy_reconstruct_streamlines", [*files, "--out_dir", str(tmp_path)]) == 0
    )
    assert "Point error of 36 streamlines" in capsys.readouterr().err
    back = load_bundles(tmp_path / "reconstructed.trx", out_of_bounds="keep")
    assert back.counts() == {"bundle_1": 12, "bundle_2": 12, "bundle_3": 12}


def test_blocks_do_not_change_the_result(
    written, model_file, bundle_files, tmp_path, monkeypatch
):
    monkeypatch.setattr(encoding, "BLOCK", 5)
    files = [str(path) for path in (model_file, *bundle_files)]
    options = ["--out_dir", str(tmp_path), "--out_tractogram", "blocks.trk"]
    assert main("dipy_reconstruct_streamlines", [*files, *options]) == 0
    whole, blocks = (
        np.array(nib.streamlines.load(tmp_path / name).streamlines)
        for name in ("back.trk", "blocks.trk")
    )
    np.testing.assert_allclose(blocks, whole, atol=1e-3)


@pytest.fixture
def subject(cohort):
    """The tractogram of a subject."""
    return cohort / "sub-002" / "dwi" / "sub-002_tractogram.trx"


def test_conditions_of_the_subject_are_read(
    conditional_model, cohort, subject, tmp_path, capsys, monkeypatch
):
    """In blocks, as for larger files."""
    monkeypatch.setattr(encoding, "BLOCK", 25)
    table = cohort / "participants.tsv"
    given = [conditional_model, subject, "--participants", table, "--out_dir", tmp_path]
    assert main("dipy_reconstruct_streamlines", [str(each) for each in given]) == 0
    assert "Needed of each streamline: diagnosis, age" in capsys.readouterr().err
    bundles = load_bundles(
        subject, categorical="diagnosis", continuous="age", participants=table
    )
    values = {"bundle": np.array(bundles.bundle_names)[bundles.labels]}
    model = load_model(conditional_model)
    expected = model.reconstruct(bundles.resample(16), {**values, **bundles.values})
    back = load_bundles(tmp_path / "reconstructed.trx", out_of_bounds="keep")
    np.testing.assert_allclose(np.array(back.streamlines), expected, atol=1e-3)


@pytest.mark.parametrize("kind", ["held out", "generated"])
def test_what_the_commands_wrote_is_read(conditional_model, tmp_path, kind):
    """Without a table of the subjects: the categories are in the file."""
    given, out = conditional_model.with_name("held_out.trx"), ["--out_dir", tmp_path]
    if kind == "generated":
        given = tmp_path / "synthetic.trx"
        asked = ["--conditions", "diagnosis=patient", "--nb_streamlines", "20"]
        made = [str(each) for each in (conditional_model, *asked, *out)]
        assert main("dipy_generate_streamlines", made) == 0
    arguments = [conditional_model, given, "--outside_box", "keep", *out]
    assert main("dipy_reconstruct_streamlines", [str(each) for each in arguments]) == 0
    bundles = load_bundles(
        given,
        categorical="diagnosis",
        continuous=("age", "curvature"),
        out_of_bounds="keep",
    )
    assert set(bundles.values["diagnosis"]) <= {"control", "patient"}
    names = np.array(bundles.bundle_names)[bundles.labels]
    values = {**bundles.values, "bundle": names}
    expected = load_model(conditional_model).reconstruct(bundles.resample(16), values)
    back = load_bundles(tmp_path / "reconstructed.trx", out_of_bounds="keep")
    np.testing.assert_allclose(np.array(back.streamlines), expected, atol=1e-3)


def test_unknown_bundles_and_values_are_said(
    refused, conditional_model, cohort, subject, bundle_files, tmp_path
):
    table = tmp_path / "participants.tsv"
    table.write_text("participant_id\tage\tdiagnosis\nsub-002\t40\trelative\n")
    command, options = "dipy_reconstruct_streamlines", ["--participants", table]
    error = refused(command, conditional_model, subject)
    assert "no data_per_streamline 'diagnosis'" in error
    error = refused(command, conditional_model, subject, *options)
    assert "diagnosis relative is not in the model; it has control, patient" in error
    table.write_text("participant_id\tage\tdiagnosis\nsub-002\t40\tcontrol\n")
    stem = ["--bundles_from", "stem"]
    error = refused(command, conditional_model, subject, *options, *stem)
    assert "bundle sub-002_tractogram is not in the model" in error


def test_table_that_the_model_does_not_read_is_refused(
    refused, model_file, bundle_files, cohort
):
    options = ["--participants", cohort / "participants.tsv"]
    error = refused("dipy_reconstruct_streamlines", model_file, *bundle_files, *options)
    assert "the model reads nothing of subjects" in error
