import csv

import numpy as np
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main
from dipy_tractogen.workflows.train import TrainVAEFlow


@pytest.fixture(scope="module")
def folder(model_file):
    """What the training of the shared model wrote."""
    return model_file.parent


def test_outputs_are_those_of_the_table(folder):
    names = {path.name for path in folder.iterdir()}
    assert names == {"model.keras", "history.csv", "held_out.trx"}


def test_held_out_streamlines_are_the_original_ones(folder, bundle_files):
    original = load_bundles(bundle_files)
    _, expected = original.split(0.1, seed=0)
    held_out = load_bundles(folder / "held_out.trx")
    assert held_out.counts() == expected.counts()
    for one, two in zip(held_out.streamlines, expected.streamlines):
        np.testing.assert_allclose(one, two, atol=1e-4)


def test_model_knows_its_data(folder, bundle_files):
    record = load_model(folder / "model.keras").record
    assert set(record.data["files"]) == {str(path) for path in bundle_files}
    assert all(len(digest) == 64 for digest in record.data["files"].values())
    assert record.data["nb_training"] == sum(record.bundle_counts) == 33
    assert record.data["nb_held_out"] == 3
    assert record.reference["dimensions"] == [64, 64, 3]
    assert record.bundle_names == ["bundle_1", "bundle_2", "bundle_3"]


def test_history_ends_with_the_last_step(folder):
    with open(folder / "history.csv") as stream:
        rows = list(csv.DictReader(stream))
    assert float(rows[-1]["step"]) == 2
    assert {"loss", "kl", "reconstruction_mm", "val_loss"} <= set(rows[0])


def test_flow_runs_from_python_and_says_where_its_outputs_are(bundle_files, tmp_path):
    flow = TrainVAEFlow()
    flow.run(
        [str(path) for path in bundle_files],
        nb_points=16,
        latent_dim=2,
        epochs=1,
        held_out=0,
        out_dir=str(tmp_path),
    )
    assert set(flow.last_generated_outputs) == {"out_model", "out_history"}
    assert all(path.exists() for path in flow.last_generated_outputs.values())


def test_failed_training_leaves_nothing(bundle_files, tmp_path, capsys):
    arguments = [str(path) for path in bundle_files]
    arguments += ["--sigma_mm", "1e-19", "--epochs", "1", "--nb_points", "16"]
    assert main("dipy_train_vae", [*arguments, "--out_dir", str(tmp_path)]) == 1
    assert "a larger sigma_mm" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_outputs_are_not_taken_as_inputs(bundle_files, tmp_path, capsys):
    for path in bundle_files:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    arguments = [str(tmp_path), "--out_dir", str(tmp_path), "--force", "--epochs", "1"]
    (tmp_path / "held_out.trk").write_bytes(bundle_files[0].read_bytes())
    arguments += ["--out_held_out", "held_out.trk"]
    assert main("dipy_train_vae", arguments) == 1
    assert "is an input and an output" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [("--out_held_out", "held.csv"), ("--latent_dim", "1000000000")]
)
def test_impossible_options_are_refused_before_any_work(
    bundle_files, tmp_path, capsys, options
):
    arguments = [str(path) for path in bundle_files]
    assert main("dipy_train_vae", [*arguments, *options, "--out_dir", str(tmp_path)])
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
