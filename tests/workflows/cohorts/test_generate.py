"""A table of subjects becomes a cohort."""

import csv
import json

import numpy as np
import pytest

from dipy_tractogen.streamlines.bids.tree import Session
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main
from dipy_tractogen.workflows.cohorts.generate import seeds_of

from .names import faults

TABLE = """\
participant_id	age	diagnosis	site	nb_streamlines
sub-01	40	control	A	30
sub-02	40	control	B	n/a
sub-03	40	patient	A	n/a
"""


def generate(model, table, folder, *more):
    given = [model, table, folder, "--nb_streamlines", 60, "--quiet", *more]
    return main("dipy_generate_cohort", [str(each) for each in given])


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "people.tsv"
    path.write_text(TABLE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def generated(conditional_model, tmp_path_factory):
    """A cohort of three; not to be changed."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "people.tsv").write_text(TABLE, encoding="utf-8")
    assert generate(conditional_model, folder / "people.tsv", folder / "out") == 0
    return folder / "out"


def tractogram(folder, number):
    return folder / f"sub-{number:02d}/dwi/sub-{number:02d}_tractogram.trx"


def statuses(folder):
    with open(folder / "logs" / "cohort.tsv", encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return {row["participant_id"]: row["status"] for row in rows}


def data_of(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.glob("sub-*/**/*"))
        if path.is_file()
    }


def test_each_row_is_a_subject(generated):
    assert statuses(generated) == dict.fromkeys(("sub-01", "sub-02", "sub-03"), "done")
    bundles = [load_bundles(tractogram(generated, n)) for n in (1, 2, 3)]
    assert [len(one) for one in bundles] == [30, 60, 60]
    assert {len(one.bundle_names) for one in bundles} == {7}
    said = json.loads(tractogram(generated, 3).with_suffix(".json").read_text())
    assert said["Conditions"] == {"age": "40", "diagnosis": "patient"}
    assert (generated / "participants.tsv").read_text() == TABLE


def test_streamlines_have_the_conditions_of_the_row(generated):
    for number, diagnosis in ((1, "control"), (3, "patient")):
        made = load_bundles(
            tractogram(generated, number), categorical=["diagnosis"], continuous=["age"]
        )
        assert set(made.values["diagnosis"]) == {diagnosis}
        np.testing.assert_allclose(made.values["age"], 40)


def test_the_same_as_the_command_for_a_subject_that_is_drawn(
    generated, conditional_model, tmp_path
):
    subject, streamlines = seeds_of(0, Session("sub-02"))
    given = [conditional_model, "--nb_streamlines", 60, "--quiet"]
    given += ["--conditions", "age=40", "diagnosis=control", "--out_dir", tmp_path]
    made = []
    for seed in (subject, subject + 1):
        more = ["--subject_seed", seed, "--seed", streamlines, "--force"]
        arguments = [str(each) for each in (*given, *more)]
        assert main("dipy_generate_streamlines", arguments) == 0
        made.append((tmp_path / "synthetic.trx").read_bytes())
    assert made[0] == tractogram(generated, 2).read_bytes()
    assert made[0] != made[1]


def test_seeds_are_those_of_a_subject():
    every = [seeds_of(seed, Session(f"sub-{n}")) for seed in (0, 1) for n in range(50)]
    assert len({one for pair in every for one in pair}) == 200
    who, which = seeds_of(0, Session("sub-1"))
    assert seeds_of(0, Session("sub-1", "ses-1"))[0] == who
    assert seeds_of(0, Session("sub-1", "ses-1"))[1] != which


def test_a_subject_does_not_depend_on_the_others_or_the_workers(
    generated, conditional_model, tmp_path
):
    distributed = pytest.importorskip("distributed")
    table = tmp_path / "people.tsv"
    header, _, *rows = TABLE.splitlines()
    table.write_text("\n".join([header, *reversed(rows)]) + "\n")
    with distributed.LocalCluster(
        processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        address = ["--scheduler", cluster.scheduler_address]
        assert generate(conditional_model, table, tmp_path / "out", *address) == 0
    before = data_of(generated)
    made = data_of(tmp_path / "out")
    assert made == {path: each for path, each in before.items() if path in made}
    assert {path.parts[0] for path in made} == {"sub-02", "sub-03"}


def test_a_changed_row_is_made_anew_alone(conditional_model, table, tmp_path):
    folder = tmp_path / "out"
    options = tmp_path / "options.toml"
    options.write_text('[generate]\nbundles = ["bundle_1"]\nnb_points = 12\n')
    more = ["--options", options, "--participant_label", "01", "sub-03"]
    assert generate(conditional_model, table, folder, *more) == 0
    (path,) = folder.glob("sub-01/dwi/sub-01_tract-bundle1_tractogram.trx")
    made = load_bundles(path)
    assert made.bundle_names == ("bundle_1",)
    said = json.loads((folder / "dataset_description.json").read_text())
    assert said["DatasetType"] == "derivative"
    assert set(made.streamlines._lengths) == {12}
    table.write_text(TABLE.replace("sub-03\t40", "sub-03\t50"))
    assert generate(conditional_model, table, folder, *more) == 0
    assert statuses(folder) == {"sub-01": "already done", "sub-03": "done"}


def test_sessions_have_conditions_of_their_own(conditional_model, table, tmp_path):
    """And are of one subject."""
    (tmp_path / "sub-01").mkdir()
    (tmp_path / "sub-01" / "sub-01_sessions.tsv").write_text(
        "session_id\tage\nses-1\t40\nses-2\t60\n"
    )
    folder = tmp_path / "out"
    more = ["--participant_label", "01"]
    assert generate(conditional_model, table, folder, *more) == 0
    ages, seeds = {}, set()
    for path in sorted(folder.glob("sub-01/ses-*/dwi/*_tractogram.trx")):
        made = load_bundles(path, continuous=["age"])
        ages[path.name] = set(made.values["age"])
        record = json.loads(path.with_name(f"{path.name}.json").read_text())
        seeds.add(record["parameters"]["subject_seed"])
    assert ages == {
        "sub-01_ses-1_tractogram.trx": {40},
        "sub-01_ses-2_tractogram.trx": {60},
    }
    assert len(seeds) == 1


def test_what_the_table_does_not_tell_is_a_failure(
    conditional_model, table, tmp_path, capsys
):
    table.write_text(TABLE.replace("sub-02\t40", "sub-02\tn/a"))
    assert generate(conditional_model, table, tmp_path / "out") == 1
    assert statuses(tmp_path / "out")["sub-02"] == "failed"
    assert "does not tell age of sub-02" in capsys.readouterr().err


def test_a_model_that_knows_no_subjects(model_file, table, tmp_path, capsys):
    assert generate(model_file, table, tmp_path / "out") == 1
    assert "does not know how subjects differ" in capsys.readouterr().err
    assert generate(model_file, table, tmp_path / "out", "--alike") == 0


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        (TABLE.replace("30\n", "0.5\n"), [], "nb_streamlines of sub-01 is 0.5"),
        (TABLE, ["--participant_label", "09"], "has no sub-09"),
        (TABLE.replace("sub-01", "sub-../1"), [], "sub-../1 is no name of a subject"),
        ("age\n3\n", [], "no column participant_id"),
    ],
)
def test_the_table_is_checked_before_any_work(
    model_file, table, tmp_path, capsys, text, more, said
):
    table.write_text(text)
    assert generate(model_file, table, tmp_path / "out", *more) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_options_of_the_table_are_not_given(model_file, table, tmp_path, capsys):
    options = tmp_path / "options.toml"
    options.write_text("[generate]\nseed = 3\n")
    more = ["--options", options]
    assert generate(model_file, table, tmp_path / "out", *more) == 1
    assert "[generate]: no option seed" in capsys.readouterr().err


def test_names_are_those_of_bids(generated):
    assert faults(generated) == []
