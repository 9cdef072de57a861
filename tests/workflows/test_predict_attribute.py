"""The attribute of a regression model, predicted for the streamlines of files."""

import csv
import re

import numpy as np
import pytest

from dipy_tractogen.nn import encoding, load_model
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main

COMMAND = "dipy_predict_attribute"


@pytest.fixture
def predict(tmp_path, capsys):
    """Run the command; give the columns of the table and what it said."""

    def run(*arguments):
        given = [*arguments, "--out_dir", tmp_path / "out"]
        assert main(COMMAND, [str(one) for one in given]) == 0
        (path,) = (tmp_path / "out").iterdir()
        with open(path, newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        bundles = columns.pop("bundle")
        numbers = {name: np.array(column, float) for name, column in columns.items()}
        return {"bundle": bundles, **numbers}, capsys.readouterr().err

    return run


@pytest.fixture(scope="module")
def age_model(cohort, tmp_path_factory):
    """An RVAE that was trained on the age of the cohort for two epochs."""
    folder = tmp_path_factory.mktemp("age")
    arguments = [*map(str, sorted(cohort.rglob("*.trx"))), "--attribute", "age"]
    arguments += ["--participants", str(cohort / "participants.tsv"), "--quiet"]
    arguments += ["--epochs", "2", "--nb_points", "16", "--latent_dim", "3"]
    assert main("dipy_train_rvae", [*arguments, "--out_dir", str(folder)]) == 0
    return folder / "model.keras"


@pytest.fixture
def subjects(cohort):
    """The tractograms of two subjects."""
    return [
        cohort / name / "dwi" / f"{name}_tractogram.trx"
        for name in ("sub-001", "sub-002")
    ]


def ages_of(cohort):
    """The table of the cohort, by subject."""
    with open(cohort / "participants.tsv", encoding="utf-8") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return {row["participant_id"]: float(row["age"]) for row in rows}


def test_errors_are_those_of_the_training(predict, regression_folder):
    """In the training they are of the same streamlines, in one block."""
    held_out = regression_folder / "held_out.trx"
    table, said = predict(regression_folder / "model.keras", held_out)
    (told,) = re.findall(
        r"Held-out tortuosity: (.*)\n",
        (regression_folder / "log.txt").read_text(encoding="utf-8"),
    )
    assert f"All bundles, tortuosity of {len(table['index'])} streamlines: {told}" in (
        said
    )
    assert list(table) == ["bundle", "index", "predicted", "deviation", "measured"]


def test_table_is_what_the_model_says(
    predict, regression_folder, bundle_files, monkeypatch
):
    monkeypatch.setattr(encoding, "BLOCK", 7)
    model_file = regression_folder / "model.keras"
    table, said = predict(model_file, *bundle_files)
    bundles = load_bundles(bundle_files)
    points = bundles.resample(16)
    names = [bundles.bundle_names[label] for label in bundles.labels]
    assert table["bundle"] == names
    np.testing.assert_array_equal(table["index"], np.arange(36))
    mean, deviation = load_model(model_file).predict_attribute(points)
    np.testing.assert_allclose(table["predicted"], mean, rtol=1e-5)
    np.testing.assert_allclose(table["deviation"], deviation, rtol=1e-5)
    steps = np.linalg.norm(np.diff(points, axis=1), axis=-1).sum(axis=1)
    chords = np.linalg.norm(points[:, -1] - points[:, 0], axis=-1)
    np.testing.assert_allclose(table["measured"], steps / chords, rtol=1e-5)
    second = np.array(names) == "bundle_2"
    error = np.abs(mean - steps / chords)[second].mean()
    (told,) = re.findall(r"bundle_2, \S+ of 12 streamlines: \D+([\d.]+), R2", said)
    assert float(told) == pytest.approx(error, rel=0.01)


def test_true_values_of_subjects_are_in_the_table(predict, age_model, cohort, subjects):
    options = ["--participants", cohort / "participants.tsv", "--bundles_from", "stem"]
    table, said = predict(age_model, *subjects, *options)
    ages = ages_of(cohort)
    expected = [ages[name.removesuffix("_tractogram")] for name in table["bundle"]]
    np.testing.assert_allclose(table["measured"], expected)
    assert len(set(expected)) == 2
    lines = re.findall(r": mean absolute error [\d.]+ year, R2 (\S+)", said)
    assert lines[:2] == ["undefined", "undefined"]
    assert float(lines[2]) < 1


def test_streamlines_whose_attribute_is_unknown_are_predicted(
    predict, age_model, subjects
):
    table, said = predict(age_model, *subjects)
    assert list(table) == ["bundle", "index", "predicted", "deviation"]
    assert len(table["index"]) == len(load_bundles(subjects))
    assert "has no data_per_streamline 'age'" in said
    assert "Predicted age of" in said
    assert f"mean {table['predicted'].mean():.4g} year" in said
    assert "R2" not in said


def test_true_values_are_taken_from_all_files_or_none(
    predict, age_model, subjects, tmp_path
):
    bundles = load_bundles(subjects[0])
    ages = np.linspace(20, 80, len(bundles))
    file = tmp_path / "ages.trk"
    save_bundles(
        file,
        bundles.streamlines,
        reference=bundles.reference,
        data_per_streamline={"age": ages},
    )
    table, _ = predict(age_model, file)
    np.testing.assert_allclose(table["measured"], ages, rtol=1e-5)
    table, said = predict(age_model, file, subjects[1], "--force")
    assert "measured" not in table
    assert f"{subjects[1]} has no data_per_streamline 'age'" in said


def test_bad_input_is_one_line(
    refused, model_file, regression_folder, age_model, cohort, subjects, tmp_path
):
    error = refused(COMMAND, model_file, subjects[0])
    assert f"{model_file} holds a model of the class VAE" in error
    assert "give one written by dipy_train_rvae" in error
    table = cohort / "participants.tsv"
    given = [regression_folder / "model.keras", subjects[0], "--participants", table]
    assert "predicts tortuosity, which is computed" in refused(COMMAND, *given)
    other = tmp_path / "people.tsv"
    other.write_text("participant_id\theight\nsub-001\t180\n")
    error = refused(COMMAND, age_model, subjects[0], "--participants", other)
    assert "people.tsv has no column 'age'" in error
    other.write_text("participant_id\tage\nsub-001\t480\n")
    (tmp_path / "people.json").write_text('{"age": {"Units": "month"}}')
    error = refused(COMMAND, age_model, subjects[0], "--participants", other)
    assert "its age is in month, that of the model in year" in error
