"""All subjects of a tree, by the commands."""

import csv
import json
from pathlib import Path
import shutil

import numpy as np
import pytest

from dipy_tractogen import nn
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main
from dipy_tractogen.workflows.options import inputs

from .names import faults

STEPS = ["label", "filter", "encode", "reconstruct"]


@pytest.fixture(scope="module")
def tree(cohort, tmp_path_factory):
    """Three subjects of the cohort, the last one with two sessions."""
    root = tmp_path_factory.mktemp("tree") / "raw"
    for name in ("sub-001", "sub-002"):
        shutil.copytree(cohort / name, root / name)
    for session, other in (("ses-1", "sub-003"), ("ses-2", "sub-004")):
        place = root / "sub-003" / session / "dwi"
        place.mkdir(parents=True)
        source = cohort / other / "dwi" / f"{other}_tractogram.trx"
        shutil.copy(source, place / f"sub-003_{session}_space-T1w_tractogram.trx")
    return root


@pytest.fixture(scope="module")
def options_file(tree, model_file, cohort, tmp_path_factory):
    """Options of the steps: thresholds that were learnt before, and some to learn."""
    folder = tmp_path_factory.mktemp("options")
    for name in ("sub-005", "sub-006"):
        shutil.copy(cohort / name / "dwi" / f"{name}_tractogram.trx", folder)
    known = [str(each) for each in sorted(folder.glob("*.trx"))]
    given = [str(model_file), *known, "--reference_files", *known]
    given += ["--out_dir", str(folder), "--quiet"]
    assert main("dipy_filter_streamlines", given) == 0
    path = folder / "steps.toml"
    path.write_text(
        '[label]\nreference_files = "sub-00[56]_tractogram.trx"\n'
        '[filter]\nthresholds_file = "filter_thresholds.npz"\n'
    )
    return path


@pytest.fixture(scope="module")
def processed(tree, model_file, options_file, tmp_path_factory):
    """All that is made of the tree, and log.txt; not to be changed."""
    folder = tmp_path_factory.mktemp("processed") / "out"
    log = folder.parent / "log.txt"
    assert process(tree, folder, model_file, options_file, "--log_file", log) == 0
    return folder


def process(tree, folder, model_file, options_file, *more, steps=STEPS):
    given = [tree, folder, "--model_file", model_file, "--steps", *steps]
    given += ["--quiet", *more]
    given += [] if options_file is None else ["--options", options_file]
    return main("dipy_process_cohort", [str(each) for each in given])


def table_of(folder):
    with open(folder / "logs" / "cohort.tsv", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def data_of(folder):
    """The bytes of all outputs of subjects, by their places."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.glob("sub-*/**/*"))
        if path.is_file()
    }


def test_all_sessions_are_done(processed):
    rows = table_of(processed)
    assert [(row["participant_id"], row["session_id"]) for row in rows] == [
        ("sub-001", "n/a"),
        ("sub-002", "n/a"),
        ("sub-003", "ses-1"),
        ("sub-003", "ses-2"),
    ]
    assert {row["status"] for row in rows} == {"done"}
    assert all(float(row["seconds"]) > 0 for row in rows)


def test_names_have_the_entities_of_the_inputs(processed):
    place = processed / "sub-003" / "ses-2"
    names = {path.name for path in (place / "dwi").iterdir()}
    begins = "sub-003_ses-2_space-T1w_desc"
    assert names == {
        *(f"{begins}-labelled_{end}" for end in ("tractogram.trx", "tractogram.json")),
        *(f"{begins}-labelled_{end}" for end in ("counts.tsv", "metrics.json")),
        *(f"{begins}-plausible_{end}" for end in ("tractogram.trx", "tractogram.json")),
        *(f"{begins}-plausible_metrics.json", f"{begins}-encoded_latents.npz"),
        *(f"{begins}-reconstructed_tractogram.{end}" for end in ("trx", "json")),
    }
    assert (place / "sub-003_ses-2_scans.tsv").read_text() == "filename\n"


def test_a_step_reads_what_the_one_before_has_kept(processed):
    place = processed / "sub-001" / "dwi"
    kept = load_bundles(place / "sub-001_desc-plausible_tractogram.trx")
    with np.load(place / "sub-001_desc-encoded_latents.npz") as latents:
        assert len(latents["z_mean"]) == len(kept)
        # By the name that the file has now.
        assert list(latents["files"]) == [
            "sub-001/dwi/sub-001_desc-plausible_tractogram.trx"
        ]
    said = json.loads((place / "sub-001_desc-labelled_tractogram.json").read_text())
    assert said["Sources"] == ["bids:source:sub-001/dwi/sub-001_tractogram.trx"]
    said = json.loads(
        (place / "sub-001_desc-reconstructed_tractogram.json").read_text()
    )
    assert said["Sources"] == [
        "bids::sub-001/dwi/sub-001_desc-plausible_tractogram.trx"
    ]


def test_the_same_as_the_commands_one_by_one(processed, tree, model_file, tmp_path):
    source = tree / "sub-002" / "dwi" / "sub-002_tractogram.trx"
    options = ["--out_dir", str(tmp_path), "--quiet"]
    folder = processed.parent / "alone"
    assert process(tree, folder, model_file, None, steps=["reconstruct"]) == 0
    given = [str(model_file), str(source), *options]
    assert main("dipy_reconstruct_streamlines", given) == 0
    alone = (tmp_path / "reconstructed.trx").read_bytes()
    place = folder / "sub-002" / "dwi" / "sub-002_desc-reconstructed_tractogram.trx"
    assert place.read_bytes() == alone


def test_thresholds_are_those_of_the_command(
    processed, options_file, model_file, tmp_path
):
    known = [str(each) for each in sorted(options_file.parent.glob("sub-*.trx"))]
    given = [str(model_file), *known, "--reference_files", *known, "--quiet"]
    assert main("dipy_label_streamlines", [*given, "--out_dir", str(tmp_path)]) == 0
    learnt = (processed / "logs" / "label_thresholds.npz").read_bytes()
    assert learnt == (tmp_path / "label_thresholds.npz").read_bytes()
    record = json.loads((processed / "logs" / "label_thresholds.json").read_text())
    assert [Path(each).name for each in record["inputs"]] == [
        Path(each).name for each in known
    ]
    report = (processed / "logs" / "label_thresholds_metrics.json").read_text()
    assert json.loads(report)["thresholds_mm"]


def test_thresholds_that_cannot_be_learnt_stop_it(tree, model_file, tmp_path, capsys):
    (tmp_path / "a.trx").write_bytes(b"PK")
    options = tmp_path / "steps.toml"
    options.write_text('[label]\nreference_files = ["a.trx"]\n')
    folder = tmp_path / "out"
    assert process(tree, folder, model_file, options, steps=["label"]) == 1
    said = capsys.readouterr().err
    assert "the thresholds of label are not learnt" in said
    assert "a.trx" in said
    assert not (folder / "sub-001").exists()
    options.write_text('[label]\nreference_files = "a.trx"\nthresholds_file = "a.trx"')
    assert process(tree, folder, model_file, options, steps=["label"]) == 1
    assert "leave out reference_files" in capsys.readouterr().err


def test_a_second_run_loads_no_model(
    processed, tree, model_file, options_file, monkeypatch
):
    before = data_of(processed)
    monkeypatch.setattr(inputs, "_load_or_take", None)
    assert process(tree, processed, model_file, options_file) == 0
    assert {row["status"] for row in table_of(processed)} == {"already done"}
    assert data_of(processed) == before


def test_two_workers_make_the_same_bytes(
    processed, tree, model_file, options_file, tmp_path
):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        address = ["--scheduler", cluster.scheduler_address]
        assert process(tree, tmp_path, model_file, options_file, *address) == 0
    assert data_of(tmp_path) == data_of(processed)


def test_one_broken_file_does_not_stop_the_others(
    tree, model_file, tmp_path, monkeypatch, capsys
):
    root, folder = tmp_path / "raw", tmp_path / "out"
    shutil.copytree(tree, root)
    (root / "sub-001" / "dwi" / "sub-001_tractogram.trx").write_bytes(b"PK")
    (root / "sub-004").mkdir()
    loaded, load = [], nn.load_model
    monkeypatch.setattr(
        nn, "load_model", lambda path: loaded.append(path) or load(path)
    )
    monkeypatch.setattr(inputs, "_LAST", {})
    assert process(root, folder, model_file, None, steps=["encode"]) == 1
    status = {row["participant_id"]: row["status"] for row in table_of(folder)}
    assert status == {
        "sub-001": "failed",
        "sub-002": "done",
        "sub-003": "done",
        "sub-004": "failed",
    }
    reasons = {row["participant_id"]: row["reason"] for row in table_of(folder)}
    assert "sub-001_tractogram.trx" in reasons["sub-001"]
    assert "no tractogram" in reasons["sub-004"]
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("ERROR: 2 subjects of 5 failed, the first, sub-001: ")
    # Once in this process, not once a subject.
    assert loaded == [model_file]


def test_a_changed_option_makes_it_anew(
    tree, model_file, options_file, tmp_path, capsys
):
    chosen = ["--participant_label", "002"]
    assert process(tree, tmp_path, model_file, None, *chosen, steps=["encode"]) == 0
    options = tmp_path / "other.toml"
    options.write_text("[encode]\nmin_length = 60.0\n")
    assert process(tree, tmp_path, model_file, options, *chosen, steps=["encode"]) == 0
    (row,) = table_of(tmp_path)
    assert (row["participant_id"], row["status"]) == ("sub-002", "done")
    with np.load(*tmp_path.glob("sub-002/dwi/*.npz")) as latents:
        assert 0 < len(latents["z_mean"]) < 42
    # Another step: what is not asked for any more is taken away.
    chosen += ["--pattern", "*_tractogram.trx"]
    more = {"steps": ["reconstruct"]}
    assert process(tree, tmp_path, model_file, None, *chosen, **more) == 0
    left = (tmp_path / "sub-002" / "dwi").iterdir()
    assert {path.suffix for path in left} == {".trx", ".json"}


def test_an_interrupt_keeps_what_is_done(tree, model_file, tmp_path, monkeypatch):
    from dipy_tractogen.workflows.cohorts.process import ProcessTask

    make = ProcessTask.make

    def interrupted(task):
        if task.part.subject == "sub-002":
            raise KeyboardInterrupt
        make(task)

    monkeypatch.setattr(ProcessTask, "make", interrupted)
    assert process(tree, tmp_path, model_file, None, steps=["encode"]) == 130
    statuses = [row["status"] for row in table_of(tmp_path)]
    assert statuses == ["done", *["not begun"] * 3]
    monkeypatch.undo()
    assert process(tree, tmp_path, model_file, None, steps=["encode"]) == 0
    statuses = [row["status"] for row in table_of(tmp_path)]
    assert statuses == ["already done", *["done"] * 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[draw]\n", "draw is none of the tables [label], [filter]"),
        ("encode = 3\n", "encode is none of the tables"),
        ("[encode]\nlength = 3\n", "[encode]: no option length"),
        ('[encode]\nout_dir = "a"\n', "[encode]: no option out_dir"),
        ("[encode]\nmin_length = -1.0\n", "--min_length -1.0"),
        ('[label]\nscore = "no"\n', "score = 'no' is of a wrong type"),
        ('[encode]\nreference = "no.nii"\n', "no.nii does not exist"),
        ("[encode\n", "is not a whole .toml file"),
        ("a = " + "[" * 5000, "is not a whole .toml file"),
        ("#" * (10**6 + 1), "too large"),
    ],
)
def test_options_are_checked_before_any_work(
    tree, model_file, tmp_path, text, said, capsys
):
    options = tmp_path / "steps.toml"
    options.write_text(text)
    folder = tmp_path / "out"
    assert process(tree, folder, model_file, options, steps=["encode"]) == 1
    (error,) = capsys.readouterr().err.splitlines()
    assert said in error
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model_file", "MODEL"], "no --steps: give one or more of label, filter"),
        (["--model_file", "MODEL", "--steps", "draw"], "--steps draw: give one or"),
        (["--model_file", "MODEL", "--steps", "encode", "encode"], "each step once"),
        (["--model_file", "MODEL", "--steps", "filter"], "needs reference_files in"),
        (["--steps", "encode"], "no --model_file"),
    ],
)
def test_steps_are_checked_before_any_work(
    tree, model_file, tmp_path, arguments, said, capsys
):
    given = [str(model_file) if one == "MODEL" else one for one in arguments]
    folder = tmp_path / "out"
    code = main("dipy_process_cohort", [str(tree), str(folder), *given])
    assert code == 1
    assert said in capsys.readouterr().err
    assert not folder.exists()


def test_outputs_are_described(processed, tree):
    said = json.loads((processed / "dataset_description.json").read_text())
    assert said["DatasetType"] == "derivative"
    assert said["GeneratedBy"][0]["Name"] == "dipy_tractogen"
    assert said["SourceDatasets"] == [{"URL": tree.resolve().as_uri()}]
    linked = (processed / said["DatasetLinks"]["source"]).resolve()
    assert linked == tree.resolve()


def test_the_tree_itself_takes_no_outputs(tree, model_file, capsys):
    assert process(tree, tree, model_file, None, steps=["encode"]) == 1
    assert "is the tree that is read" in capsys.readouterr().err


def test_names_are_those_of_bids(processed):
    assert faults(processed) == []
    stray = processed / "sub-001" / "dwi" / "sub-002_desc-a_b_tractogram.trx"
    stray.touch()
    other = processed / "sub-001" / "other.txt"
    other.touch()
    try:
        assert len(faults(processed)) == 5
    finally:
        stray.unlink()
        other.unlink()
