import json

import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.nn import encoding
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.simulation.invalid import KINDS, make_invalid
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup
from dipy_tractogen.workflows.cli import main

COMMAND = "dipy_filter_streamlines"


def run(*given):
    return main(COMMAND, [str(each) for each in given])


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Streamlines of three bundles, and as many invalid ones of a group of theirs."""
    folder = tmp_path_factory.mktemp("mixed")
    bundles = simulate_fibercup(20, seed=7)
    bundles = bundles.select(bundles.labels < 3)
    real = bundles.resample(60)
    invalid, _ = make_invalid(real, seed=1)
    save_bundles(
        folder / "mixed.trx",
        np.concatenate([real, invalid]),
        reference=bundles.reference,
        labels=np.concatenate([bundles.labels, np.full(60, 3)]),
        bundle_names=(*bundles.bundle_names[:3], "wrong"),
    )
    save_bundles(folder / "wrong.trx", invalid, reference=bundles.reference)
    return folder / "mixed.trx"


@pytest.fixture(scope="module")
def filtered(model_file, bundle_files, mixed, tmp_path_factory):
    """All that a run writes, and log.txt; encoded in small blocks."""
    folder = tmp_path_factory.mktemp("filtered")
    options = ["--outside_box", "keep", "--out_rejected", "rejected.trk"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "BLOCK", 25)
        done = run(
            *(model_file, mixed, "--reference_files", *bundle_files, *options),
            *("--out_dir", folder, "--log_file", folder / "log.txt"),
        )
    assert done == 0
    return folder


def data_of(path):
    return nib.streamlines.load(path).tractogram.data_per_streamline


def report_of(folder):
    return json.loads((folder / "filter.json").read_text(encoding="utf-8"))


def test_every_streamline_is_in_one_of_the_outputs(filtered, mixed):
    kept = load_bundles(filtered / "plausible.trx", out_of_bounds="keep")
    rejected = load_bundles(filtered / "rejected.trk", out_of_bounds="keep")
    assert len(kept) + len(rejected) == 120
    given = load_bundles(mixed, out_of_bounds="keep").resample(8)
    found = np.concatenate([kept.resample(8), rejected.resample(8)])
    gap = np.abs(found[:, None] - given[None]).max(axis=(2, 3))
    assert (gap.min(axis=1) < 1e-2).all()
    assert len(np.unique(gap.argmin(axis=1))) == 120


def test_plausible_ones_are_kept_and_others_found(filtered):
    """As many as the figures of the reference foretell."""
    report = report_of(filtered)
    counts, foretold = report["counts"], report["held_out"]
    kept = sum(counts[f"bundle_{i}"]["nb_plausible"] for i in (1, 2, 3))
    right = kept + counts["wrong"]["nb_rejected"]
    assert kept / 60 == pytest.approx(foretold["recall"], abs=0.15)
    assert right / 120 == pytest.approx(foretold["accuracy"], abs=0.1)


def test_distances_are_written_and_decide(filtered, mixed, tmp_path, model_file):
    rejected = data_of(filtered / "rejected.trk")
    assert (rejected["relative_distance"] > 1).all()
    thresholds = report_of(filtered)["thresholds_mm"]
    ratio = np.ravel(rejected["distance_mm"] / rejected["relative_distance"])
    gap = np.abs(ratio[:, None] / np.array(list(thresholds.values())) - 1)
    assert (gap.min(axis=1) < 1e-4).all()
    kept = ["--out_tractogram", "plausible.trk", "--outside_box", "keep"]
    again = ["--thresholds_file", filtered / "filter_thresholds.npz"]
    assert run(model_file, mixed, *kept, *again, "--out_dir", tmp_path) == 0
    assert (data_of(tmp_path / "plausible.trk")["relative_distance"] <= 1).all()


def test_the_report_foretells_what_is_found(filtered):
    report = report_of(filtered)
    assert set(report["thresholds_mm"]) == {"bundle_1", "bundle_2", "bundle_3"}
    assert set(report["held_out_found"]) == set(KINDS)
    assert report["held_out"]["nb_to_accept"] == 36
    assert report["held_out"]["nb_to_reject"] == 36
    assert report["held_out"]["f1"] > 0.8
    log = (filtered / "log.txt").read_text(encoding="utf-8")
    assert f"f1 {report['held_out']['f1']:.3f}" in log
    assert "36 reference streamlines of 3 bundles and 36 others, made of them" in log


def test_what_was_learnt_is_used_again(filtered, mixed, model_file, tmp_path):
    """With the same result, and no second file of thresholds."""
    learnt = filtered / "filter_thresholds.npz"
    with np.load(learnt, allow_pickle=False) as arrays:
        assert all(array.dtype != object for array in arrays.values())
    given = [model_file, mixed, "--thresholds_file", learnt, "--outside_box", "keep"]
    assert run(*given, "--out_dir", tmp_path) == 0
    assert not (tmp_path / "filter_thresholds.npz").exists()
    again, before = report_of(tmp_path), report_of(filtered)
    assert again["counts"] == before["counts"]
    assert set(again) == {"counts", "screening", "warnings"}
    outside = {"out of the bounding box": 38}
    assert again["screening"]["input"]["noted"] == outside
    assert set(before["screening"]) == {"reference", "input"}
    assert "38 out of the bounding box" in again["warnings"][0]


def test_thresholds_of_invalid_files_and_of_unassigned_ones(
    model_file, bundle_files, mixed, filtered, tmp_path
):
    """The same streamlines in a file of their own, and as a bundle that is none."""
    whole = load_bundles(mixed, out_of_bounds="keep")
    reference = load_bundles(bundle_files)
    wrong = np.array(whole.select(whole.labels == 3).streamlines)
    save_bundles(
        tmp_path / "reference.trx",
        np.concatenate([reference.resample(60), wrong]),
        reference=reference.reference,
        labels=np.concatenate([reference.labels, np.full(60, 3)]),
        bundle_names=(*reference.bundle_names, "unassigned"),
    )
    save_bundles(
        tmp_path / "real.trx",
        reference.resample(60),
        reference=reference.reference,
        labels=reference.labels,
        bundle_names=reference.bundle_names,
    )
    ways = {
        "files": [tmp_path / "real.trx", "--invalid_files", mixed.parent / "wrong.trx"],
        "groups": [tmp_path / "reference.trx"],
    }
    found = {}
    for way, given in ways.items():
        options = ["--outside_box", "keep", "--out_dir", tmp_path / way]
        assert run(model_file, mixed, "--reference_files", *given, *options) == 0
        found[way] = report_of(tmp_path / way)
    assert found["files"]["held_out"]["nb_to_reject"] == 60
    assert "held_out_found" not in found["files"]
    assert found["files"]["held_out"] == found["groups"]["held_out"]
    assert found["files"]["thresholds_mm"] == pytest.approx(
        found["groups"]["thresholds_mm"], rel=1e-3
    )


def test_no_rejected_streamline_is_no_second_tractogram(filtered, model_file, tmp_path):
    """And the log says only what is written."""
    learnt = ["--thresholds_file", filtered / "filter_thresholds.npz"]
    options = ["--out_rejected", "rejected.trx", "--out_dir", tmp_path]
    kept = filtered / "plausible.trx"
    options += ["--outside_box", "keep", "--log_file", tmp_path / "log.txt"]
    assert run(model_file, kept, *learnt, *options) == 0
    log = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert f"{tmp_path / 'rejected.trx'} is not written" in log
    assert "rejected.trx" not in log.split("Wrote", 1)[1]
    assert not (tmp_path / "rejected.trx").exists()


def test_a_share_is_kept(model_file, bundle_files, mixed, tmp_path):
    given = [model_file, *bundle_files, "--reference_files", *bundle_files]
    assert run(*given, "--kept_share", "0.5", "--out_dir", tmp_path) == 0
    near = report_of(tmp_path)["held_out_near"]
    assert np.mean(list(near.values())) == pytest.approx(0.5, abs=0.1)


def test_nothing_plausible_is_said(refused, model_file, bundle_files, tmp_path):
    far = load_bundles(bundle_files[0])
    points = far.resample(20) + np.float32(5000)
    save_bundles(tmp_path / "far.trk", points, reference=far.reference)
    given = [tmp_path / "far.trk", "--reference_files", *bundle_files]
    error = refused(COMMAND, model_file, *given, "--outside_box", "keep")
    assert "none of the 12 streamlines is plausible, the nearest being" in error
    assert "input: median length" in error
    assert "reference: median length" in error


def test_rejection_of_nearly_all_compares_the_places(
    model_file, bundle_files, filtered, tmp_path
):
    """Also with thresholds that were learnt before; one right streamline is kept."""
    near = load_bundles(bundle_files[0])
    points = np.concatenate([near.resample(60), near.resample(60)])
    points[1:] = points[1:] * 0.5 + np.float32(300)
    save_bundles(tmp_path / "far.trk", points, reference=near.reference)
    given = [model_file, tmp_path / "far.trk", "--outside_box", "keep"]
    learnt = ["--thresholds_file", filtered / "filter_thresholds.npz"]
    for source in (["--reference_files", *bundle_files], learnt):
        assert run(*given, *source, "--out_dir", tmp_path, "--force") == 0
        report = report_of(tmp_path)
        (said,) = [one for one in report["warnings"] if "23 of the 24" in one]
        assert "have to be in the space of the reference. input: median" in said
        ours, theirs = (report["places"][name] for name in ("input", "reference"))
        real = load_bundles(bundle_files)
        assert theirs["median_length_mm"] == pytest.approx(
            np.median(real.lengths()), rel=1e-4
        )
        assert ours["median_length_mm"] == pytest.approx(
            np.median(near.lengths()) / 2, rel=0.1
        )
        assert theirs["low_mm"][0] < theirs["centre_mm"][0] < theirs["high_mm"][0]
        assert ours["centre_mm"][0] > 300


def test_one_source_of_thresholds_is_needed(
    refused, model_file, bundle_files, tmp_path
):
    assert "--reference_files: give" in refused(COMMAND, model_file, *bundle_files)
    given = [model_file, *bundle_files, "--reference_files", bundle_files[0]]
    error = refused(COMMAND, *given, "--thresholds_file", "a.npz")
    assert "leave out --reference_files" in error
    for options, said in (
        (["--criterion", "auc"], "--criterion auc: accepted are f1"),
        (["--kept_share", "1"], "--kept_share 1.0: give a number"),
        (["--out_thresholds", "a.json"], "what is learnt is written to an .npz"),
        (["--out_rejected", "a.txt"], "a.txt has the extension"),
    ):
        assert said in refused(COMMAND, *given, *options)


def test_a_model_that_reads_the_bundle_is_refused(
    refused, conditional_model, bundle_files
):
    given = [conditional_model, *bundle_files, "--reference_files", *bundle_files]
    error = refused(COMMAND, *given)
    assert "holds a CVAE, which has to be told the bundle" in error
    assert "dipy_train_vae" in error


def test_thresholds_of_others_are_refused(
    refused, filtered, model_file, regression_folder, bundle_files, tmp_path
):
    learnt = filtered / "filter_thresholds.npz"
    given = [*bundle_files, "--thresholds_file"]
    other = regression_folder / "model.keras"
    error = refused(COMMAND, other, *given, learnt)
    assert "was made with another model" in error
    error = refused("dipy_label_streamlines", model_file, *given, learnt)
    assert "give one of the same command" in error
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(learnt.read_bytes()[:-200])
    error = refused(COMMAND, model_file, *given, damaged)
    assert "holds no thresholds, or is damaged" in error
