import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.nn import encoding, load_model
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main


def encode(*given, name="latents.npz", out_dir):
    arguments = [*given, "--out_dir", out_dir, "--out_latents", name]
    assert main("dipy_encode_streamlines", [str(each) for each in arguments]) == 0
    return out_dir / name


@pytest.fixture
def latents(model_file, bundle_files, tmp_path, monkeypatch):
    """Latents of the three bundles, encoded in small blocks."""
    monkeypatch.setattr(encoding, "BLOCK", 7)
    return encode(model_file, *bundle_files, out_dir=tmp_path)


def test_arrays_are_those_of_the_model(latents, model_file, bundle_files):
    bundles, model = load_bundles(bundle_files), load_model(model_file)
    with np.load(latents, allow_pickle=False) as found:
        arrays = dict(found)
    assert set(arrays) == {
        *("z_mean", "deviation", "error_mm", "labels", "bundle_names"),
        *("files", "file_of_streamline", "index_in_file"),
    }
    z = model.encode(bundles.streamlines)
    np.testing.assert_allclose(arrays["z_mean"], z, atol=1e-4)
    assert arrays["z_mean"].dtype == arrays["error_mm"].dtype == np.float32
    assert arrays["deviation"].shape == z.shape
    assert (arrays["deviation"] > 0).all()
    names = arrays["bundle_names"][arrays["labels"]]
    np.testing.assert_array_equal(names, np.repeat(bundles.bundle_names, 12))
    files = arrays["files"][arrays["file_of_streamline"]]
    np.testing.assert_array_equal(files, np.repeat([str(f) for f in bundle_files], 12))
    np.testing.assert_array_equal(arrays["index_in_file"], np.tile(np.arange(12), 3))


def test_deviation_is_that_of_the_posterior(latents, model_file, bundle_files):
    model = load_model(model_file)
    points = load_bundles(bundle_files).resample(32)
    both = [
        model.coder.posterior({"features": model.backbone.analyse(each)})[1]
        for each in (points, points[:, ::-1])
    ]
    found = np.load(latents)["deviation"]
    gap = np.minimum(*(np.abs(found - each).max(axis=1) for each in both))
    assert gap.max() < 1e-4


def test_index_counts_what_is_dropped(model_file, tractogram_with, tmp_path):
    file = tractogram_with("one point", good=4, bad=1)
    path = tmp_path / "in.trk"
    whole = nib.streamlines.load(file)
    order = [4, 0, 1, 2, 3]
    nib.streamlines.save(whole.tractogram[order], path, header=whole.header)
    found = np.load(encode(model_file, path, out_dir=tmp_path))
    np.testing.assert_array_equal(found["index_in_file"], [1, 2, 3, 4])


@pytest.mark.parametrize("name", ["latents.trx", "latents.trk"])
def test_a_tractogram_carries_latents(
    latents, model_file, bundle_files, tmp_path, name
):
    path = encode(model_file, *bundle_files, name=name, out_dir=tmp_path)
    given = load_bundles(bundle_files)
    back = load_bundles(path)
    np.testing.assert_allclose(
        back.streamlines._data, given.streamlines._data, atol=1e-3
    )
    assert back.counts() == given.counts() or name == "latents.trk"
    if name.endswith("trk"):
        data = nib.streamlines.load(path).tractogram.data_per_streamline
        arrays = np.load(latents)
        np.testing.assert_allclose(data["latent"], arrays["z_mean"], rtol=1e-4)
        np.testing.assert_allclose(data["deviation"], arrays["deviation"], rtol=1e-4)


def test_a_conditional_model_is_told_of_subjects(conditional_model, cohort, tmp_path):
    subject = cohort / "sub-002" / "dwi" / "sub-002_tractogram.trx"
    table = cohort / "participants.tsv"
    given = [conditional_model, subject, "--participants", table]
    found = np.load(encode(*given, out_dir=tmp_path))
    bundles = load_bundles(
        subject, categorical="diagnosis", continuous="age", participants=table
    )
    values = {"bundle": np.array(bundles.bundle_names)[bundles.labels]}
    model = load_model(conditional_model)
    z = model.encode(bundles.resample(16), {**values, **bundles.values})
    np.testing.assert_allclose(found["z_mean"], z, atol=1e-4)


def test_an_output_that_cannot_hold_latents_is_refused(
    refused, model_file, bundle_files
):
    error = refused(
        "dipy_encode_streamlines", model_file, *bundle_files, "--out_latents", "z.tck"
    )
    assert "--out_latents z.tck: latents are written to .npz, .trx, .trk" in error
