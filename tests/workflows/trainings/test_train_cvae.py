"""Training on conditions, and what comes of it."""

import csv
import shutil

import numpy as np
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.nn.training.checkpoint import Checkpoint
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.values import select_known_categories
from dipy_tractogen.workflows.cli import main

TRACTOGRAM = "sub-001/dwi/sub-001_tractogram.trx"


def test_conditions_are_those_that_were_named_or_needed(conditional_model):
    model = load_model(conditional_model)
    assert type(model).__name__ == "CVAE"
    conditions = model.record.density.conditions
    assert sorted(conditions.names) == sorted(
        ["bundle", "length", "diagnosis", "age", "curvature", "tortuosity"]
    )
    assert conditions["diagnosis"].categories == ("control", "patient")
    assert conditions["age"].unit == "year"
    assert 20 <= conditions["age"].low < conditions["age"].high <= 80
    label, attribute = model.regularizers
    assert (label.condition, label.weight) == ("diagnosis", 2)
    assert attribute.attributes == {"length": 0, "tortuosity": 1}


def test_table_of_participants_is_among_the_data(conditional_model, cohort):
    files = load_model(conditional_model).record.data["files"]
    assert str(cohort / "participants.tsv") in files
    assert len(files) == 7


def test_held_out_streamlines_keep_their_values(conditional_model, cohort):
    held_out = load_bundles(
        conditional_model.with_name("held_out.trx"),
        categorical="diagnosis",
        continuous="age",
    )
    with open(cohort / "participants.tsv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    subjects = {float(row["age"]): row["diagnosis"] for row in rows}
    ages = [min(subjects, key=lambda age: abs(age - a)) for a in held_out.values["age"]]
    np.testing.assert_allclose(ages, held_out.values["age"], rtol=1e-6)
    assert held_out.values["diagnosis"].tolist() == [subjects[age] for age in ages]


def test_losses_of_the_regularisers_are_in_the_history(conditional_model):
    with open(conditional_model.with_name("history.csv"), encoding="utf-8") as stream:
        row = list(csv.DictReader(stream))[-1]
    assert {"diagnosis_weight", "diagnosis_accuracy", "length_loss"} <= set(row)


def test_resuming_with_other_conditions_is_refused(
    cohort_arguments, tmp_path, monkeypatch, capsys
):
    def interrupt(self, epoch, logs=None):
        self.write()
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "on_epoch_end", interrupt)
    arguments = [*cohort_arguments, "--out_dir", str(tmp_path)]
    assert main("dipy_train_vae", arguments) == 130
    arguments[arguments.index("curvature")] = "tortuosity"
    capsys.readouterr()
    assert main("dipy_train_vae", [*arguments, "--resume"]) == 1
    said = capsys.readouterr().err
    assert "another curvature" in said
    assert said.count("\n") == 1


def test_categories_that_are_only_held_out_are_left_out(
    cohort,
):
    bundles = load_bundles(sorted(cohort.rglob("*.trx")), categorical="subject")
    kept = bundles.select(bundles.values["subject"] != "sub-003")
    aside = select_known_categories(bundles, kept)
    assert len(aside) == len(kept)
    assert "sub-003" not in aside.values["subject"]
    assert select_known_categories(kept, bundles) is kept


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--continuous", "weight"], "has no column 'weight'"),
        (["--continuous", "diagnosis"], "give it as categorical"),
        (["--categorical", "age", "--continuous", "age"], "age is given as"),
        (
            ["--categorical", "length", "--continuous", "age"],
            "give it as one (--continuous",
        ),
        (["--attributes", "bundle"], "bundle is a category, and a number is needed"),
        ([], "name the columns"),
    ],
)
def test_conditions_that_cannot_be_are_refused(refused, cohort, options, said):
    table = ["--participants", cohort / "participants.tsv"]
    error = refused("dipy_train_cvae", cohort / TRACTOGRAM, *table, *options)
    assert said in error


def test_missing_table_and_missing_subject_are_said(refused, cohort, tmp_path):
    known = ["--continuous", "age"]
    missing = tmp_path / "none.tsv"
    tractogram = cohort / TRACTOGRAM
    assert str(missing) in refused(
        "dipy_train_cvae", tractogram, *known, "--participants", missing
    )
    nameless = shutil.copy(tractogram, tmp_path / "tractogram.trx")
    table = ["--participants", cohort / "participants.tsv"]
    error = refused("dipy_train_cvae", nameless, *known, *table)
    assert "sub-<label>" in error
    error = refused("dipy_train_cvae", tractogram, *known)
    assert "no data_per_streamline 'age'" in error
