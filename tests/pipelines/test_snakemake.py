import csv
import os
from pathlib import Path
import subprocess
import sys

import pytest

pytest.importorskip("snakemake", reason="needs Snakemake: pip install snakemake")

FOLDER = Path(__file__).parents[2] / "pipelines" / "snakemake"


def snakemake(folder, *options, profile="local", **config):
    """Run the workflow in a folder, and give what it says."""
    given = [f"{name}={value}" for name, value in config.items()]
    line = [sys.executable, "-m", "snakemake", "--snakefile", FOLDER / "Snakefile"]
    line += ["--profile", FOLDER / "profiles" / profile, "--directory", folder]
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [*map(str, line), *options, "--config", *given],
        env={**os.environ, "PATH": programs, "XDG_CACHE_HOME": str(folder / "cache")},
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def rows_of(path):
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_cohort_of_two_subjects(tmp_path, model_file):
    folder = tmp_path / "a study"
    folder.mkdir()
    config = {"model_file": model_file, "nb_subjects": 2, "nb_streamlines": 4}
    snakemake(folder, "--cores", "1", **config)
    out = folder / "derivatives" / "tractogen"
    rows = rows_of(out / "logs" / "cohort.tsv")
    assert [next(iter(row.values())) for row in rows] == ["sub-001", "sub-002"]
    assert len(list(out.glob("sub-*/dwi/*_latents.npz"))) == 2
    assert "Nothing to be done" in snakemake(folder, "--cores", "1", **config)
    # What Snakemake makes again, the records know to be done.
    latents = {path: path.stat().st_mtime_ns for path in out.rglob("*_latents.npz")}
    again = "derivatives/tractogen/logs/sub-002.tsv"
    snakemake(folder, again, "--cores", "1", "--forcerun", "process", **config)
    assert latents == {path: path.stat().st_mtime_ns for path in latents}
    assert "already" in (out / "logs" / "sub-002.tsv").read_text(encoding="utf-8")


@pytest.mark.parametrize("profile", ["local", "slurm"])
def test_plan_trains_a_model_of_a_tree(tmp_path, profile):
    if profile == "slurm":
        pytest.importorskip("snakemake_executor_plugin_slurm")
    for label in ("01", "02", "03"):
        (tmp_path / "bids" / f"sub-{label}").mkdir(parents=True)
    (tmp_path / "bids" / "participants.tsv").write_text("participant_id\n")
    said = snakemake(
        tmp_path, "--dry-run", "--printshellcmds", profile=profile, bids_dir="bids"
    )
    assert "dipy_train_vae bids --max_minutes 5" in said
    assert said.count("--participant_label sub-0") == 3
    assert "dipy_simulate_cohort" not in said
