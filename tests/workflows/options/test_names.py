"""Names of bundles, columns and categories that a format cannot hold as they are."""

import csv
import json
import os
import sys
import unicodedata

import numpy as np
import pytest

from dipy_tractogen.streamlines.formats.sidecar import sidecar_path
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main

# The last one is that of a file whose name is Latin-1, as on old disks.
FILES = (b"rep_sz_1.0", b"rep_sz_1_0", 'uf "5%": $x$ é'.encode(), b"B\xfcndel")
NAMES = ("rep_sz_1.0", "rep_sz_1_0", 'uf "5%": $x$ é', r"B\xfcndel")
COLUMN = "sex/gender, as told at intake"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="other systems have no such names of files"
)

SMALL = ["--epochs", "2", "--nb_points", "16", "--latent_dim", "3"]


def run(command, *arguments, code=0):
    assert main(command, [*map(str, arguments), "--quiet"]) == code


@pytest.fixture(scope="module")
def subjects(tmp_path_factory, phantom):
    """Three bundles of four subjects, a file each, and a table of the subjects."""
    folder = tmp_path_factory.mktemp("subjects")
    rows = [f"participant_id\t{COLUMN}\tscan/date"]
    for number in range(4):
        (folder / f"sub-{number}").mkdir()
        rows.append(
            f"sub-{number}\t{'=F' if number % 3 else 'M, 1'}\t{20240131 + number}"
        )
        for code, name in enumerate(FILES):
            part = phantom.select(phantom.labels == code)
            path = folder / f"sub-{number}" / os.fsdecode(name + b".trk")
            save_bundles(path, part.streamlines, reference=part.reference)
    (folder / "participants.tsv").write_text("\n".join(rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def trained(subjects):
    """A model of these bundles and of both columns."""
    run(
        "dipy_train_cvae",
        *(subjects / f"sub-{number}" for number in range(4)),
        *SMALL,
        *("--held_out", 0.3, "--participants", subjects / "participants.tsv"),
        *("--categorical", COLUMN, "--continuous", "scan/date"),
        *("--out_dir", subjects / "m"),
    )
    return subjects / "m" / "model.keras"


def test_a_model_reads_its_own_held_out_streamlines(trained, tmp_path):
    held_out = load_bundles(
        trained.with_name("held_out.trx"), categorical=COLUMN, continuous="scan/date"
    )
    assert set(held_out.bundle_names) == set(NAMES)
    assert set(held_out.values[COLUMN]) == {"=F", "M, 1"}
    assert set(held_out.values["scan/date"]) == {20240131.0 + n for n in range(4)}
    for extension in ("trx", "trk"):
        name = f"a.{extension}"
        options = ["--out_dir", tmp_path, "--out_tractogram", name]
        given = [trained, trained.with_name("held_out.trx"), *options]
        run("dipy_reconstruct_streamlines", *given)
        assert load_bundles(tmp_path / name).counts() == held_out.counts()
        # What was written is read by the model again.
        options[-1] = f"b.{extension}"
        run("dipy_reconstruct_streamlines", trained, tmp_path / name, *options)


@pytest.mark.parametrize("extension", ["trx", "trk"])
def test_generated_names_are_those_of_the_training(
    trained, subjects, extension, tmp_path
):
    name = f"synthetic.{extension}"
    run(
        "dipy_generate_streamlines",
        *(trained, "--nb_streamlines", 60, "--bundles", *map(os.fsdecode, FILES[2:])),
        *("--conditions", f"{COLUMN}==F", "scan/date=20240132"),
        *("--out_dir", tmp_path, "--out_tractogram", name),
    )
    made = load_bundles(tmp_path / name, categorical=COLUMN, out_of_bounds="keep")
    assert set(made.bundle_names) == set(NAMES[2:])
    assert set(made.values[COLUMN]) == {"=F"}
    said = json.loads(sidecar_path(tmp_path / name).read_bytes())
    assert said["categories"][COLUMN] == {"0": "=F", "1": "M, 1"}
    # The same names in original files and in those that were written.
    metrics = tmp_path / "metrics.json"
    for real in (subjects / "sub-0", trained.with_name("held_out.trx")):
        given = [tmp_path / name, real, "--nb_bootstrap", 0, "--out_dir", tmp_path]
        files = [subjects / f"sub-{number}" for number in range(4)]
        given += ["--train_files", *files, "--force"]
        run("dipy_evaluate_streamlines", *given)
        bundles = json.loads(metrics.read_bytes())["bundles"]
        assert set(NAMES[2:]) <= set(bundles)


def test_shares_are_asked_for_by_name(trained, tmp_path):
    shares = [unicodedata.normalize("NFD", f"{NAMES[2]}=2"), f"{NAMES[0]}=1"]
    options = ["--nb_streamlines", 9, "--out_dir", tmp_path, "--proportions", *shares]
    run("dipy_generate_streamlines", trained, *options)
    counts = load_bundles(tmp_path / "synthetic.trx", out_of_bounds="keep").counts()
    assert counts == {NAMES[0]: 3, NAMES[2]: 6}


def test_names_of_files_that_are_not_utf8(trained, subjects, tmp_path, capsys):
    files, out = subjects / "sub-0", tmp_path / os.fsdecode(b"\xe9")
    options, log = ["--out_dir", out], tmp_path / "log.txt"
    given = ["--participants", subjects / "participants.tsv", "--log_file", log]
    run("dipy_encode_streamlines", trained, files, *given, *options)
    spelled = NAMES[3] + ".trk"
    assert f"Reading {files}/{spelled}" in log.read_text(encoding="utf-8")
    latents = np.load(out / "latents.npz")
    assert NAMES[3] in latents["bundle_names"]
    assert f"{files}/{spelled}" in latents["files"]
    run("dipy_evaluate_streamlines", files, files, "--nb_bootstrap", 0, *options)
    with open(out / "metrics.tsv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert set(NAMES) <= {row["bundle"] for row in rows}
    assert "Traceback" not in capsys.readouterr().err
