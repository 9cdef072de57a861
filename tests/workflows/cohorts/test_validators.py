"""Cohorts as validators and readers of BIDS see them, where these are installed."""

import json
import os
from pathlib import Path
import shutil
import subprocess
import sys

import pytest

from dipy_tractogen.workflows.cli import main

# By the schema of the standard, and the older one of npm.
VALIDATORS = ("bids-validator-deno", "bids-validator")


def validator(name):
    """Return the path of a validator, which may be beside Python."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return shutil.which(name, path=beside)


def errors(name, folder):
    """Return the errors that a validator finds in a tree."""
    command = [validator(name), str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = json.loads(done.stdout)["issues"]
    found = said["errors"] if "errors" in said else said["issues"]
    return [one for one in found if one["severity"] == "error"]


@pytest.fixture(scope="module")
def trees(cohort, conditional_model, tmp_path_factory):
    """A simulated cohort, what is made of two of its subjects, and generated ones."""
    folder = tmp_path_factory.mktemp("trees")
    model = ["--model_file", str(conditional_model), "--steps", "reconstruct"]
    given = [str(cohort), str(folder / "processed"), *model, "--quiet"]
    label = ["--participant_label", "001", "002"]
    assert main("dipy_process_cohort", [*given, *label]) == 0
    given = [str(conditional_model), str(cohort / "participants.tsv")]
    given += [str(folder / "generated"), "--nb_streamlines", "20", "--quiet"]
    assert main("dipy_generate_cohort", [*given, *label]) == 0
    return {
        "simulated": cohort,
        "processed": folder / "processed",
        "generated": folder / "generated",
    }


@pytest.mark.parametrize("name", VALIDATORS)
@pytest.mark.parametrize("tree", ["simulated", "processed", "generated"])
def test_a_validator_finds_no_error(trees, tree, name):
    if validator(name) is None:
        pytest.skip(f"{name} is not installed")
    assert errors(name, trees[tree]) == []


def test_a_validator_finds_an_error(trees, tmp_path):
    name = next(filter(validator, VALIDATORS), None)
    if name is None:
        pytest.skip("no validator is installed")
    shutil.copytree(trees["generated"], tmp_path / "tree")
    (tmp_path / "tree" / "sub-001" / "dwi" / "other.txt").write_text("text")
    assert len(errors(name, tmp_path / "tree")) == 1


@pytest.mark.parametrize(
    ("tree", "names"),
    [
        ("processed", {"desc": "reconstructed", "extension": ".trx"}),
        ("generated", {"extension": ".trx"}),
    ],
)
def test_pybids_finds_the_tractograms(trees, tree, names):
    bids = pytest.importorskip("bids")
    layout = bids.BIDSLayout(trees[tree], is_derivative=True, validate=False)
    assert layout.get_subjects() == ["001", "002"]
    (found,) = layout.get(subject="001", suffix="tractogram", **names)
    assert found.get_metadata()["Description"]
