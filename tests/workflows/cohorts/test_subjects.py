"""What is known of subjects: conditions of theirs and of sessions, and images."""

import csv
import json
import shutil

import numpy as np
import pytest

from dipy_tractogen.streamlines.bids.tree import Session
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.viz.report import subject_page
from dipy_tractogen.workflows.cli import main
from dipy_tractogen.workflows.cohorts import thresholds
from dipy_tractogen.workflows.cohorts.steps import STEPS
from dipy_tractogen.workflows.cohorts.subjects import SubjectFiles
from dipy_tractogen.workflows.cohorts.task import FOUND, Outcome

from .names import faults


@pytest.fixture(scope="module")
def tree(tmp_path_factory, model_file):
    """Two subjects, one of two sessions, with images of FA, and a model with norms."""
    folder = tmp_path_factory.mktemp("subjects")
    size = ["--nb_subjects", "6", "--nb_streamlines", "6", "--nb_points", "16"]
    out = ["--out_dir", str(folder / "all"), "--quiet"]
    assert main("dipy_simulate_cohort", [*size, "--profiles", *out]) == 0
    table = folder / "all" / "participants.tsv"
    given = [str(model_file), f"{folder}/all/sub-00[3-6]/dwi/*.trx", "--values", "FA"]
    given += ["--participants", str(table), "--continuous", "age", "--quiet"]
    assert main("dipy_fit_norms", [*given, "--out_dir", str(folder)]) == 0
    root = folder / "raw"
    for session in ("ses-1", "ses-2"):
        copy(folder / "all", "sub-001", root / "sub-001" / session, f"_{session}")
    copy(folder / "all", "sub-002", root / "sub-002", "")
    shutil.copy(table, root)
    (root / "sub-001" / "sub-001_sessions.tsv").write_text(
        "session_id\tage\nses-1\t40\nses-2\t60\n"
    )
    return root


def copy(source, name, target, entity):
    """Copy a subject; its tractogram loses the values that are in the image."""
    (target / "dwi").mkdir(parents=True)
    place = source / name / "dwi"
    kept = load_bundles(place / f"{name}_tractogram.trx")
    save_bundles(
        target / "dwi" / f"{name}{entity}_tractogram.trx",
        kept.streamlines,
        reference=kept.reference,
        labels=kept.labels,
        bundle_names=kept.bundle_names,
    )
    image = "param-FA_dwimap.nii.gz"
    shutil.copy(place / f"{name}_{image}", target / "dwi" / f"{name}{entity}_{image}")


@pytest.fixture
def options_file(tree):
    path = tree.parent / "steps.toml"
    path.write_text('[score]\nmaps = "FA=raw/sub-*/**/*_param-FA_dwimap.nii.gz"\n')
    return path


@pytest.fixture(autouse=True)
def _one_picture(monkeypatch):
    monkeypatch.setattr(subject_page, "_MOST_DRAWN", 1)


def process(tree, folder, options, *more, model="norms.keras", steps=("score",)):
    given = [tree, folder, "--model_file", tree.parent / model, "--steps", *steps]
    given += ["--quiet", *more, *(["--options", options] if options else [])]
    return main("dipy_process_cohort", [str(each) for each in given])


def column(folder, name):
    with open(folder / "logs" / "cohort.tsv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    return {(row["participant_id"], row["session_id"]): row[name] for row in rows}


def test_subjects_are_scored_as_they_are_in_a_session(tree, options_file, tmp_path):
    folder = tmp_path / "out"
    assert process(tree, folder, options_file) == 0
    ages = {}
    for path in sorted(folder.glob("sub-*/**/*_scores.json")):
        said = json.loads(path.read_text(encoding="utf-8"))
        ages[path.name.split("_desc")[0]] = said["conditions"]["age"]
        assert {row["value"] for row in said["scores"]} >= {"FA"}
    table = (tree / "participants.tsv").read_text().splitlines()
    of_second = next(row.split("\t") for row in table if row.startswith("sub-002"))
    assert ages == {
        "sub-001_ses-1": 40,
        "sub-001_ses-2": 60,
        "sub-002": float(of_second[1]),
    }
    assert faults(folder) == []
    _check_table(folder)
    # Images are inputs: another one is another result.
    record = json.loads((folder / "logs" / "sub-002.json").read_text())
    assert sorted(record["inputs"]) == [
        "sub-002/dwi/sub-002_param-FA_dwimap.nii.gz",
        "sub-002/dwi/sub-002_tractogram.trx",
    ]
    before = (folder / "scores.tsv").stat().st_mtime_ns
    assert process(tree, folder, options_file) == 0
    assert (folder / "scores.tsv").stat().st_mtime_ns == before


def _check_table(folder):
    """Compare the table of all with those of the subjects."""
    with open(folder / "scores.tsv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert len({(row["participant_id"], row["session_id"]) for row in rows}) == 3
    nb_unusual = 0
    for path in folder.glob("sub-*/**/*_scores.tsv"):
        with open(path, encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                is_place = row["place"] != "all" and row["q"] != "n/a"
                nb_unusual += is_place and float(row["q"]) <= 0.05
    assert sum(int(row["nb_unusual"]) for row in rows) == nb_unusual
    assert all((row["unusual"] == "n/a") == (row["nb_unusual"] == "0") for row in rows)


def test_what_is_missing_of_a_subject_is_its_reason(tree, options_file, tmp_path):
    root, folder = tmp_path / "raw", tmp_path / "out"
    shutil.copytree(tree, root)
    made = root / "sub-004" / "dwi"
    made.mkdir(parents=True)
    source = root / "sub-002" / "dwi" / "sub-002_tractogram.trx"
    shutil.copy(source, made / "sub-004_tractogram.trx")
    (tmp_path / "norms.keras").symlink_to(tree.parent / "norms.keras")
    table = (root / "participants.tsv").read_text().splitlines()
    kept = [row for row in table if not row.startswith("sub-002")]
    (root / "participants.tsv").write_text("\n".join(kept))
    assert process(root, folder, options_file, "--participant_label", "002", "004") == 1
    found = column(folder, "reason")
    assert "participants.tsv has no row of sub-002" in found["sub-002", "n/a"]
    assert "no image of FA" in found["sub-004", "n/a"]


@pytest.mark.parametrize(
    ("more", "model", "said"),
    [
        (["--participants_file", "OTHER"], "norms.keras", "has no column age"),
        (["--participants_file", "none.tsv"], "norms.keras", "none.tsv"),
        ([], "all/sub-001/dwi/sub-001_tractogram.trx", "is not a model file"),
        ([], "model.keras", "without norms"),
    ],
)
def test_what_all_subjects_lack_is_said_at_once(
    tree, model_file, options_file, tmp_path, capsys, more, model, said
):
    (tmp_path / "other.tsv").write_text("participant_id\tsize\nsub-002\t1\n")
    more = [str(tmp_path / "other.tsv") if one == "OTHER" else one for one in more]
    if model == "model.keras":
        shutil.copy(model_file, tree.parent)
    folder = tmp_path / "out"
    assert process(tree, folder, options_file, *more, model=model) == 1
    (error,) = capsys.readouterr().err.splitlines()
    assert said in error
    assert not folder.exists()


def test_another_image_is_another_result(tree, tmp_path):
    """Images are known by what is in them, not by the names of folders."""
    options, label = tmp_path / "steps.toml", ["--participant_label", "002"]
    root, folder = tmp_path / "raw", tmp_path / "out"
    shutil.copytree(tree / "sub-002", root / "sub-002")
    shutil.copy(tree.parent / "norms.keras", tmp_path)

    def run(code=0):
        maps = f"FA={root.name}/*/dwi/*_dwimap.nii.gz"
        options.write_text(f'[score]\nmaps = ["{maps}"]\nconditions = "age=50"\n')
        assert process(root, folder, options, *label) == code
        (status,) = column(folder, "status").values()
        (path,) = folder.glob("sub-002/dwi/*_scores.json")
        return status, json.loads(path.read_text())

    status, scores = run()
    # Conditions of all subjects are options.
    assert (status, scores["conditions"]) == ("done", {"age": 50})
    root = root.rename(tmp_path / "moved")
    assert run() == ("already done", scores)
    (path,) = root.glob("sub-002/dwi/*_dwimap.nii.gz")
    path.write_bytes(path.read_bytes()[:-1000])
    assert run(1) == ("failed", scores)


def test_images_of_references_are_inputs_of_thresholds(tree, tmp_path, monkeypatch):
    learnt = []

    def carry_out(task, **_):
        learnt.append(task)
        return Outcome(task.part, FOUND)

    monkeypatch.setattr(thresholds, "carry_out", carry_out)
    files = sorted(tree.glob("sub-001/*/dwi/*_tractogram.trx"))
    images = sorted(tree.glob("sub-001/*/dwi/*_dwimap.nii.gz"))
    given = {
        "reference_files": [str(one) for one in files],
        "maps": [f"FA={tree}/sub-*/**/*_dwimap.nii.gz"],
    }
    options = {"root": tree, "out_dir": tmp_path, "stated": {}}
    command = STEPS["label"].command
    more = thresholds.with_thresholds(
        "label", command, given, model_file=tmp_path, **options
    )
    (task,) = learnt
    assert task.inputs == (*files, *images)
    assert task.asked["images"] == {
        "FA": [str(one.relative_to(tree)) for one in images]
    }
    # Subjects have images of their own.
    assert more["maps"] == given["maps"]


def test_a_model_of_conditions_reads_those_of_the_session(
    tree, conditional_model, tmp_path
):
    """Latents of a model that reads the age differ between sessions."""
    model = tmp_path / "model.keras"
    shutil.copy(conditional_model, model)
    folder, found = tmp_path / "out", []
    for name in ("ses-1", "ses-2"):
        source = tree / "sub-001" / "ses-1" / "dwi" / "sub-001_ses-1_tractogram.trx"
        place = tmp_path / "raw" / "sub-001" / name / "dwi"
        place.mkdir(parents=True)
        shutil.copy(source, place / f"sub-001_{name}_tractogram.trx")
    given = [tmp_path / "raw", folder, "--model_file", model, "--steps", "encode"]
    given += ["--participants_file", tree / "participants.tsv", "--quiet"]
    given = [str(each) for each in given]
    assert main("dipy_process_cohort", given) == 0
    for path in sorted(folder.glob("sub-001/**/*_latents.npz")):
        with np.load(path) as latents:
            found.append(latents["z_mean"])
    assert found[0].shape == found[1].shape
    assert not np.allclose(*found)
    assert not list(folder.glob("**/participants.tsv"))


def test_what_is_known_is_checked():
    session = Session("sub-1")
    SubjectFiles().check(session, ())
    SubjectFiles({"age": "3"}, "p.tsv").check(session, ["age"])
    with pytest.raises(ValueError, match="does not tell age of sub-1"):
        SubjectFiles({"age": None}, "p.tsv").check(session, ["age"])
    with pytest.raises(ValueError, match="give --participants_file"):
        SubjectFiles().check(session, ["age"])
