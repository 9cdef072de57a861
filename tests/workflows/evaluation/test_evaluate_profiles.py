"""Profiles of values, of generated and real streamlines."""

import csv

import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.simulation.cohort import (
    simulate_cohort,
    simulate_participants,
)
from dipy_tractogen.streamlines.simulation.profiles import PROFILE_LAWS

from .evaluations import evaluate, read


@pytest.fixture(scope="module")
def valued_files(tmp_path_factory):
    """Two bundles of 25 subjects with FA and MD: generated, real and of training."""
    folder = tmp_path_factory.mktemp("valued")
    files = []
    for seed in range(3):
        cohort = simulate_cohort(
            simulate_participants(25, seed=seed),
            profiles=PROFILE_LAWS,
            nb_streamlines=2,
            nb_points=20,
            seed=seed,
        )
        path = folder / f"{seed}.trx"
        save_bundles(
            path, BundleSet.merge([one.select(one.labels < 2) for _, one in cohort])
        )
        files.append(str(path))
    return files


def test_profiles_of_values_are_compared(tmp_path, valued_files, model_file, capsys):
    """Also where a model reads the real files, and values of its own."""
    generated, real, training = valued_files
    options = ["--train_files", training, "--nb_bootstrap", "0"]
    options += ["--model_file", str(model_file), "--require"]
    options += ["FA_profile_w1<=3*real", "bundle_1:MD_profile_covariance<=-1"]
    assert evaluate(tmp_path, generated, real, *options, "--values", "FA", "MD") == 3
    report = read(tmp_path)
    assert [each["met"] for each in report["thresholds"]] == [True, False]
    with open(tmp_path / "metrics.tsv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert list(rows[0]) == list(report["columns"])
    value = report["thresholds"][0]["value"]
    assert float(rows[0]["FA_profile_w1"]) == pytest.approx(value, rel=1e-5)
    found = report["profiles"]
    assert list(found["values"]) == ["FA", "MD"]
    assert list(found["values"]["FA"]["bundles"]) == ["bundle_1", "bundle_2"]
    assert report["parameters"]["values"] == ["FA", "MD"]
    assert found["pairing"]["real"]["value"] > 0
    assert f"INFO: {found['verdict'][0]}" in capsys.readouterr().err


def test_values_that_files_lack_are_refused(refused, valued_files):
    error = refused("dipy_evaluate_streamlines", *valued_files[:2], "--values", "RD")
    assert "RD" in error
    assert "FA" in error
    limit = ("--require", "RD_profile_w1<=1")
    error = refused("dipy_evaluate_streamlines", *valued_files[:2], *limit)
    assert "RD_profile_w1: there are no values" in error
    assert "(--values RD)" in error


def test_values_of_real_files_may_be_in_images(tmp_path, valued_files, refused):
    """Those of generated files stay what was generated."""
    generated, real, _ = valued_files
    bundles = load_bundles(real)
    grid = bundles.reference
    save_bundles(tmp_path / "real.trx", bundles)
    voxels = np.indices(grid.dimensions)
    image = nib.Nifti1Image(0.5 + 1e-3 * voxels[0], grid.affine)
    image.to_filename(tmp_path / "fa.nii.gz")
    files = (generated, str(tmp_path / "real.trx"), "--nb_bootstrap", "0")
    maps = ["--maps", f"FA={tmp_path}/fa.nii.gz"]
    assert evaluate(tmp_path, *files, "--values", "FA", *maps) == 0
    assert read(tmp_path)["profiles"]["values"].keys() == {"FA"}
    error = refused("dipy_evaluate_streamlines", *files, *maps)
    assert "--maps" in error
    assert "is of no use without --values or --model_file" in error
