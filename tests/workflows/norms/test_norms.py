"""`dipy_fit_norms` and `dipy_score_subject`: from files to a page."""

import csv
import json

import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.viz.report import subject_page
from dipy_tractogen.workflows.cli import main


@pytest.fixture(scope="module")
def tree(tmp_path_factory, model_file):
    """Eight subjects with six streamlines in each bundle, and a model."""
    folder = tmp_path_factory.mktemp("norms")
    out = ["--out_dir", str(folder), "--quiet"]
    size = ["--nb_subjects", "8", "--nb_streamlines", "6", "--nb_points", "16"]
    assert main("dipy_simulate_cohort", [*size, "--profiles", *out]) == 0
    (folder / "model.keras").write_bytes(model_file.read_bytes())
    return folder


@pytest.fixture(autouse=True)
def _one_picture(monkeypatch):
    monkeypatch.setattr(subject_page, "_MOST_DRAWN", 1)


def fit(tree, folder, *options):
    given = [str(tree / "model.keras"), f"{tree}/sub-00[1-7]/dwi/*.trx"]
    table = ["--participants", str(tree / "participants.tsv")]
    out = ["--out_dir", str(folder), "--quiet"]
    return main("dipy_fit_norms", [*given, *table, *options, *out])


@pytest.fixture(scope="module")
def norms(tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fitted")
    assert fit(tree, folder, "--continuous", "age", "--values", "FA", "MD") == 0
    return folder / "norms.keras"


def score(norms, tree, folder, *options):
    given = [str(norms), str(tree / "sub-008" / "dwi")]
    return main("dipy_score_subject", [*given, *options, "--out_dir", str(folder)])


def test_a_subject_is_scored(norms, tree, tmp_path):
    table = ["--participants", str(tree / "participants.tsv")]
    assert score(norms, tree, tmp_path, *table) == 0
    with open(tmp_path / "scores.tsv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    record = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    # Two profiles, the shape and the latents, and each of them together.
    assert len(rows) == len(record["scores"]) == 3 * (2 * 101 + 5 + 1)
    one = next(row for row in rows if row["value"] == "FA" and row["place"] == "50")
    assert 0 < float(one["centile_5"]) < float(one["centile_50"]) < 1
    assert 0 <= float(one["centile"]) <= 100
    assert record["conditions"]["age"] > 0
    assert "7 subjects" in " ".join(record["not_scored"])
    page = (tmp_path / "scores.html").read_text(encoding="utf-8")
    assert "no statement about the health" in page


def test_conditions_at_the_shell_replace_those_of_the_table(norms, tree, tmp_path):
    assert score(norms, tree, tmp_path, "--conditions", "age=41") == 0
    record = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert record["conditions"] == {"age": 41}


def test_a_subject_in_another_space_is_moved(norms, tree, tmp_path):
    np.savetxt(tmp_path / "move.txt", np.eye(4))
    given = ["--conditions", "age=41", "--transform", str(tmp_path / "move.txt")]
    assert score(norms, tree, tmp_path, *given) == 0
    record = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert "input" in record["registrations"]


def image(tree, folder, *, start=0.0, shift=0.0, value=None):
    """Write an image of x, or of one value, over the bundles."""
    grid = load_bundles([next(tree.glob("sub-001/dwi/*.trx"))]).reference
    affine = grid.affine.copy()
    affine[0, 3] += shift
    x = np.indices(grid.dimensions)[0] * affine[0, 0] + affine[0, 3]
    data = np.where(x >= start, x, np.nan) if value is None else np.full_like(x, value)
    path = folder / "image.nii.gz"
    nib.Nifti1Image(data.astype(np.float32), affine).to_filename(path)
    return f"AD={path}"


@pytest.fixture(scope="module")
def norms_of_images(tree, tmp_path_factory):
    """Norms of values that the tractograms do not have."""
    folder = tmp_path_factory.mktemp("images")
    maps = ["--values", "AD", "--maps", image(tree, folder)]
    assert fit(tree, folder, *maps) == 0
    return folder / "norms.keras"


def test_values_of_images_are_scored(norms_of_images, tree, tmp_path):
    """Where an image says nothing, it is said; the rest is scored."""
    start = 60.0
    assert (
        score(
            norms_of_images,
            tree,
            tmp_path,
            "--maps",
            image(tree, tmp_path, start=start),
        )
        == 0
    )
    record = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    found = [
        one["subject"]
        for one in record["scores"]
        if one["value"] == "AD" and one["place"] != "all"
    ]
    known = [one for one in found if one is not None]
    assert 0 < len(known) < len(found)
    assert min(known) >= start
    assert "AD is missing at" in " ".join(record["not_scored"])


def test_images_that_are_refused(norms_of_images, tree, tmp_path, capsys):
    other = image(tree, tmp_path, shift=1000)
    out = tmp_path / "out"
    for given, message in {
        ("--values", "AD", "--maps", other): "is not of the space of",
        ("--maps", other): "nothing along the streamlines is read",
        ("--values", "XX", "--maps", other): "has no data_per_point XX",
    }.items():
        assert fit(tree, out, *given) == 1
        assert message in capsys.readouterr().err
    for given, message in {
        ("--maps", other): "is not of the space of",
        (): "has no data_per_point AD",
    }.items():
        assert score(norms_of_images, tree, out, *given) == 1
        assert message in capsys.readouterr().err
    assert not list(out.glob("*"))


def test_a_reference_group(tree, tmp_path):
    group = ["--group", "diagnosis=control"]
    # Without a condition or a value.
    assert fit(tree, tmp_path, *group) == 0
    found = load_model(tmp_path / "norms.keras").record.norms
    assert found.reference_group == {"diagnosis": "control"}
    assert found.nb_subjects in (3, 4)
    assert found.values == []
    assert found.design.conditions.names == ()


def test_a_subject_is_scored_as_one_of_the_reference_group(tree, tmp_path):
    group = ["--group", "diagnosis=control", "--categorical", "diagnosis"]
    assert fit(tree, tmp_path, *group) == 0
    table = ["--participants", str(tree / "participants.tsv")]
    assert score(tmp_path / "norms.keras", tree, tmp_path, *table) == 0
    record = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert record["conditions"] == {"diagnosis": "control"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "lack age"),
        (["--conditions", "age=old"], "age=old: give a number"),
        (["--conditions", "height=2"], "height tells no subjects"),
        (["--conditions", "age=500"], "by more than its width"),
        (["--conditions", "age=40", "--out_report", "a.txt"], "a name with .html"),
    ],
)
def test_scores_that_are_refused(norms, tree, tmp_path, capsys, options, message):
    assert score(norms, tree, tmp_path, *options) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_model_without_norms(tree, tmp_path, capsys):
    assert score(tree / "model.keras", tree, tmp_path) == 1
    assert "without norms" in capsys.readouterr().err


def test_several_subjects_are_not_one(norms, tree, tmp_path, capsys):
    given = [str(norms), f"{tree}/sub-00[1-2]/dwi/*.trx", "--conditions", "age=40"]
    assert main("dipy_score_subject", [*given, "--out_dir", str(tmp_path)]) == 1
    assert "several subjects" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--continuous", "height"], "no column height"),
        (["--continuous", "diagnosis"], "is no finite number"),
        (["--continuous", "age", "--group", "site=1"], "no column site"),
        (["--continuous", "age", "--group", "diagnosis=x"], "0 subjects"),
        (["--continuous", "age", "--values", "AD"], "AD"),
        (["--out_model", "norms.h5"], "ending in .keras"),
    ],
)
def test_norms_that_are_refused(tree, tmp_path, capsys, options, message):
    assert fit(tree, tmp_path, *options) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
