import csv
import json
import shutil

import numpy as np
import pytest

from dipy_tractogen.metrics.report_schema import describe_columns
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.utils.messages import ThresholdsNotMet
from dipy_tractogen.workflows.evaluate import EvaluateStreamlinesFlow

from .evaluations import evaluate, read, save, save_sets, simulate


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return save_sets(tmp_path_factory.mktemp("evaluate"))


@pytest.mark.parametrize("beside", ['{"model": {"file": "m", "digest": "ab"}}', "[]"])
def test_the_model_that_generated_is_told(tmp_path, files, beside):
    generated = tmp_path / "generated.trx"
    shutil.copy(files[0], generated)
    (tmp_path / "generated.trx.json").write_text(beside, encoding="utf-8")
    assert evaluate(tmp_path, str(generated), files[1], "--nb_bootstrap", "0") == 0
    told = json.loads(beside)["model"] if beside != "[]" else None
    assert read(tmp_path)["generated_with"] == told


def test_measures_are_written_and_shown(tmp_path, capsys, files):
    generated, held_out, training = files
    options = ["--train_files", training, "--voxel_size", "3", "--seed", "4"]
    assert evaluate(tmp_path, generated, held_out, *options) == 0
    report = read(tmp_path)
    assert list(report["bundles"]) == [f"bundle_{n}" for n in (1, 2, 3)]
    assert report["overall"]["generated"]["precision"] > 0.8
    assert report["overall"]["ratios"]["novelty"] > 0.5
    assert report["parameters"]["files"] == {
        "generated": [generated],
        "real": [held_out],
        "training": [training],
    }
    assert report["parameters"]["voxel_size"] == 3
    assert report["parameters"]["seed"] == 4
    said = capsys.readouterr().err
    for line in ("overall", "bundle_3", "Wrote"):
        assert f"INFO: {line}" in said
    (warning,) = [line for line in said.splitlines() if line.startswith("WARNING")]
    assert warning == f"WARNING: {report['warnings'][0]}"
    assert report["command"].startswith(f"dipy_evaluate_streamlines {generated}")
    assert "numpy" in report["versions"]
    assert report["thresholds"] == []
    assert report["conditions"] == {}
    found = sorted(path.name for path in tmp_path.iterdir())
    assert found == ["metrics.json", "metrics.tsv"]
    check_table(tmp_path / "metrics.tsv", report)


def check_table(path, report):
    with open(path, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert list(rows[0]) == list(describe_columns()) == list(report["columns"])
    assert [(row["bundle"], row["set"]) for row in rows[:4]] == [
        ("n/a", "generated"),
        ("n/a", "real"),
        ("bundle_1", "generated"),
        ("bundle_1", "real"),
    ]
    assert len(rows) == 8
    entry = report["bundles"]["bundle_1"]
    assert float(rows[2]["dice"]) == pytest.approx(entry["generated"]["dice"], rel=1e-5)
    low, high = entry["intervals"]["real"]["mean_length"]
    assert float(rows[3]["mean_length_low"]) == pytest.approx(low, rel=1e-5)
    assert float(rows[3]["mean_length_high"]) == pytest.approx(high, rel=1e-5)
    assert float(rows[0]["novelty"]) > 0.5
    assert rows[1]["novelty"] == rows[1]["generated_per_training"] == "n/a"


def test_a_limit_of_classifiers_asks_for_them(tmp_path, capsys, files):
    options = ["--nb_bootstrap", "0", "--require", "c2st_texture<=0.6"]
    assert evaluate(tmp_path, *files[:2], *options) == 3
    assert read(tmp_path)["parameters"]["c2st"] is True
    said = capsys.readouterr().err
    assert "Fewer than 50 different streamlines can be compared" in said
    assert "overall: c2st_texture has no value, asked <=0.6" in said


def test_membership_needs_the_training(tmp_path, capsys, files):
    generated, held_out, training = files
    assert evaluate(tmp_path, generated, held_out, "--membership") == 1
    said = capsys.readouterr().err
    assert "--membership is of no use without --train_files" in said
    options = ["--nb_bootstrap", "0", "--require", "membership_auc<=0.6"]
    options += ["--train_files", training]
    assert evaluate(tmp_path, generated, held_out, *options) == 3
    assert read(tmp_path)["parameters"]["membership"] is True
    said = capsys.readouterr().err
    assert "there is no membership attack" in said
    assert "overall: membership_auc has no value, asked <=0.6" in said


def test_thresholds_decide_after_the_files_are_written(tmp_path, capsys, files):
    asked = ["precision>=0.5", "each:dice>=0.99", "bundle_2:agreement>=0.9*real"]
    asked += ["density<=-1", "novelty>=0.1"]
    assert evaluate(tmp_path, *files[:2], "--require", *asked) == 3
    found = read(tmp_path)["thresholds"]
    assert [(one["bundle"], one["met"]) for one in found] == [
        (None, True),
        *((f"bundle_{number}", False) for number in (1, 2, 3)),
        ("bundle_2", True),
        (None, False),
        (None, False),
    ]
    lines = capsys.readouterr().err.splitlines()
    errors = [line for line in lines if line.startswith("ERROR")]
    assert len(errors) == 5
    assert "overall: novelty has no value, asked >=0.1" in errors[-1]
    assert (tmp_path / "metrics.tsv").exists()
    met = ["--require", asked[0], "--force"]
    assert evaluate(tmp_path, *files[:2], *met) == 0


@pytest.mark.parametrize("asked", ["each:dice>=0.1", "bundle_1:dice>=0.1"])
def test_bundles_that_were_not_trained_on_cannot_pass(files, refused, tmp_path, asked):
    """Then all streamlines are taken as one, and no bundle is looked at."""
    other = save(tmp_path / "other.trx", 2, names=["a", "b", "c"])
    options = ["--train_files", other, "--require", asked]
    said = refused("dipy_evaluate_streamlines", *files[:2], *options)
    assert asked.partition(":")[0] in said


def test_python_is_told_of_thresholds_by_an_exception(tmp_path, files):
    flow = EvaluateStreamlinesFlow()
    options = {"require": ["coverage>=2"], "nb_bootstrap": 0}
    with pytest.raises(ThresholdsNotMet, match="overall: coverage"):
        flow.run(files[0], files[1:2], out_dir=str(tmp_path), **options)
    assert read(tmp_path)["command"] == ""


def test_what_was_asked_is_compared_with_what_was_obtained(tmp_path, capsys):
    bundles = simulate(0)
    length = bundles.lengths() + np.where(bundles.labels == 1, 2.0, 0.0)
    save_bundles(
        tmp_path / "asked.trk",
        bundles.streamlines,
        reference=bundles.reference,
        labels=bundles.labels,
        bundle_names=bundles.bundle_names,
        data_per_streamline={"asked_length": length, "length": length, "age": length},
    )
    compared = [str(tmp_path / "asked.trk"), save(tmp_path / "real.trx", 1)]
    assert evaluate(tmp_path, *compared, "--figures") == 0
    found = read(tmp_path)["conditions"]
    assert list(found) == ["length"]
    assert found["length"]["n"] == 36
    assert found["length"]["unit"] == "mm"
    assert found["length"]["mae"] == pytest.approx(2 / 3, abs=0.02)
    assert found["length"]["r2"] > 0.99
    assert "Asked length: mean absolute error" in capsys.readouterr().err
    for name in ("measures.png", "distributions.png"):
        assert (tmp_path / name).stat().st_size > 10_000


def test_what_was_not_asked_is_not_compared(tmp_path, capsys):
    bundles = simulate(0)
    save_bundles(
        tmp_path / "free.trk",
        bundles.streamlines,
        reference=bundles.reference,
        labels=bundles.labels,
        bundle_names=bundles.bundle_names,
        data_per_streamline={"length": bundles.lengths() + 5},
    )
    real = save(tmp_path / "real.trx", 1)
    options = ["--nb_bootstrap", "0"]
    assert evaluate(tmp_path, str(tmp_path / "free.trk"), real, *options) == 0
    assert read(tmp_path)["conditions"] == {}
    assert "Asked" not in capsys.readouterr().err


def test_a_model_is_measured_on_the_held_out_streamlines(
    tmp_path, model_file, bundle_files
):
    real = [str(file) for file in bundle_files]
    options = ["--model_file", str(model_file), "--nb_bootstrap", "0"]
    assert evaluate(tmp_path, real[0], *real, *options) == 0
    found = read(tmp_path)["model"]
    assert found["file"] == str(model_file)
    assert 0 < found["reconstruction_mm"]["mean"] < found["reconstruction_mm"]["p95"]
    assert 0 <= found["truncation_mm"] < found["reconstruction_mm"]["mean"]
    assert 0 <= found["active_units"] <= found["latent_dim"]
    assert 0 <= found["disentanglement"]["modularity"] <= 1


def test_training_files_may_hold_the_held_out_streamlines(tmp_path, capsys, files):
    generated, held_out, training = files
    trained = ["--train_files", held_out, training]
    assert evaluate(tmp_path, generated, held_out, *trained) == 0
    report = read(tmp_path)
    assert report["parameters"]["training_also_held_out"] == 36
    assert report["overall"]["counts"]["training"] == 36
    assert report["overall"]["ratios"]["novelty"] > 0.5
    assert "held out as well: 36" in capsys.readouterr().err


def test_bundles_are_matched_by_name_whatever_the_format(tmp_path, files):
    bundles = simulate(3)
    for code in (2, 1):
        save_bundles(
            tmp_path / "real" / f"bundle_{code + 1}.trk",
            bundles.select(bundles.labels == code).streamlines,
            reference=bundles.reference,
        )
    real = str(tmp_path / "real")
    assert evaluate(tmp_path, files[0], real, "--out_metrics", "m.json") == 0
    report = read(tmp_path, "m.json")
    assert list(report["bundles"]) == ["bundle_2", "bundle_3"]
    for entry in report["bundles"].values():
        assert entry["generated"]["dice"] > 0.2
        assert entry["generated"]["agreement"] == 1
    assert any("bundle_1" in warning for warning in report["warnings"])


def test_without_a_common_bundle_the_whole_is_compared(tmp_path, capsys, files):
    other = save(tmp_path / "o.trx", 1, names=[f"tract_{n}" for n in range(3)])
    assert evaluate(tmp_path, files[0], other) == 0
    report = read(tmp_path)
    assert report["bundles"] == {}
    assert report["overall"]["generated"]["precision"] > 0.8
    assert "tract_2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--voxel_size", "0"], "--voxel_size 0"),
        (["--voxel_size", "nan"], "--voxel_size nan"),
        (["--seed=-1"], "--seed -1"),
        (["--figures", "--out_measures", "a.xyz"], "--out_measures a.xyz: a figure"),
        (["--outside_box", "leave"], "--outside_box leave"),
        (["--train_files", "missing.trk"], "missing.trk"),
        (["--bundles_from", "tract"], "tract"),
        (["--out_metrics", ""], "out_metrics"),
        (["--nb_bootstrap=-1"], "--nb_bootstrap -1"),
        (["--grid", "missing.nii.gz"], "missing.nii.gz"),
        (["--grid", "a.nii", "--voxel_size", "3"], "leave out one"),
        (["--participants", "a.tsv"], "--model_file"),
        (["--model_file", "missing.keras"], "missing.keras"),
        (["--require"], "give one or more, or leave it out"),
        (["--require", "coverage"], "in quotes"),
        (["--require", "precison>=0.9"], "do you mean precision?"),
        (["--require", "dice>=0.5", "CST:dice>=0.9"], "bundle_1, bundle_2, bundle_3"),
    ],
)
def test_bad_options_are_one_line_and_write_nothing(
    tmp_path, capsys, files, option, said
):
    assert evaluate(tmp_path, *files[:2], *option) == 1
    errors = [
        line
        for line in capsys.readouterr().err.splitlines()
        if line.startswith("ERROR: ")
    ]
    assert len(errors) == 1
    assert said in errors[0]
    assert list(tmp_path.iterdir()) == []


def test_report_is_overwritten_only_with_force(tmp_path, files):
    (tmp_path / "metrics.json").write_text("mine")
    assert evaluate(tmp_path, *files[:2]) == 1
    assert (tmp_path / "metrics.json").read_text(encoding="utf-8") == "mine"
    assert evaluate(tmp_path, *files[:2], "--force") == 0
    assert "overall" in read(tmp_path)
