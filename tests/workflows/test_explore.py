"""`dipy_explore_latent` on tiny models: what it writes, and what it refuses."""

import csv
import json

import numpy as np
from PIL import Image
import pytest

from dipy_tractogen.metrics import projection
from dipy_tractogen.nn import load_model
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.viz import display
from dipy_tractogen.viz.latent import traversal_findings
from dipy_tractogen.workflows.cli import main

COMMAND = "dipy_explore_latent"


def explore(*arguments, out_dir):
    given = [*map(str, arguments), "--out_dir", str(out_dir), "--quiet"]
    assert main(COMMAND, given) == 0
    return out_dir


def read_table(path):
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


@pytest.fixture(scope="module")
def explored(conditional_model, cohort, tmp_path_factory):
    """All figures of a CVAE; those of FURY are drawn where that is possible."""
    if not display.can_render():
        pytest.skip("rendering needs FURY and a display or Xvfb")
    files = sorted(cohort.rglob("*.trx"))
    table = ["--participants", cohort / "participants.tsv"]
    bundles = load_bundles(files).bundle_names[:2]
    options = ["--color_by", "bundle", "diagnosis", "age", "subject"]
    options += ["--interpolate", *bundles, "--walk", "length", "--nb_steps", 3]
    options += ["--max_streamlines", 60, "--bundle", bundles[1]]
    folder = tmp_path_factory.mktemp("explored")
    arguments = [conditional_model, *files, *table, *options]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traversal_findings, "_NB_FRAMES", 3)
        patch.setattr(traversal_findings, "_EVERY", 1)
        explore(*arguments, out_dir=folder)
    return folder, bundles


@pytest.fixture
def nothing_rendered(monkeypatch):
    monkeypatch.setattr(display, "_why_not", lambda: "not here")


@pytest.fixture
def collapsed(monkeypatch):
    """Models of whose latents none is active."""
    from dipy_tractogen.nn.model import StreamlineModel

    monkeypatch.setattr(StreamlineModel, "active_variance", 1e9)


def test_the_json_lists_every_file_with_an_alternative_text(explored):
    folder, _ = explored
    found = json.loads((folder / "latent.json").read_text(encoding="utf-8"))
    files = [each["file"] for each in (*found["figures"], *found["tables"])]
    assert sorted([*files, "latent.json"]) == sorted(p.name for p in folder.iterdir())
    assert len(found["figures"]) == 8
    assert all(each["alt"].endswith(".") for each in found["figures"])
    assert all(each["title"] for each in (*found["figures"], *found["tables"]))
    for each in found["figures"]:
        with Image.open(folder / each["file"]) as image:
            assert min(image.size) > 200
    assert found["command"].startswith(COMMAND)
    assert found["streamlines"]["given"] > sum(found["streamlines"]["counts"].values())
    assert found["has_posterior"] is True
    assert found["kl_nats"] == pytest.approx(sum(e["kl"] for e in found["units"]))
    assert sum(found["explained_variance"]) == pytest.approx(1)
    assert {"age", "length", "x"} <= set(found["correlations"]["attributes"])
    assert "age" in found["disentanglement"]["scc"]


def test_the_streamlines_are_those_of_the_files(explored, conditional_model, cohort):
    folder, _ = explored
    rows = read_table(folder / "latent_projections.tsv")
    assert 50 <= len(rows) <= 70
    files = sorted(cohort.rglob("*.trx"))
    row = rows[len(rows) // 2]
    assert row["subject"] in str(files[int(row["file"])])
    table = cohort / "participants.tsv"
    known = next(r for r in read_table(table) if r["participant_id"] == row["subject"])
    assert row["diagnosis"] == known["diagnosis"]
    assert float(row["age"]) == pytest.approx(float(known["age"]), rel=1e-5)
    assert {"pca_1", "pca_2"} < set(row)


def test_traversals_and_walks_are_measured(explored, conditional_model):
    folder, (_, bundle) = explored
    found = json.loads((folder / "latent.json").read_text(encoding="utf-8"))
    assert found["traversal"]["bundle"] == bundle
    rows = read_table(folder / "latent_traversal.tsv")
    moved = found["traversal"]["displacement_mm"]
    assert [row["dimension"] for row in rows[::3]] == list(moved)
    assert list(moved.values()) == sorted(moved.values(), reverse=True)
    for name in moved:
        low, middle, high = (row for row in rows if row["dimension"] == name)
        assert [float(each["deviations"]) for each in (low, middle, high)] == [-3, 0, 3]
        assert float(middle["displacement_mm"]) == pytest.approx(0, abs=1e-3)
        z = [float(each["z"]) for each in (low, middle, high)]
        assert z[1] - z[0] == pytest.approx(z[2] - z[1], rel=1e-3)
        ends = [float(each["displacement_mm"]) for each in (low, high)]
        assert np.mean(ends) == pytest.approx(moved[name], rel=1e-3)
    walked = read_table(folder / "latent_walk.tsv")
    assert {row["number"] for row in walked} == {"length"}
    values = [float(row["value"]) for row in walked]
    assert values == sorted(values)
    measured = [float(row["length_mm"]) for row in walked]
    assert np.isfinite(measured).all()
    steps = read_table(folder / "latent_interpolation.tsv")
    assert [float(row["share"]) for row in steps] == [0, 0.5, 1]


@pytest.mark.usefixtures("nothing_rendered")
def test_without_rendering_the_rest_is_there(
    model_file, bundle_files, tmp_path, caplog
):
    explore(model_file, *bundle_files, "--nb_steps", 2, out_dir=tmp_path)
    found = json.loads((tmp_path / "latent.json").read_text(encoding="utf-8"))
    files = {each["file"] for each in found["figures"]}
    assert "latent_pca.png" in files
    rendered = {"latent_traversal.png", "latent_walk.png", "latent_walk.gif"}
    assert not rendered & files
    for name, warning in zip(("traversal", "walk"), found["warnings"], strict=True):
        assert warning.startswith(f"The {name} is not rendered")
        assert warning in caplog.text
    # The walk goes along the dimension that moves streamlines most, of the bundle that
    # has most of them.
    rows = read_table(tmp_path / "latent_walk.tsv")
    moved = found["traversal"]["displacement_mm"]
    assert {row["dimension"] for row in rows} == {max(moved, key=moved.get)}
    model, bundle = load_model(model_file), load_bundles(bundle_files[0])
    z = model.encode(bundle.streamlines)[:, int(rows[0]["dimension"][1:])]
    middle = rows[len(rows) // 2]
    assert float(middle["z"]) == pytest.approx(z.mean(), abs=1e-4)
    assert float(middle["displacement_mm"]) == pytest.approx(0, abs=1e-3)


@pytest.mark.usefixtures("collapsed")
def test_a_collapsed_model_has_its_line(model_file, bundle_files, tmp_path, caplog):
    explore(model_file, *bundle_files, out_dir=tmp_path)
    assert "No latent dimension is active, so that none is traversed" in caplog.text
    found = json.loads((tmp_path / "latent.json").read_text(encoding="utf-8"))
    assert found["active_units"] == 0
    names = {each["file"] for each in found["figures"]}
    stems = ("pca", "units", "correlations")
    assert names == {f"latent_{stem}.png" for stem in stems}
    assert not (tmp_path / "latent_traversal.tsv").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--projection", "mds"], "--projection mds: accepted are pca, umap, tsne"),
        (["--interpolate", "one"], "--interpolate one: give the names of two bundles"),
        (["--interpolate", *"aba"], "--interpolate a b a: give the names of two"),
        (["--nb_steps", 1], "--nb_steps 1: give a whole number from 2 to 15"),
        (["--nb_deviations", 0], "--nb_deviations 0.0: give a number more than 0"),
        (["--max_streamlines", 2], "--max_streamlines 2"),
        (["--out_latent", "a.txt"], "--out_latent a.txt: give a name that ends in"),
        (["--walk", "z4"], "--walk z4: accepted for this model are z0 to z3."),
        (["--walk", "length"], "--walk length: accepted for this model are z0 to z3."),
        (["--bundle", "b"], "--bundle b: accepted are bundle_1, bundle_2"),
        (["--interpolate", "bundle_1", "b"], "--interpolate b: accepted are bundle_1"),
        (["--color_by", "age"], "data_per_streamline 'age'"),
    ],
)
def test_what_cannot_be_explored_is_refused(
    refused, model_file, bundle_files, monkeypatch, options, said
):
    monkeypatch.setattr(display, "_why_not", lambda: None)
    assert said in refused(COMMAND, model_file, *bundle_files, *options)


def test_umap_that_is_missing_is_said_before_any_work(
    refused, model_file, bundle_files, monkeypatch
):
    monkeypatch.setattr(projection, "find_spec", lambda name: None)
    error = refused(COMMAND, model_file, *bundle_files, "--projection", "umap")
    assert "pip install umap-learn" in error


@pytest.mark.usefixtures("nothing_rendered")
def test_a_walk_that_is_asked_for_needs_rendering(refused, model_file, bundle_files):
    assert "not here" in refused(COMMAND, model_file, *bundle_files, "--walk", "z0")


def test_too_few_streamlines_are_refused(refused, model_file, tractogram_with):
    file = tractogram_with("one point", good=2, bad=0)
    error = refused(COMMAND, model_file, file)
    assert "2 streamlines given: the latent space needs 3 or more" in error


def test_one_figure_that_exists_stops_all(refused, model_file, bundle_files, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "latent_walk.gif").write_text("mine")
    assert "latent_walk.gif" in refused(COMMAND, model_file, *bundle_files)
