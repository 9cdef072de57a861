import json
import re

from dipy.io.streamline import load_tractogram
import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.streamlines.geometry import arc_lengths, lengths
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.utils.files import file_digest
from dipy_tractogen.utils.versions import current_versions
from dipy_tractogen.workflows.cli import main


@pytest.fixture
def generate(model_file, tmp_path):
    """Run the command; give what it wrote."""

    def run(*arguments, name="synthetic.trx"):
        options = ["--out_dir", tmp_path, "--out_tractogram", name, "--quiet"]
        given = [str(each) for each in (model_file, *arguments, *options)]
        assert main("dipy_generate_streamlines", given) == 0
        return load_bundles(tmp_path / name, out_of_bounds="keep")

    return run


def test_bundles_are_groups_in_the_proportions_of_the_training(generate):
    made = generate("--nb_streamlines", 30)
    assert made.counts() == {"bundle_1": 10, "bundle_2": 10, "bundle_3": 10}
    assert np.ptp(made.streamlines._lengths) > 0


def test_python_and_command_give_the_same(generate, model_file):
    made = generate("--nb_streamlines", 12, "--seed", 5)
    points, labels = load_model(model_file).generate(12, seed=5)
    np.testing.assert_allclose(made.streamlines._data, points._data, atol=1e-3)
    np.testing.assert_array_equal(made.labels, labels)


def test_a_model_writes_the_file_of_the_command(generate, model_file, tmp_path):
    asked = ["--conditions", "length=50:70", "--outside_box", "keep"]
    made = generate("--nb_streamlines", 8, "--seed", 3, *asked, "--nb_points", 9)
    found = load_model(model_file).generate_file(
        tmp_path / "same.trx",
        8,
        conditions={"length": (50.0, 70.0)},
        nb_points=9,
        outside_box="keep",
        seed=3,
    )
    same = load_bundles(tmp_path / "same.trx", out_of_bounds="keep")
    np.testing.assert_array_equal(made.streamlines._data, same.streamlines._data)
    assert found.counts == made.counts()
    assert found.to_dict()["obtained"]["length"]["nb_streamlines"] == 8
    assert found.plausibility is None


def test_chosen_bundles_number_of_points_and_header(generate, model_file):
    made = generate(
        *("--nb_streamlines", 7, "--nb_points", 11, "--bundles", "bundle_2"),
    )
    assert made.counts() == {"bundle_2": 7}
    assert len(made.streamlines[3]) == 11
    assert made.reference.dimensions == (64, 64, 3)


def test_balanced_shares(generate):
    made = generate(
        "--nb_streamlines", 9, "--balanced", "--bundles", "bundle_1", "bundle_3"
    )
    assert sorted(made.counts().values()) == [4, 5]


@pytest.mark.parametrize("name", ["a.trk", "a.tck", "a.vtk", "a.dpy"])
def test_every_format_holds_the_same_points(generate, name):
    expected = generate("--nb_streamlines", 6).resample(20)
    np.testing.assert_allclose(
        generate("--nb_streamlines", 6, name=name).resample(20), expected, atol=1e-2
    )


def test_another_reference_changes_the_header_and_not_the_points(
    generate, phantom, tmp_path
):
    from dipy_tractogen.streamlines.formats.writers import save_bundles
    from dipy_tractogen.streamlines.reference import Reference

    grid = Reference.covering(phantom.streamlines, voxel_size=2.0, margin=40)
    save_bundles(tmp_path / "grid.trx", phantom.streamlines, reference=grid)
    options = ("--nb_streamlines", 6, "--outside_box", "keep")
    plain = generate(*options)
    other = generate(*options, "--reference", tmp_path / "grid.trx", name="other.trx")
    assert other.reference.matches(grid)
    np.testing.assert_allclose(other.resample(9), plain.resample(9), atol=1e-3)


def test_proportions_in_place_of_those_of_the_training(generate):
    made = generate("--nb_streamlines", 8, "--proportions", "bundle_3=3", "bundle_1=1")
    assert made.counts() == {"bundle_1": 2, "bundle_3": 6}


def test_steps_of_a_streamline_are_almost_equal(generate):
    made = generate("--nb_streamlines", 200)
    steps = [np.linalg.norm(np.diff(each, axis=0), axis=1) for each in made.streamlines]
    ratios = [each.max() / each.min() for each in steps]
    assert np.median(ratios) < 1.25


@pytest.fixture
def half_grid(model_file, tmp_path):
    """A grid that every second generated streamline of a bundle leaves."""
    points, _ = load_model(model_file).generate(200, "bundle_1", nb_points=64, seed=0)
    low = points.min(axis=(0, 1)) - 30
    middle = np.median(points.max(axis=1)[:, 0])
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = low
    size = np.ceil((points.max(axis=(0, 1)) + 30 - low) / 2).astype(int)
    size[0] = (middle - low[0]) / 2
    path = tmp_path / "half_grid.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros(size, np.uint8), affine), path)
    return path


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_streamlines_out_of_the_grid_are_replaced(
    generate, half_grid, tmp_path, capsys, dtype
):
    options = ["--nb_streamlines", 150, "--reference", half_grid, "--dtype", dtype]
    options += ["--bundles", "bundle_1"]
    made = generate(*options)
    assert len(made) == 150
    assert made.report.counts == {}
    assert load_tractogram(str(tmp_path / "synthetic.trx"), "same")
    record = json.loads((tmp_path / "synthetic.trx.json").read_text(encoding="utf-8"))
    assert record["rejected"]["box"] == record["rejected_in_all"] > 50
    assert record["nb_outside_box"] == 0
    kept = generate(*options, "--outside_box", "keep", name="kept.trx")
    record = json.loads((tmp_path / "kept.trx.json").read_text(encoding="utf-8"))
    assert record["nb_outside_box"] == kept.report.noted["out of the bounding box"] > 50
    assert "out of the bounding box" in capsys.readouterr().err


def test_a_grid_that_nearly_all_leave_is_refused(
    refused, half_grid, model_file, tmp_path
):
    grid = nib.Nifti1Image(np.zeros((9, 9, 9), np.uint8), np.eye(4))
    nib.save(grid, tmp_path / "small.nii.gz")
    several = ["--nb_streamlines", 5000, "--reference", tmp_path / "small.nii.gz"]
    error = refused("dipy_generate_streamlines", model_file, *several)
    assert re.search(r"(\d+) of the first \1 generated streamlines leave", error)
    assert "--reference FILE" in error
    assert "--outside_box keep" in error
    few = ["--nb_streamlines", 5, "--reference", tmp_path / "small.nii.gz"]
    error = refused("dipy_generate_streamlines", model_file, *few)
    assert "40 of the first 40 generated streamlines leave" in error
    options = ["--reference", half_grid, "--outside_box", "error"]
    error = refused("dipy_generate_streamlines", model_file, *options)
    assert "of the first 334 generated streamlines leave the bounding box" in error


def test_points_at_steps_of_one_size(generate):
    made = generate("--nb_streamlines", 9, "--step_size", 4)
    sizes = [np.linalg.norm(np.diff(each, axis=0), axis=1) for each in made.streamlines]
    assert len({len(each) for each in sizes}) > 1
    np.testing.assert_allclose([each.mean() for each in sizes], 4, rtol=0.15)


def test_half_precision_makes_half_a_file(generate, tmp_path):
    many = ("--nb_streamlines", 300)
    whole = generate(*many)
    half = generate(*many, "--dtype", "float16", name="half.trx")
    difference = np.abs(whole.streamlines._data - half.streamlines._data)
    assert 0 < difference.max() < 0.07
    sizes = [(tmp_path / name).stat().st_size for name in ("half.trx", "synthetic.trx")]
    assert sizes[0] < 0.65 * sizes[1]


def test_format_that_holds_points_alone_loses_nothing_of_one_bundle(generate, capsys):
    generate("--nb_streamlines", 4, "--bundles", "bundle_2", name="one.tck")
    assert "WARNING" not in capsys.readouterr().err
    generate("--nb_streamlines", 4, name="three.tck")
    assert "cannot hold the bundles" in capsys.readouterr().err


@pytest.fixture
def files(bundle_files, tmp_path):
    """Files that the model was trained on, and images around their streamlines."""
    points = load_bundles(bundle_files).streamlines.get_data()
    affine = np.diag([6.0, 6.0, 6.0, 1.0])
    affine[:3, 3] = points.min(axis=0) - 30
    size = np.ceil((np.ptp(points, axis=0) + 60) / 6).astype(int)
    everywhere = np.ones(tuple(size), dtype=np.uint8)
    first_half = everywhere.copy()
    first_half[int((np.median(points[:, 0]) - affine[0, 3]) / 6) :] = 0
    peaks = np.random.default_rng(0).normal(size=(*size, 9)).astype(np.float32)
    images = {"all": everywhere, "half": first_half, "peaks": peaks}
    for name, data in images.items():
        nib.save(nib.Nifti1Image(data, affine), tmp_path / f"{name}.nii.gz")
    found = {name: tmp_path / f"{name}.nii.gz" for name in images}
    return {**found, "training": bundle_files}


def test_every_criterion_replaces_what_it_rejects(
    generate, files, model_file, tmp_path
):
    plain, _ = load_model(model_file).generate(200, seed=0)
    shortest = np.percentile(arc_lengths(plain), 20)
    options = ["--nb_streamlines", 60, "--min_length", shortest]
    options += ["--max_length", 1e4, "--max_winding", 1e4, "--min_radius", 1e-3]
    options += ["--mask", files["all"], "--min_inside", 0.9]
    options += ["--start_region", files["all"], "--end_region", files["all"]]
    options += ["--peaks", files["peaks"], "--max_angle", 89]
    options += ["--train_files", *files["training"], "--min_novelty", 0.01]
    options += ["--max_novelty", 1e3]
    made = generate(*options)
    assert len(made) == 60
    assert lengths(made.resample(32)).min() > 0.98 * shortest
    record = json.loads((tmp_path / "synthetic.trx.json").read_text(encoding="utf-8"))
    assert record["counts"] == made.counts()
    assert record["tried"] - record["rejected_in_all"] >= 60
    assert 0 < record["rejected"]["length"] <= record["rejected_in_all"]
    assert record["rejected"]["winding"] == 0
    assert record["missing"] == {}


def test_record_beside_the_file_tells_how_it_was_made(generate, model_file, tmp_path):
    generate("--nb_streamlines", 3, "--bundles", "bundle_2", name="some.v1.trk")
    record = json.loads((tmp_path / "some.v1.trk.json").read_text(encoding="utf-8"))
    command = f"dipy_generate_streamlines {model_file} --nb_streamlines 3 --bundles"
    assert record["command"].startswith(command)
    assert record["model"] == {
        "file": str(model_file),
        "digest": file_digest(model_file),
    }
    assert record["parameters"]["bundles"] == ["bundle_2"]
    assert record["parameters"]["sampler"] == "manifold"
    assert record["counts"] == {"bundle_1": 0, "bundle_2": 3, "bundle_3": 0}
    assert record["versions"] == current_versions()
    assert record["warnings"] == []
    assert record["tractogram"] == "some.v1.trk"
    bundles = {"0": "bundle_1", "1": "bundle_2", "2": "bundle_3"}
    assert record["categories"] == {"bundle": bundles}
    # Another format beside it has a file of its own.
    before = (tmp_path / "some.v1.trk.json").read_bytes()
    generate("--nb_streamlines", 2, name="some.v1.trx")
    assert (tmp_path / "some.v1.trx.json").is_file()
    assert (tmp_path / "some.v1.trk.json").read_bytes() == before
    (tmp_path / "some.v1.trx").unlink()
    given = [str(model_file), "--out_dir", str(tmp_path), "--out_tractogram"]
    assert main("dipy_generate_streamlines", [*given, "some.v1.trx"]) == 1
    assert not (tmp_path / "some.v1.trx").exists()


def test_what_is_found_is_kept_and_the_rest_is_the_exit_message(
    model_file, files, tmp_path, capsys
):
    given = [model_file, "--nb_streamlines", 30, "--out_dir", tmp_path]
    given += ["--mask", files["half"], "--min_inside", 0.25, "--max_tries", 1]
    assert main("dipy_generate_streamlines", [*map(str, given)]) == 1
    made = load_bundles(tmp_path / "synthetic.trx", out_of_bounds="keep")
    assert 0 < len(made) < 30
    *_, error = capsys.readouterr().err.splitlines()
    assert error.startswith(f"ERROR: {30 - len(made)} streamlines are missing: bundle_")
    assert f"Rejected {30 - len(made)} of 30: mask {30 - len(made)}." in error
    assert f"{tmp_path / 'synthetic.trx'} holds the others" in error


def test_no_plausible_streamline_leaves_no_file(refused, model_file):
    error = refused(
        *("dipy_generate_streamlines", model_file, "--nb_streamlines", 4),
        *("--min_length", 1e4, "--max_winding", 1e4, "--max_tries", 2),
    )
    assert "No streamline is plausible. Rejected 8 of 8: length 8." in error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--proportions", "bundle_1"], "give BUNDLE=SHARE"),
        (["--proportions", "bundle_1=-2"], "positive number"),
        (["--proportions", "bundle_1=1", "bundle_1=2"], "given twice"),
        (["--proportions", "fornix=1"], "fornix is not in the model"),
        (["--proportions", "bundle_1=1", "--balanced"], "leave out one"),
        (["--step_size", "0"], "--step_size 0"),
        (["--step_size", "2", "--nb_points", "9"], "leave out one"),
        (["--dtype", "float64"], "accepted are float32, float16"),
        (["--dtype", "float16", "--out_tractogram", "a.trk"], "write a .trx"),
        (["--max_tries", "0"], "--max_tries 0"),
        (["--min_length", "9", "--max_length", "8"], "--max_length 8.0: give"),
        (["--max_winding", "0"], "--max_winding 0"),
        (["--max_angle", "30"], "--max_angle is of no use without --peaks"),
        (["--min_inside", "0.5"], "without --mask"),
        (["--min_novelty", "1"], "without --train_files"),
        (["--train_files", "a.trk"], "without --min_novelty or --max_novelty"),
        (["--mask", "none.nii.gz"], "none.nii.gz does not exist"),
    ],
)
def test_options_that_cannot_be_are_refused(refused, model_file, options, said):
    assert said in refused("dipy_generate_streamlines", model_file, *options)
