import csv
import errno
from fnmatch import fnmatch
from importlib.util import find_spec
import json
import re
import zipfile

import numpy as np
import pytest

from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.simulation import cohort_files
from dipy_tractogen.streamlines.simulation.profiles import (
    PROFILE_LAWS,
    ProfileLaw,
    laws_as_dict,
)
from dipy_tractogen.workflows.cli import main


def simulate(folder, *options):
    small = ["--nb_subjects", "6", "--nb_streamlines", "8", "--nb_points", "20"]
    return main("dipy_simulate_cohort", [*small, "--out_dir", str(folder), *options])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    assert simulate(folder, "--subject_noise", "0") == 0
    return folder


def people(folder):
    with open(folder / "participants.tsv", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_tree_is_as_in_bids(folder):
    rows = people(folder)
    assert [row["participant_id"] for row in rows] == [
        f"sub-{number:03d}" for number in range(1, 7)
    ]
    assert {row["diagnosis"] for row in rows} == {"control", "patient"}
    columns = json.loads((folder / "participants.json").read_text(encoding="utf-8"))
    assert list(columns) == list(rows[0])
    description = json.loads(
        (folder / "dataset_description.json").read_text(encoding="utf-8")
    )
    assert {"Name", "BIDSVersion", "GeneratedBy"} <= set(description)
    files = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*.trx")
    )
    assert files[0] == "sub-001/dwi/sub-001_tractogram.trx"
    assert len(files) == 6


STANDARD = (
    r"README|dataset_description\.json|participants\.(tsv|json)|\.bidsignore"
    r"|(sub-\d{3})/\2_scans\.tsv"
)
"""Names that BIDS has, of those that there are; see its schema, rules/files."""


def unknown_to_bids(folder, *, is_known):
    """Files that are neither named in .bidsignore nor known."""
    ignored = (folder / ".bidsignore").read_text(encoding="utf-8").split()
    files = [path for path in folder.rglob("*") if path.is_file()]
    names = [path.relative_to(folder).as_posix() for path in files]
    left = [
        name
        for name in names
        if not any(fnmatch(name.rpartition("/")[2], one) for one in ignored)
    ]
    return [name for name in left if not is_known(name)]


def test_standard_knows_the_names_or_is_told_to_ignore_them(folder):
    known = re.compile(STANDARD).fullmatch
    assert unknown_to_bids(folder, is_known=known) == []
    assert len(list(folder.glob("sub-*/sub-*_scans.tsv"))) == 6
    assert "laws.json" in (folder / "README").read_text(encoding="utf-8")
    if find_spec("bids_validator"):
        from bids_validator import BIDSValidator

        def is_bids(name):
            return name == ".bidsignore" or BIDSValidator().is_bids(f"/{name}")

        assert unknown_to_bids(folder, is_known=is_bids) == []
    if find_spec("bids"):
        from bids import BIDSLayout

        assert len(BIDSLayout(folder).get_subjects()) == 6


def test_other_names_of_tables_are_ignored_by_bids(tmp_path):
    assert (
        simulate(tmp_path, "--out_laws", "l.json", "--out_participants", "p.tsv") == 0
    )
    assert unknown_to_bids(tmp_path, is_known=re.compile(STANDARD).fullmatch) == []


def test_readme_that_is_there_stays(tmp_path, capsys):
    (tmp_path / "README").write_text("of my project", encoding="utf-8")
    assert simulate(tmp_path, "--force") == 0
    assert "README is there" in capsys.readouterr().err
    assert (tmp_path / "README").read_text(encoding="utf-8") == "of my project"


def test_laws_are_found_again_in_the_files(folder):
    """The lengths of the straight bundle, regressed on age and group."""
    laws = json.loads((folder / "laws.json").read_text(encoding="utf-8"))
    rows = people(folder)
    means = []
    for row in rows:
        name = row["participant_id"]
        bundles = load_bundles(folder / name / "dwi" / f"{name}_tractogram.trx")
        assert bundles.counts() == {f"bundle_{number}": 8 for number in range(1, 8)}
        means.append(np.log(bundles.lengths()).mean())
    age = np.array([float(row["age"]) - 20 for row in rows])
    patient = np.array([row["diagnosis"] == "patient" for row in rows])
    left = means - np.log(1 - laws["length_per_year"] * age)
    # Subjects have streamlines of their own: a few of them scatter by a few percent.
    lacking = 1 - np.exp(left[patient].mean() - left[~patient].mean())
    assert lacking == pytest.approx(laws["patient_length"], abs=0.04)


def test_profiles_follow_the_laws_in_the_files(folder, tmp_path):
    """Values are added, and nothing else is changed; the laws are in the files."""
    assert simulate(tmp_path, "--subject_noise", "0", "--profiles") == 0
    laws = json.loads((tmp_path / "laws.json").read_text(encoding="utf-8"))
    profiles = {name: ProfileLaw(**one) for name, one in laws.pop("profiles").items()}
    assert profiles == read_again(PROFILE_LAWS)
    assert laws == json.loads((folder / "laws.json").read_text(encoding="utf-8"))
    readme = (tmp_path / "README").read_text(encoding="utf-8")
    assert "FA, MD (1e-3 mm^2/s)" in readme
    assert "data_per_point" not in (folder / "README").read_text(encoding="utf-8")
    for row in people(tmp_path):
        name = row["participant_id"]
        path = f"{name}/dwi/{name}_tractogram.trx"
        found = load_bundles(tmp_path / path, values=["FA", "MD"])
        np.testing.assert_array_equal(
            found.streamlines.get_data(),
            load_bundles(folder / path).streamlines.get_data(),
        )
        for value, law in profiles.items():
            own = found.data_per_point[value].reshape(len(found), -1)
            for label, bundle in enumerate(found.bundle_names):
                expected = law.profile(
                    bundle, np.linspace(0, 1, 20), float(row["age"]), row["diagnosis"]
                )
                # Four standard deviations of a subject with eight streamlines.
                mean = own[found.labels == label].mean()
                assert mean == pytest.approx(expected.mean(), abs=0.04)


def test_images_of_the_profiles_are_maps_of_the_subject(tmp_path):
    """Sampled at the points they give the values again, blurred."""
    assert simulate(tmp_path, "--profiles") == 0
    assert unknown_to_bids(tmp_path, is_known=re.compile(STANDARD).fullmatch) == []
    files = sorted(tmp_path.glob("sub-*/dwi/*.trx"))[:2]
    maps = {"sampled": str(tmp_path / "sub-*" / "dwi" / "*_param-FA_dwimap.nii.gz")}
    found = load_bundles(files, maps=maps, values=["FA"])
    own, sampled = (found.data_per_point[name][:, 0] for name in ("FA", "sampled"))
    assert np.isfinite(sampled).all()
    assert abs(sampled - own).mean() < 0.04
    assert np.corrcoef(own, sampled)[0, 1] > 0.7


def read_again(laws):
    return {
        name: ProfileLaw(**one)
        for name, one in json.loads(json.dumps(laws_as_dict(laws))).items()
    }


def test_existing_cohort_is_kept(folder, capsys):
    before = (folder / "participants.tsv").read_bytes()
    assert simulate(folder, "--seed", "1") == 1
    assert "--force" in capsys.readouterr().err
    assert (folder / "participants.tsv").read_bytes() == before


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", [0, 4])
def test_failure_leaves_nothing(tmp_path, monkeypatch, error, at):
    made, save = [], cohort_files.save_bundles

    def fail(*args, **kwargs):
        made.append(args)
        if len(made) > at:
            raise error
        save(*args, **kwargs)

    monkeypatch.setattr(cohort_files, "save_bundles", fail)
    assert simulate(tmp_path / "new" / "deep") in (1, 130)
    assert list(tmp_path.iterdir()) == []


def test_failure_keeps_the_cohort_that_was_there(tmp_path, monkeypatch, capsys):
    assert simulate(tmp_path) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def full(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "close", full)
    assert simulate(tmp_path, "--seed", "1", "--force") == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "sub-001_tractogram.trx cannot be written (No space left" in error
    assert "/sub-001_tractogram.trx" in error
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--nb_subjects", "1"], "--nb_subjects 1"),
        (["--nb_streamlines", "0"], "--nb_streamlines 0"),
        (["--nb_points", "1"], "--nb_points 1"),
        (["--youngest", "90"], "in that order"),
        (["--length_per_year", "0.5"], "length_per_year"),
        (["--fan_per_year", "nan"], "--fan_per_year nan"),
        (["--out_laws", "participants.tsv"], "one name"),
    ],
)
def test_bad_input_is_refused(refused, options, said):
    assert said in refused("dipy_simulate_cohort", *options)


def test_subjects_of_a_larger_cohort_are_told(tmp_path, capsys):
    assert simulate(tmp_path) == 0
    assert "also holds" not in capsys.readouterr().err
    assert simulate(tmp_path, "--nb_subjects", "4", "--force") == 0
    assert "also holds sub-005, sub-006, which" in capsys.readouterr().err
