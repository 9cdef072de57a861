"""The grid of an evaluation, and streamlines that leave its box."""

import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.streamlines.formats.writers import save_bundles

from .evaluations import evaluate, read, save_sets, simulate


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return save_sets(tmp_path_factory.mktemp("evaluate"))


def save_grid(path, affine, dimensions=(70, 60, 4)):
    image = nib.Nifti1Image(np.zeros(dimensions, np.uint8), np.array(affine, float))
    nib.save(image, path)
    return str(path)


def test_volumes_are_compared_on_a_given_grid(tmp_path, files):
    turned = [[1.8, -0.9, 0, 40], [0.9, 1.8, 0, -20], [0, 0, 3, 0], [0, 0, 0, 1]]
    dice = {}
    for name, affine in (("oblique", turned), ("coarse", np.diag([12, 12, 12, 1]))):
        grid = save_grid(tmp_path / f"{name}.nii.gz", affine)
        options = ["--grid", grid, "--out_metrics", f"{name}.json", "--force"]
        assert evaluate(tmp_path, *files[:2], *options, "--nb_bootstrap", "0") == 0
        report = read(tmp_path, f"{name}.json")
        assert report["parameters"]["grid_file"] == grid
        assert report["parameters"]["voxel_size"] is None
        np.testing.assert_allclose(report["parameters"]["grid"]["affine"], affine)
        assert report["overall"]["intervals"] == {}
        dice[name] = report["overall"]["generated"]["dice"]
    assert 0.2 < dice["oblique"] < dice["coarse"] < 1


def test_a_grid_elsewhere_is_refused(tmp_path, files, refused):
    far = np.eye(4)
    far[:3, 3] = 900
    grid = save_grid(tmp_path / "far.nii.gz", far)
    said = refused("dipy_evaluate_streamlines", *files[:2], "--grid", grid)
    assert "No real streamline passes" in said
    tiny = save_grid(tmp_path / "tiny.nii.gz", np.eye(4), (1, 1, 1))
    said = refused("dipy_evaluate_streamlines", *files[:2], "--grid", tiny)
    assert "without an image" in said


def save_outside(path, seed, every):
    """Write streamlines of which one in ``every`` is far out of the box."""
    bundles = simulate(seed)
    points = bundles.resample(30)
    points[::every] += np.float32(500)
    save_bundles(
        path,
        points,
        reference=bundles.reference if path.suffix == ".trx" else None,
        labels=bundles.labels,
        bundle_names=bundles.bundle_names,
    )
    return str(path)


@pytest.mark.parametrize(("rule", "nb_kept"), [("drop", 33), ("keep", 36)])
def test_one_rule_of_the_box_holds_for_all_inputs(tmp_path, capsys, rule, nb_kept):
    """A set that is compared with itself has one value, with either rule."""
    paths = [tmp_path / f"{kind}.trx" for kind in ("generated", "real")]
    generated, real = (save_outside(path, 1, 12) for path in paths)
    training = save_outside(tmp_path / "training.trx", 2, 36)
    options = ["--outside_box", rule, "--train_files", training]
    assert evaluate(tmp_path, generated, real, *options, "--nb_bootstrap", "0") == 0
    report = read(tmp_path)
    counts = report["overall"]["counts"]
    assert (counts["generated"], counts["real"]) == (nb_kept, nb_kept)
    assert report["overall"]["generated"]["precision"] == 1
    assert report["parameters"]["outside_box"] == rule
    for kind, outside in (("generated", 3), ("real", 3), ("training", 1)):
        found = report["screening"][kind]
        reason = {"out of the bounding box": outside}
        assert found["total"] == 36
        assert found["dropped"] == (reason if rule == "drop" else {})
        assert found["noted"] == (reason if rule == "keep" else {})
        (said,) = [each for each in report["warnings"] if f"Of the {kind} " in each]
        assert f"{outside} out of the bounding box" in said
        assert said in capsys.readouterr().err or kind != "generated"


def test_files_without_a_grid_have_the_box_of_the_real_ones(tmp_path, files):
    """A tck has no box: dropping in the other set alone would compare two things."""
    generated = tmp_path / "generated.tck"
    points = simulate(0).resample(30)
    points[::12] += np.float32(500)
    save_bundles(generated, points, reference=simulate(0).reference)
    assert evaluate(tmp_path, str(generated), files[1], "--nb_bootstrap", "0") == 0
    report = read(tmp_path)
    assert report["screening"]["generated"]["dropped"] == {"out of the bounding box": 3}


def test_wrong_box_is_an_error_that_names_the_options(tmp_path, capsys, files):
    far = save_outside(tmp_path / "far.trx", 0, 2)
    for given in ((far, files[1]), (files[0], far)):
        assert evaluate(tmp_path, *given) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert "of 36 streamlines, 18 out of the bounding box" in error
        assert "--outside_box keep" in error
        assert "--reference FILE" in error
    assert not (tmp_path / "metrics.json").exists()
    assert evaluate(tmp_path, far, files[1], "--outside_box", "keep") == 0
    overall = read(tmp_path)["overall"]
    assert overall["counts"]["generated"] == 36
    assert 0.3 < overall["generated"]["precision"] < 0.7


def test_sets_in_two_spaces_are_said_with_their_places(tmp_path, capsys, files):
    bundles = simulate(0)
    points = bundles.resample(30) + np.float32(60)
    far = tmp_path / "far.trx"
    save_bundles(far, points, reference=bundles.reference)
    options = ["--outside_box", "keep", "--nb_bootstrap", "0"]
    assert evaluate(tmp_path, str(far), files[1], *options) == 0
    report = read(tmp_path)
    (said,) = [each for each in report["warnings"] if "in one space" in each]
    assert "generated: median length" in said
    assert f"WARNING: {said}" in capsys.readouterr().err
    ours, theirs = (report["places"][kind] for kind in ("generated", "real"))
    moved = np.subtract(ours["centre_mm"], theirs["centre_mm"])
    np.testing.assert_allclose(moved, 60, atol=8)
