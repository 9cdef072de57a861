import csv
import inspect
import re

import numpy as np
import pytest

from dipy_tractogen import nn
from dipy_tractogen.nn import load_model
from dipy_tractogen.nn.training.options import DEFAULT_STEPS
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import load_flow, main
from dipy_tractogen.workflows.flows.training_messages import (
    BY_DEFAULT,
    describe_extent,
)
from dipy_tractogen.workflows.runtime.workspace import Workspace
from dipy_tractogen.workflows.trainings.train_vae import TrainVAEFlow


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
    assert record.space == "phantom"
    assert all(len(digest) == 64 for digest in record.data["files"].values())
    assert record.data["nb_training"] == sum(record.bundle_counts) == 33
    assert record.data["nb_held_out"] == 3
    assert 0 < record.data["seconds_to_read"] < 60
    whole = record.parameters["seconds_to_first_step"]
    assert record.data["seconds_to_read"] < whole < 300
    assert record.reference["dimensions"] == [64, 64, 3]
    assert record.bundle_names == ["bundle_1", "bundle_2", "bundle_3"]
    assert record.data["held_out_counts"] == dict.fromkeys(record.bundle_names, 1)
    assert record.data["dropped"] == {}
    assert record.parameters["command"].startswith(f"dipy_train_vae {bundle_files[0]}")
    (warning,) = record.parameters["warnings"]
    assert warning.startswith("The training was too short: 2 steps are few")


def test_model_knows_what_the_time_was_spent_on(folder):
    parameters = load_model(folder / "model.keras").record.parameters
    seconds = parameters["seconds"]
    assert list(seconds) == [
        *("reading", "preparing and compiling", "steps", "validation and checkpoints"),
        *("density and texture", "held-out error"),
    ]
    assert all(0 <= each < 300 for each in seconds.values())
    before = seconds["reading"] + seconds["preparing and compiling"]
    assert before == pytest.approx(parameters["seconds_to_first_step"], abs=0.1)
    assert seconds["density and texture"] > 0


def test_minutes_are_said_to_be_those_of_the_steps(bundle_files, tmp_path, caplog):
    caplog.set_level("INFO", "dipy_tractogen")
    small = {"nb_points": 16, "latent_dim": 2, "epochs": 1, "held_out": 0}
    flow = TrainVAEFlow()
    files = [str(path) for path in bundle_files]
    flow.run(files, **small, max_minutes=0.5, out_dir=str(tmp_path))
    said = (
        "Training on 3 files, --epochs 1, --max_minutes 0.5; the minutes are those of"
    )
    assert caplog.messages[0].startswith(said)
    (said,) = [line for line in caplog.messages if line.startswith("Time: ")]
    assert re.search(r"reading \d+ s, preparing and compiling \d+ s, steps \d+ s", said)
    assert "too short: 1 step is few" in flow.warnings[-1]


def test_steps_are_said_at_the_start():
    assert f"{DEFAULT_STEPS:,} steps" == BY_DEFAULT
    given = {"epochs": None, "max_minutes": None}
    assert describe_extent(given).startswith(
        "6,000 steps; their time is estimated after"
    )


def test_model_knows_what_was_dropped_and_warned_of(tractogram_with, tmp_path):
    file = tractogram_with("zero length", good=12, bad=2)
    flow = TrainVAEFlow()
    small = {"nb_points": 16, "latent_dim": 2, "epochs": 1, "held_out": 0}
    flow.run([str(file)], **small, out_dir=str(tmp_path))
    record = load_model(tmp_path / "model.keras").record
    assert record.data["dropped"] == {"zero length": 2}
    assert record.parameters["command"] == ""
    assert record.parameters["warnings"] == flow.warnings
    assert "dropped: 2 zero length" in flow.warnings[0]


def test_history_ends_with_the_last_step(folder):
    with open(folder / "history.csv", encoding="utf-8") as stream:
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
    arguments += ["--learning_rate", "100", "--log_var_limit", "inf"]
    arguments += ["--sigma_mm", "0.001", "--epochs", "9", "--nb_points", "16"]
    assert main("dipy_train_vae", [*arguments, "--out_dir", str(tmp_path)]) == 1
    assert "a larger --sigma_mm" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_disk_that_fills_up_is_said_in_a_line(bundle_files, refused, monkeypatch):
    class Full:
        def write(self, data):
            raise OSError(28, "No space left on device")

        def close(self):
            pass

    name = "dipy_tractogen.utils.memmap._unnamed_file"
    monkeypatch.setattr(name, lambda folder: Full())
    error = refused("dipy_train_vae", *bundle_files)
    assert "model.training (No space left on device): give a folder" in error


def test_outputs_are_not_taken_as_inputs(bundle_files, tmp_path, capsys):
    for path in bundle_files:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    arguments = [str(tmp_path), "--out_dir", str(tmp_path), "--force", "--epochs", "1"]
    (tmp_path / "held_out.trk").write_bytes(bundle_files[0].read_bytes())
    arguments += ["--out_held_out", "held_out.trk"]
    assert main("dipy_train_vae", arguments) == 1
    assert "is an input and an output" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ("--out_held_out", "held.csv"),
        ("--latent_dim", "1000000000"),
        ("--space", "M" * 201),
    ],
)
def test_impossible_options_are_refused_before_any_work(
    bundle_files, tmp_path, capsys, options
):
    arguments = [str(path) for path in bundle_files]
    assert main("dipy_train_vae", [*arguments, *options, "--out_dir", str(tmp_path)])
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_every_option_of_the_model_reaches_it(bundle_files, tmp_path):
    options = {
        "latent_dim": 3,
        "beta": 2.5,
        "beta_schedule": "cyclical",
        "beta_start": 0.5,
        "beta_ramp": 0.25,
        "beta_cycles": 2,
        "free_bits": 0.125,
        "kl_variant": "absolute",
        "deviation": "softplus",
        "log_var_limit": 5.0,
        "epsilon_std": 0.75,
        "backbone": "conv",
        "nb_points": 64,
        "sigma_mm": 2.0,
        "reduction": "sum",
        "reconstruction": "huber",
        "huber_mm": 3.0,
        "seed": 4,
    }
    training = {
        "epochs": 1.0,
        "batch_size": 11,
        "learning_rate": 0.001,
        "weight_decay": 0.01,
        "clip_norm": 7.0,
        "patience": 0.5,
    }
    arguments = [str(path) for path in bundle_files]
    for name, value in {**options, **training}.items():
        arguments += [f"--{name}", str(value)]
    arguments += ["--kernel_size", "1", "--batch_normalisation", "--random_log_var"]
    arguments += ["--balanced"]
    assert main("dipy_train_vae", [*arguments, "--out_dir", str(tmp_path)]) == 0
    model = load_model(tmp_path / "model.keras")
    config = model.get_config()
    assert {name: config[name] for name in options} == options
    assert config["zero_log_var"] is False
    assert config["backbone_options"]["kernel_size"] == 1
    assert config["backbone_options"]["batch_normalisation"] is True
    kept = model.record.parameters
    assert {name: kept[name] for name in training} == training
    assert kept["balanced"] is True


def test_defaults_of_the_backbone_are_recorded(folder):
    parameters = load_model(folder / "model.keras").record.parameters
    assert (parameters["batch_size"], parameters["learning_rate"]) == (256, 2e-3)


def test_autoencoder_trains_generates_and_is_followed(bundle_files, tmp_path, capsys):
    pytest.importorskip("tensorboard")
    arguments = [*map(str, bundle_files), "--epochs", "1", "--nb_points", "16"]
    arguments += ["--tensorboard", str(tmp_path / "events")]
    assert main("dipy_train_ae", [*arguments, "--out_dir", str(tmp_path)]) == 0
    said = capsys.readouterr().err
    assert re.search(r"Read 36 streamlines of 3 files in \d+\.\d s", said)
    assert re.search(r"First training step after \d+\.\d s", said)
    assert load_model(tmp_path / "model.keras").latent_dim == 32
    assert len(list((tmp_path / "events").rglob("events.out.*"))) == 2
    model, number = str(tmp_path / "model.keras"), ["--nb_streamlines", "6"]
    options = [model, *number, "--out_dir", str(tmp_path)]
    assert main("dipy_generate_streamlines", options) == 0
    assert len(load_bundles(tmp_path / "synthetic.trx")) == 6


def test_outputs_beside_the_model_cost_it_nothing(
    bundle_files, tmp_path, monkeypatch, capsys
):
    def full(*_, **__):
        raise OSError("full")

    monkeypatch.setattr("dipy_tractogen.streamlines.io.save_with_conditions", full)
    monkeypatch.setattr(Workspace, "save_history", full)
    arguments = [*map(str, bundle_files), "--epochs", "1", "--nb_points", "16"]
    arguments += ["--latent_dim", "2", "--out_dir", str(tmp_path)]
    assert main("dipy_train_vae", arguments) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]
    said = capsys.readouterr().err
    for name in ("held_out.trx", "history.csv"):
        assert f"ERROR: {tmp_path}/{name} is not written: full" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--nb_coefficients", "5", "--backbone", "conv"], "belongs to the spectral"),
        (["--kernel_size", "5"], "belongs to the conv backbone"),
        (["--kernel_size", "4", "--backbone", "conv"], "give an odd number"),
        (["--nb_points", "100", "--backbone", "conv"], "a multiple of 32"),
        (["--huber_mm", "2"], "belongs to --reconstruction huber"),
        (["--reconstruction", "cubic"], "accepted are squared"),
        (["--beta_schedule", "random"], "accepted are constant"),
        (["--beta_ramp", "0"], "--beta_ramp 0.0"),
        (["--free_bits", "nan"], "--free_bits nan"),
        (["--weight_decay", "-1"], "invalid|--weight_decay|expected"),
        (["--deviation", "square"], "accepted are exp"),
        (["--log_var_limit", "0"], "--log_var_limit 0"),
        (["--log_var_limit", "nan"], "--log_var_limit nan"),
        (["--clip_norm", "0"], "--clip_norm 0.0"),
        (["--patience", "0"], "--patience 0.0"),
    ],
)
def test_impossible_remedies_are_refused(bundle_files, refused, options, said):
    error = refused("dipy_train_vae", *bundle_files, *options)
    assert any(part in error for part in said.split("|"))


@pytest.mark.parametrize("name", ["ae", "vae", "cvae", "rvae", "aae"])
def test_defaults_are_those_of_the_model(name):
    """What None stands for on the command line, the texts of the options say."""
    flow = load_flow(f"dipy_train_{name}")
    theirs = {}
    for base in reversed(getattr(nn, flow.model_name).__mro__):
        if base.__module__.startswith("dipy_tractogen.nn"):
            theirs.update(inspect.signature(base.__init__).parameters)
    ours = inspect.signature(flow.run).parameters
    shared = {
        option: one.default
        for option, one in ours.items()
        if option in theirs and one.default is not None
    }
    assert {"latent_dim", "sigma_mm", "backbone", "seed"} <= set(shared)
    assert shared == {option: theirs[option].default for option in shared}
