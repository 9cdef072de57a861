import csv
import json

import numpy as np
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup
from dipy_tractogen.workflows.cli import main


@pytest.fixture(scope="module")
def given_file(tmp_path_factory):
    """Streamlines of the three bundles and of one that the reference has not."""
    path = tmp_path_factory.mktemp("given") / "given.trx"
    bundles = simulate_fibercup(15, seed=8)
    chosen = bundles.select(np.isin(bundles.labels, [0, 1, 2, 3]))
    save_bundles(
        path,
        chosen.streamlines,
        reference=chosen.reference,
        labels=chosen.labels,
        bundle_names=chosen.bundle_names,
    )
    return path


@pytest.fixture(scope="module")
def labelled(model_file, bundle_files, given_file, tmp_path_factory):
    """All that a run writes, and log.txt."""
    folder = tmp_path_factory.mktemp("labelled")
    given = [model_file, given_file, "--reference_files", *bundle_files, "--score"]
    given += ["--out_dir", folder, "--log_file", folder / "log.txt"]
    assert main("dipy_label_streamlines", [str(each) for each in given]) == 0
    return folder


def report_of(folder):
    return json.loads((folder / "labels.json").read_text(encoding="utf-8"))


def test_streamlines_get_the_names_of_the_reference(labelled, given_file):
    """In the order of the input; by a model that was hardly trained."""
    back, given = load_bundles(labelled / "labelled.trx"), load_bundles(given_file)
    np.testing.assert_allclose(
        back.streamlines._data, given.streamlines._data, atol=1e-3
    )
    assert set(back.bundle_names) == {"bundle_1", "bundle_2", "bundle_3", "unassigned"}
    obtained = np.array(back.bundle_names)[back.labels]
    names = [n.replace("bundle_4", "unassigned") for n in given.bundle_names]
    expected = np.array(names)[given.labels]
    assert (obtained == expected).mean() > 0.6
    assert report_of(labelled)["score"]["accuracy"] == (obtained == expected).mean()


def test_the_score_is_by_bundle(labelled):
    score = report_of(labelled)["score"]
    assert score["nb_streamlines"] == 60
    assert set(score["bundles"]) == {"bundle_1", "bundle_2", "bundle_3", "unassigned"}
    assert score["bundles"]["unassigned"]["nb_streamlines"] == 15
    log = (labelled / "log.txt").read_text(encoding="utf-8")
    assert "Not in the reference, so of none: bundle_4" in log
    for name, each in score["bundles"].items():
        assert f"{name}: precision {each['precision']:.3f}" in log


def test_held_out_figures_are_of_the_reference(labelled):
    report = report_of(labelled)
    assert report["held_out"]["nb_streamlines"] == 72
    assert report["held_out"]["accuracy"] > 0.8
    counted = {n: b["nb_streamlines"] for n, b in report["held_out"]["bundles"].items()}
    assert counted == {"bundle_1": 12, "bundle_2": 12, "bundle_3": 12}
    assert set(report["thresholds_mm"]) == set(counted)


def test_counts_are_those_of_the_groups(labelled):
    with open(labelled / "counts.tsv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    counts = load_bundles(labelled / "labelled.trx").counts()
    assert {row["bundle"]: int(row["nb_streamlines"]) for row in rows} == counts
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1)


def test_what_was_learnt_is_used_again(labelled, model_file, given_file, tmp_path):
    learnt = labelled / "label_thresholds.npz"
    given = [model_file, given_file, "--thresholds_file", learnt, "--out_dir", tmp_path]
    assert main("dipy_label_streamlines", [str(each) for each in given]) == 0
    back, before = (
        load_bundles(folder / "labelled.trx") for folder in (tmp_path, labelled)
    )
    np.testing.assert_array_equal(back.labels, before.labels)
    counts = {"total": 60, "kept": 60, "dropped": {}, "noted": {}}
    assert report_of(tmp_path) == {"warnings": [], "screening": {"input": counts}}
    assert not (tmp_path / "label_thresholds.npz").exists()


def test_another_space_is_told_where_nearly_all_are_unassigned(
    labelled, model_file, given_file, tmp_path
):
    given = load_bundles(given_file)
    points = given.resample(60) + np.float32(400)
    save_bundles(tmp_path / "far.trx", points, reference=given.reference)
    learnt = ["--thresholds_file", labelled / "label_thresholds.npz"]
    options = ["--outside_box", "keep", "--out_dir", tmp_path]
    arguments = [model_file, tmp_path / "far.trx", *learnt, *options]
    assert main("dipy_label_streamlines", [str(each) for each in arguments]) == 0
    report = report_of(tmp_path)
    assert "60 of the 60 streamlines are near to no reference" in report["warnings"][-1]
    ours, theirs = (report["places"][name] for name in ("input", "reference"))
    assert ours["centre_mm"][0] > theirs["high_mm"][0]


def test_a_labelled_tractogram_is_a_reference(
    labelled, model_file, given_file, tmp_path
):
    """What is unassigned in it stays so."""
    reference = ["--reference_files", labelled / "labelled.trx"]
    given = [model_file, given_file, *reference, "--score", "--out_dir", tmp_path]
    assert main("dipy_label_streamlines", [str(each) for each in given]) == 0
    report = report_of(tmp_path)
    assert set(report["thresholds_mm"]) == {"bundle_1", "bundle_2", "bundle_3"}
    assert report["held_out"]["nb_streamlines"] == 60


def test_a_reference_of_none_is_refused(
    refused, labelled, model_file, given_file, tmp_path
):
    bundles = load_bundles(given_file)
    file = tmp_path / "unassigned.trk"
    save_bundles(file, bundles.streamlines, reference=bundles.reference)
    given = [model_file, given_file, "--reference_files", file]
    error = refused("dipy_label_streamlines", *given)
    assert "all streamlines are unassigned" in error


@pytest.fixture
def labelled_file(phantom, tmp_path):
    """A TRX as dipy_label_streamlines writes it: two bundles, and what is of none."""
    chosen = phantom.select(phantom.labels < 3)
    names = (*phantom.bundle_names[:2], "unassigned")
    options = {"labels": chosen.labels, "bundle_names": names}
    path = tmp_path / "labelled.trx"
    save_bundles(path, chosen.streamlines, reference=phantom.reference, **options)
    return path


def test_what_is_of_no_bundle_is_not_trained_on(labelled_file, tmp_path, capsys):
    small = ["--epochs", "1", "--nb_points", "16", "--latent_dim", "2"]
    arguments = [str(labelled_file), *small, "--out_dir", str(tmp_path)]
    assert main("dipy_train_vae", arguments) == 0
    assert "dropped: 12 unassigned" in capsys.readouterr().err
    record = load_model(tmp_path / "model.keras").record
    assert record.bundle_names == ["bundle_1", "bundle_2"]
    assert record.data["dropped"] == {"unassigned": 12}


def test_what_is_of_no_bundle_is_not_measured(labelled_file, model_file, tmp_path):
    """Neither its mean, nor how near it is to others of no bundle."""
    arguments = [str(model_file), str(labelled_file), "--out_dir", str(tmp_path)]
    assert main("dipy_average_streamlines", arguments) == 0
    means = load_bundles(tmp_path / "mean.trx", out_of_bounds="keep")
    assert means.bundle_names == ("bundle_1", "bundle_2")
    files = [str(labelled_file), str(labelled_file)]
    assert main("dipy_evaluate_streamlines", [*files, "--out_dir", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert list(report["bundles"]) == ["bundle_1", "bundle_2"]
