import csv
import os

import pytest

from dipy_tractogen.tuning import trial
from dipy_tractogen.workflows.cli import main


def sweep(bundle_files, folder, *options):
    small = ["--nb_points", "16", "--latent_dim", "2", "--epochs", "3"]
    small += ["--held_out", "0.3", "--out_dir", str(folder)]
    return main("dipy_sweep_beta", [*map(str, bundle_files), *small, *options])


@pytest.fixture(scope="module")
def folder(bundle_files, tmp_path_factory):
    """Hold a sweep over two betas, whose second is seven orders too large."""
    folder = tmp_path_factory.mktemp("sweep")
    assert sweep(bundle_files, folder, "--betas", "0", "1e7") == 0
    return folder


def rows_of(folder):
    with open(folder / "sweep.tsv", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_table_has_all_measures(folder):
    rows = rows_of(folder)
    assert [float(row["beta"]) for row in rows] == [0, 1e7]
    for row in rows:
        assert row["state"] == "complete"
        measures = {
            name: float(row[name])
            for name in (
                *("point_error_mm", "kl_nats", "active_units", "precision", "recall"),
                *("density", "coverage", "quality", "interpretability", "scc", "mig"),
                *("sap", "modularity", "seconds", "real_coverage"),
            )
        }
        assert measures["point_error_mm"] > 0
        assert 0 <= measures["scc"] <= 1
    assert float(rows[0]["kl_nats"]) > float(rows[1]["kl_nats"])
    assert [row["recommended"] for row in rows].count("True") == 1


def test_figure_is_a_picture(folder):
    assert (folder / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_finished_sweep_only_reports_again(folder, bundle_files, monkeypatch):
    before = rows_of(folder)
    (folder / "sweep.tsv").unlink()
    monkeypatch.setattr(trial, "run_trial", pytest.fail)
    assert sweep(bundle_files, folder, "--betas", "0", "1e7", "--resume") == 0
    assert rows_of(folder) == before


def test_existing_study_is_kept(folder, bundle_files, capsys):
    before = (folder / "sweep.journal").read_bytes()
    assert sweep(bundle_files, folder, "--betas", "0", "1e7") == 1
    assert "--force" in capsys.readouterr().err
    assert sweep(bundle_files, folder, "--betas", "0", "2", "--resume") == 1
    assert "another betas" in capsys.readouterr().err
    short = ("--betas", "0", "--held_out", "0.01", "--force")
    assert sweep(bundle_files, folder, *short) == 1
    assert "too few to measure with" in capsys.readouterr().err
    assert (folder / "sweep.journal").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--betas", "0", "-1"], "expected|give numbers"),
        (["--betas", "1", "1"], "twice"),
        (["--betas", "0.5", "--minimum_beta", "1"], "none of at least 1"),
        (["--search", "depth=1:2"], "accepted are latent_dim"),
        (["--search", "latent_dim=2:99"], "from 1 to 48"),
        (["--nb_trials", "5"], "goes with --search"),
        (["--held_out", "0"], "more than 0"),
        (["--storage", "sqlite:///a.db"], "cannot share SQLite"),
        (["--storage", "sweep.journal"], "--storage sweep.journal: give the address"),
        (["--held_out", "0.01"], "too few to measure with"),
        (["--betas", "0", "1", "--out_png", "a.xyz"], "--out_png a.xyz: a figure has"),
    ],
)
def test_impossible_searches_are_refused(bundle_files, refused, options, said):
    error = refused("dipy_sweep_beta", *bundle_files, "--nb_points", "16", *options)
    assert any(part in error for part in said.split("|"))


@pytest.mark.parametrize("is_link", [False, True])
def test_file_that_is_no_study_is_kept_whatever_is_forced(
    bundle_files, tmp_path, capsys, is_link
):
    other = tmp_path / "CC.trk"
    other.write_bytes(b"mine")
    if is_link:
        (tmp_path / "sweep.journal").symlink_to(other)
    name = "sweep.journal" if is_link else "CC.trk"
    options = ("--betas", "0", "--out_study", name, "--force")
    assert sweep(bundle_files, tmp_path, *options) == 1
    assert f"{name} is no journal of a search" in capsys.readouterr().err
    assert other.read_bytes() == b"mine"
    assert {path.name for path in tmp_path.iterdir()} == {"CC.trk", name}


def test_search_that_cannot_begin_leaves_nothing(bundle_files, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("full")

    monkeypatch.setattr("dipy_tractogen.tuning.study.BetaStudy.run", fail)
    assert sweep(bundle_files, tmp_path / "new", "--betas", "0") == 1
    assert list(tmp_path.iterdir()) == []


def test_failure_of_all_trials_is_said(bundle_files, tmp_path, monkeypatch, capsys):
    def diverge(*_):
        raise ValueError("The loss became nan")

    monkeypatch.setattr(trial, "run_trial", diverge)
    assert sweep(bundle_files, tmp_path, "--betas", "0") == 1
    assert "no trial was completed" in capsys.readouterr().err
    assert rows_of(tmp_path)[0]["reason"] == "The loss became nan"


def test_password_of_a_database_is_in_no_message(bundle_files, tmp_path, capsys):
    log = tmp_path / "log.txt"
    options = ("--storage", "postgresql://me:secret@127.0.0.1:1/none", "--betas", "0")
    options += ("--log_file", str(log), "--log_level", "DEBUG")
    assert sweep(bundle_files, tmp_path / "new", *options) == 1
    assert sweep(bundle_files, tmp_path / "new", "--storge", *options[1:]) == 1
    said = capsys.readouterr().err
    assert said.count("//me:***@127.0.0.1:1/none") > 2
    assert "//me:***@127.0.0.1:1/none" in log.read_text(encoding="utf-8")
    assert "secret" not in said + log.read_text(encoding="utf-8")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("users", "expected"), [(None, "false"), ("true", "true")])
def test_processes_of_a_search_may_share_a_gpu(
    bundle_files, tmp_path, monkeypatch, users, expected
):
    name = "XLA_PYTHON_CLIENT_PREALLOCATE"
    monkeypatch.setenv(name, users or "")
    if users is None:
        monkeypatch.delenv(name)
    assert sweep(bundle_files, tmp_path, "--nb_trials", "5") == 1
    assert os.environ[name] == expected
