"""Values that the inputs have of each streamline are in what commands write."""

import nibabel as nib
from nibabel.affines import apply_affine
import numpy as np
import pytest

from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import cli_flows, main


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
    along = [
        np.append(0, np.linalg.norm(np.diff(one, axis=0), axis=1).cumsum())
        for one in streamlines
    ]
    fa = np.random.default_rng(0).normal(size=sum(map(len, along)))
    fa[:200:7] = np.nan
    save_bundles(
        path,
        streamlines,
        reference=phantom.reference,
        data_per_point={
            "arc_mm": np.concatenate(along),
            "FA": fa,
            "place": np.concatenate(streamlines),
        },
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
"""Commands that write the streamlines of their input; see also the held-out ones."""

NEW_STREAMLINES = ("dipy_mix_streamlines", "dipy_average_streamlines")
"""Commands that write streamlines of which the input knows nothing."""

OTHERS = {
    *("dipy_generate_streamlines", "dipy_simulate_cohort", "dipy_simulate_fibercup"),
    *("dipy_evaluate_streamlines", "dipy_explore_latent", "dipy_predict_attribute"),
    *("dipy_render_bundles", "dipy_write_report"),
    *("dipy_generate_cohort", "dipy_process_cohort"),
    *("dipy_fit_norms", "dipy_score_subject"),
}
"""Commands that write no streamlines of an input, or no streamlines."""

OF_MODELS = {"dipy_import_weights", "dipy_share_model", "dipy_describe_model"}


def test_every_command_is_of_one_kind():
    trainings = {
        name for name in cli_flows if name.startswith(("dipy_train", "dipy_swee"))
    }
    known = {*COMMANDS, *NEW_STREAMLINES, *OTHERS, *OF_MODELS, *trainings}
    assert known == set(cli_flows)


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
    said = capsys.readouterr().err
    assert ("distance_mm of the inputs are replaced" in said) == has_reference
    assert "data_per_point" not in said
    expected = given.select(kept).data_per_point
    if command == "dipy_reconstruct_streamlines":
        expected = resampled(given.select(kept), written.streamlines._lengths[0])
    assert written.data_per_point.keys() == expected.keys() == {"arc_mm", "FA", "place"}
    for name, values in expected.items():
        found = written.data_per_point[name]
        exact = command != "dipy_reconstruct_streamlines"
        np.testing.assert_allclose(found, values, rtol=0, atol=0 if exact else 2e-3)


def resampled(bundles, nb_points):
    """Return values at equal arc lengths, one streamline after the other."""
    ends = np.cumsum(bundles.streamlines._lengths)[:-1]
    found = {}
    for name, values in bundles.data_per_point.items():
        parts = np.split(values, ends)
        along = np.split(bundles.data_per_point["arc_mm"].ravel(), ends)
        found[name] = np.concatenate(
            [
                np.stack(
                    [
                        np.interp(np.linspace(0, s[-1], nb_points), s, column)
                        for column in part.T
                    ],
                    axis=1,
                )
                for s, part in zip(along, parts)
            ]
        )
    return found


@pytest.mark.parametrize("command", NEW_STREAMLINES)
def test_new_streamlines_have_none(command, weighted, model_file, tmp_path, capsys):
    files = [weighted] * (1 + (command == "dipy_mix_streamlines"))
    arguments = [model_file, *files, "--out_dir", tmp_path, "--out_tractogram", "a.trx"]
    assert main(command, [*map(str, arguments)]) == 0
    said = capsys.readouterr().err
    assert "The data_per_streamline date, distance_mm, rgb, sift2_weight of" in said
    assert "The data_per_point FA, arc_mm, place of the inputs are left out" in said
    assert "is a new" in said
    assert read_tractogram(tmp_path / "a.trx", values=None).data_per_point == {}


@pytest.mark.parametrize(
    "command", ["dipy_filter_streamlines", "dipy_reconstruct_streamlines"]
)
def test_maps_are_sampled(
    command, weighted, model_file, bundle_files, tmp_path, capsys, phantom
):
    """The image is x along its first axis, so that the points tell its values."""
    grid = phantom.reference
    voxels = np.moveaxis(np.indices(grid.dimensions), 0, -1)
    image = nib.Nifti1Image(apply_affine(grid.affine, voxels)[..., 0], grid.affine)
    image.to_filename(tmp_path / "x.nii.gz")
    maps = ["--maps", f"x={tmp_path}/x.nii.gz", f"FA={tmp_path}/x.nii.gz"]
    arguments = [model_file, weighted, "--out_dir", tmp_path, *maps]
    arguments += ["--out_tractogram", "a.vtk"]
    if command == "dipy_filter_streamlines":
        arguments += ["--reference_files", *bundle_files]
    assert main(command, [*map(str, arguments)]) == 0
    said = capsys.readouterr().err
    assert "data_per_point FA of the inputs are replaced by those of the im" in said
    values = read_tractogram(tmp_path / "a.vtk", values=None).data_per_point
    np.testing.assert_allclose(values["x"][:, 0], values["place"][:, 0], atol=0.1)
    np.testing.assert_array_equal(values["x"], values["FA"])
    arguments[arguments.index("--maps") + 1] = "x"
    assert main(command, [*map(str, [*arguments, "--force"])]) == 1
    assert "--maps 'x': give NAME=FILE, such as" in capsys.readouterr().err


def test_arrays_hold_the_values_too(weighted, model_file, tmp_path, capsys):
    arguments = [model_file, weighted, "--out_dir", tmp_path]
    assert main("dipy_encode_streamlines", [*map(str, arguments)]) == 0
    latents = np.load(tmp_path / "latents.npz")
    dates = latents["data_per_streamline/date"].ravel()
    np.testing.assert_array_equal(dates, 20260100 + latents["index_in_file"])
    said = capsys.readouterr().err
    assert "data_per_point FA, arc_mm, place of the inputs are left out: " in said
    assert "latents.npz has no points: write a .trx to keep them" in said


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
    said = capsys.readouterr().err
    assert "cannot hold date, distance_mm, error_mm, rgb, sift2_weight, FA, ar" in said


def test_held_out_streamlines_keep_them(weighted, tmp_path):
    options = ["--epochs", "1", "--nb_points", "16", "--latent_dim", "3", "--quiet"]
    options += ["--held_out", "0.5", "--out_dir", str(tmp_path)]
    assert main("dipy_train_ae", [str(weighted), *options]) == 0
    held_out = read_tractogram(tmp_path / "held_out.trx", values=None)
    points, place = held_out.streamlines._data, held_out.data_per_point["place"]
    np.testing.assert_array_equal(points, place)
    data = held_out.data_per_streamline
    real = load_bundles(weighted, keep_data=True).data_per_streamline
    rows = np.searchsorted(real["date"].ravel(), data["date"].ravel())
    assert len(rows) == 6 or len(rows) == 5
    np.testing.assert_array_equal(data["rgb"], real["rgb"][rows])
    np.testing.assert_array_equal(data["sift2_weight"], real["sift2_weight"][rows])


def test_predictions_have_them_as_columns(
    weighted, regression_folder, tmp_path, capsys
):
    model = regression_folder / "model.keras"
    arguments = [model, weighted, "--out_dir", tmp_path]
    assert main("dipy_predict_attribute", [*map(str, arguments)]) == 0
    assert "tsv has a row for each streamline, and not" in capsys.readouterr().err
    lines = (tmp_path / "attribute.tsv").read_text(encoding="utf-8").splitlines()
    rows = [dict(zip(lines[0].split("\t"), line.split("\t"))) for line in lines[1:]]
    assert [row["date"] for row in rows[:4]] == [
        *("20260100", "20260101", "20260103", "20260104")
    ]
    assert [row["sift2_weight"] for row in rows[:3]] == ["0.0", "1.0", "nan"]
    assert [rows[0][f"rgb_{number}"] for number in (1, 2, 3)] == ["0", "1", "2"]
