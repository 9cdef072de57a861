import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows import reconstruct
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
    monkeypatch.setattr(reconstruct, "_BLOCK", 5)
    files = [str(path) for path in (model_file, *bundle_files)]
    options = ["--out_dir", str(tmp_path), "--out_tractogram", "blocks.trk"]
    assert main("dipy_reconstruct_streamlines", [*files, *options]) == 0
    whole, blocks = (
        np.array(nib.streamlines.load(tmp_path / name).streamlines)
        for name in ("back.trk", "blocks.trk")
    )
    np.testing.assert_allclose(blocks, whole, atol=1e-3)
