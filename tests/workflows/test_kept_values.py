"""Values that the inputs have of each streamline are in what commands write."""

import numpy as np
import pytest

from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main


@pytest.fixture(scope="module")
def weighted(tmp_path_factory, phantom):
    """Two bundles with a number, a date and a colour; one streamline is invalid."""
    folder = tmp_path_factory.mktemp("weighted")
    first = np.flatnonzero(phantom.labels == 0)
    streamlines = [np.array(one) for one in phantom.streamlines[first]]
    streamlines[2] = streamlines[2][:1]
    numbers = np.arange(len(first))
    weights = numbers.astype(np.float32)
    weights[3] = np.nan
    path = folder / f"{phantom.bundle_names[0]}.trx"
    save_bundles(
        path,
        streamlines,
        reference=phantom.reference,
        data_per_streamline={
            "sift2_weight": weights,
            "date": 20260100 + numbers,
            "rgb": np.arange(3 * len(first), dtype=np.uint8).reshape(-1, 3),
            "distance_mm": weights,
        },
    )
    return path


COMMANDS = {
    "dipy_filter_streamlines": ("out_tractogram", True),
    "dipy_label_streamlines": ("out_tractogram", True),
    "dipy_encode_streamlines": ("out_latents", False),
    "dipy_reconstruct_streamlines": ("out_tractogram", False),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_values_are_kept(command, weighted, model_file, bundle_files, tmp_path, capsys):
    out, has_reference = COMMANDS[command]
    options = ["--out_dir", tmp_path, f"--{out}", "written.trx"]
    if has_reference:
        options += ["--reference_files", *bundle_files]
    assert main(command, [*map(str, [model_file, weighted, *options])]) == 0
    given = load_bundles(weighted, keep_data=True)
    written = load_bundles(tmp_path / "written.trx", keep_data=True)
    # Reconstructions are other streamlines, and a filter may reject some.
    dates = given.data_per_streamline["date"].ravel()
    kept = np.isin(dates, written.data_per_streamline["date"])
    assert kept.sum() == len(written) > 3
    for name in ("sift2_weight", "date", "rgb"):
        values = written.data_per_streamline[name]
        expected = given.data_per_streamline[name][kept]
        np.testing.assert_array_equal(values, expected)
        assert values.dtype == expected.dtype
    replaced = "distance_mm of the inputs are replaced" in capsys.readouterr().err
    assert replaced == has_reference


def test_arrays_hold_the_values_too(weighted, model_file, tmp_path):
    arguments = [model_file, weighted, "--out_dir", tmp_path]
    assert main("dipy_encode_streamlines", [*map(str, arguments)]) == 0
    latents = np.load(tmp_path / "latents.npz")
    dates = latents["data_per_streamline/date"].ravel()
    np.testing.assert_array_equal(dates, 20260100 + latents["index_in_file"])


def test_formats_that_hold_points_alone_say_so(weighted, model_file, tmp_path, capsys):
    arguments = [
        model_file,
        weighted,
        "--out_dir",
        tmp_path,
        "--out_tractogram",
        "a.tck",
    ]
    assert main("dipy_reconstruct_streamlines", [*map(str, arguments)]) == 0
    assert "cannot hold date, distance_mm, error_mm, rgb, sift2_weight" in (
        capsys.readouterr().err
    )


def test_held_out_streamlines_keep_them(weighted, tmp_path):
    options = ["--epochs", "1", "--nb_points", "16", "--latent_dim", "3", "--quiet"]
    options += ["--held_out", "0.5", "--out_dir", str(tmp_path)]
    assert main("dipy_train_ae", [str(weighted), *options]) == 0
    data = read_tractogram(tmp_path / "held_out.trx").data_per_streamline
    real = load_bundles(weighted, keep_data=True).data_per_streamline
    rows = np.searchsorted(real["date"].ravel(), data["date"].ravel())
    assert len(rows) == 6 or len(rows) == 5
    np.testing.assert_array_equal(data["rgb"], real["rgb"][rows])
    np.testing.assert_array_equal(data["sift2_weight"], real["sift2_weight"][rows])


def test_predictions_have_them_as_columns(weighted, regression_folder, tmp_path):
    model = regression_folder / "model.keras"
    arguments = [model, weighted, "--out_dir", tmp_path]
    assert main("dipy_predict_attribute", [*map(str, arguments)]) == 0
    lines = (tmp_path / "attribute.tsv").read_text(encoding="utf-8").splitlines()
    rows = [dict(zip(lines[0].split("\t"), line.split("\t"))) for line in lines[1:]]
    assert [row["date"] for row in rows[:4]] == [
        *("20260100", "20260101", "20260103", "20260104")
    ]
    assert [row["sift2_weight"] for row in rows[:3]] == ["0.0", "1.0", "nan"]
    assert [rows[0][f"rgb_{number}"] for number in (1, 2, 3)] == ["0", "1", "2"]
