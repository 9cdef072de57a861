import csv
import json

import numpy as np
import pytest
from trx import trx_file_memmap

from dipy_tractogen.sampling.samplers.registry import SAMPLERS
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main

ATLAS = ("--atlas_streamlines", "{file}")


@pytest.fixture
def generate(model_file, tmp_path, caplog):
    """Run the command; give the exit code and what it wrote, or what it said."""

    def run(*arguments):
        options = ["--nb_streamlines", 20, "--out_dir", tmp_path, "--force"]
        given = [str(each) for each in (model_file, *arguments, *options)]
        code = main("dipy_generate_streamlines", given)
        if code:
            return caplog.text
        return load_bundles(tmp_path / "synthetic.trx", out_of_bounds="keep")

    return run


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "manifold"])
def test_samplers_give_other_streamlines(generate, sampler):
    made, other = generate(), generate("--sampler", sampler)
    assert made.counts() == other.counts()
    assert not np.allclose(made.resample(9), other.resample(9), atol=0.1)


def test_share_that_is_accepted_is_said(generate, caplog):
    caplog.set_level("INFO")
    generate("--sampler", "rejection")
    said = caplog.text.split("The sampler accepted ")[1].split(" %")[0]
    assert 0 < float(said) <= 100


def test_only_the_bundles_of_the_seeds_are_generated(generate, bundle_files):
    made = generate("--seed_streamlines", bundle_files[1])
    assert made.counts() == {"bundle_2": 20}


def test_atlas_fills_what_the_subject_lacks(generate, bundle_files):
    atlas = ("--atlas_streamlines", bundle_files[2])
    seeds = ("--seed_streamlines", bundle_files[1])
    assert generate(*seeds, *atlas).counts() == {"bundle_2": 10, "bundle_3": 10}
    made = generate(*seeds, *atlas, "--atlas_share", 0.8)
    assert made.counts() == {"bundle_2": 4, "bundle_3": 16}


@pytest.fixture
def with_some_outside(bundle_files, tmp_path):
    """Write a bundle with one streamline, or with half of them, out of the box."""

    def write(nb_outside):
        bundles = load_bundles(bundle_files[1])
        points = bundles.resample(30)
        points[:nb_outside] += np.float32(500)
        path = tmp_path / f"bundle_2_{nb_outside}" / "bundle_2.trk"
        path.parent.mkdir()
        save_bundles(path, points, reference=bundles.reference)
        return path

    return write


def test_rule_of_the_box_holds_for_all_that_is_read(
    generate, with_some_outside, tmp_path
):
    file = with_some_outside(1)
    names = ("seed_streamlines", "atlas_streamlines", "train_files")
    options = [text for name in names for text in (f"--{name}", file)]
    options += ["--max_novelty", 1000]
    for rule in ("drop", "keep"):
        generate(*options, "--outside_box", rule)
        record = json.loads((tmp_path / "synthetic.trx.json").read_text("utf-8"))
        assert set(record["screening"]) == set(names)
        for found in record["screening"].values():
            reason = {"out of the bounding box": 1}
            assert found["dropped"] == (reason if rule == "drop" else {})
            assert found["noted"] == (reason if rule == "keep" else {})
        assert any("1 out of the bounding box" in each for each in record["warnings"])


@pytest.mark.parametrize("name", ["seed_streamlines", "train_files"])
def test_wrong_box_of_what_is_read_is_an_error(generate, with_some_outside, name):
    more = ["--max_novelty", 9] if name == "train_files" else []
    said = generate(f"--{name}", with_some_outside(6), *more)
    assert "of 12 streamlines, 6 out of the bounding box" in said
    assert "--outside_box keep" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--outside_box", "leave"), "--outside_box leave: accepted are drop, keep"),
        (("--sampler", "mcmc"), "--sampler mcmc: accepted are manifold, gmm, kde"),
        (("--atlas_share", "0.5"), "is of no use without --atlas_streamlines"),
        (("--atlas_streamlines", "x.trk"), "mixed with --seed_streamlines"),
        (("--seed_streamlines", "x.trk"), "x.trk"),
        (("--seed_streamlines", "{file}", "--sampler", "prior"), "--sampler prior"),
        (("--participants", "x.tsv"), "--participants is of no use without"),
        (
            (*("--seed_streamlines", "{file}", "--atlas_share", "2"), *ATLAS),
            "--atlas_share",
        ),
    ],
)
def test_impossible_seeds_are_refused(generate, bundle_files, arguments, said):
    given = [each.format(file=bundle_files[0]) for each in arguments]
    assert said in generate(*given)


def test_bundles_that_the_model_does_not_know_are_refused(
    generate, bundle_files, tmp_path
):
    unknown = tmp_path / "fornix.trk"
    unknown.write_bytes(bundle_files[0].read_bytes())
    assert "fornix" in generate("--seed_streamlines", unknown)


def test_conditions_of_a_subject_come_from_its_table(
    conditional_model, cohort, tmp_path
):
    """All that is drawn like its streamlines is of its diagnosis."""
    table = cohort / "participants.tsv"
    with open(table, encoding="utf-8", newline="") as stream:
        subject = next(csv.DictReader(stream, delimiter="\t"))
    (file,) = (cohort / subject["participant_id"]).rglob("*.trx")
    given = [conditional_model, "--seed_streamlines", file, "--participants", table]
    given += ["--nb_streamlines", 30, "--out_dir", tmp_path]
    assert main("dipy_generate_streamlines", [str(each) for each in given]) == 0
    made = trx_file_memmap.load(str(tmp_path / "synthetic.trx"))
    expected = ("control", "patient").index(subject["diagnosis"])
    assert (made.data_per_streamline["diagnosis"] == expected).all()
