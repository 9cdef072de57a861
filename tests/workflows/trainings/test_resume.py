"""Trainings that are interrupted or killed, and resumed by the command."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from dipy_tractogen import nn
from dipy_tractogen.nn import load_model
from dipy_tractogen.nn.training.checkpoint import Checkpoint
from dipy_tractogen.workflows.cli import main
from dipy_tractogen.workflows.runtime.workspace import Workspace
from dipy_tractogen.workflows.trainings.train_vae import TrainVAEFlow

# Runs commands, whose steps are compiled although they are few.
SCRIPT = """
import json
import sys
from dipy_tractogen.nn import SpectralBackbone
from dipy_tractogen.nn.training import checkpoint
from dipy_tractogen.workflows.cli import main
checkpoint._SECONDS_BETWEEN = 0.0
SpectralBackbone.steps_worth_compiling = 1
SpectralBackbone.steps_per_validation = 20
for command, *arguments in json.loads(sys.argv[1]):
    assert main(command, arguments) == 0
"""


def test_process_that_is_killed_can_be_resumed(bundle_files, tmp_path):
    """A real kill at no particular moment, through the command.

    What runs is compiled as for users, not as in other tests.
    """
    options = [*map(str, bundle_files), "--nb_points", "16", "--latent_dim", "2"]
    options += ["--batch_size", "10", "--epochs", "30", "--quiet", "--out_dir"]
    environment = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    killed, whole = tmp_path / "killed", tmp_path / "whole"

    def start(*lines):
        line = [sys.executable, "-c", SCRIPT, json.dumps(lines)]
        return subprocess.Popen(line, env=environment)

    def training(folder):
        return ["dipy_train_ae", *options, str(folder)]

    def drawing(folder):
        made = ["--nb_streamlines", "20", "--quiet", "--out_dir", str(folder)]
        return ["dipy_generate_streamlines", str(folder / "model.keras"), *made]

    with start(training(whole), drawing(whole), training(killed)) as process:
        wait_for((killed / "model.training" / "checkpoint.npz").exists)
        os.kill(process.pid, signal.SIGKILL)
    assert [path.name for path in killed.iterdir()] == ["model.training"]
    command, *arguments = training(killed)
    assert main(command, arguments) == 1
    with start([command, *arguments, "--resume"], drawing(killed)) as process:
        assert process.wait() == 0
    names = {path.name for path in whole.iterdir()}
    assert names == {path.name for path in killed.iterdir()}
    one, two = (load_model(folder / "model.keras") for folder in (killed, whole))
    assert one.record.history[-1]["step"] == 100
    for weights in zip(one.network.get_weights(), two.network.get_weights()):
        np.testing.assert_array_equal(*weights)
    made = [(folder / "synthetic.trx").read_bytes() for folder in (killed, whole)]
    assert made[0] == made[1]


def wait_for(condition, seconds=200):
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds
        time.sleep(0.01)


def test_training_that_was_killed_while_it_wrote_its_outputs_is_resumed(
    bundle_files, tmp_path, monkeypatch
):
    finish = Workspace.finish

    def killed(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(Workspace, "finish", killed)
    arguments = [*map(str, bundle_files), "--epochs", "1", "--nb_points", "16"]
    arguments += ["--latent_dim", "2", "--out_dir", str(tmp_path)]
    assert main("dipy_train_vae", arguments) == 130
    assert (tmp_path / "model.keras").exists()
    monkeypatch.setattr(Workspace, "finish", finish)
    assert main("dipy_train_vae", arguments) == 1
    assert main("dipy_train_vae", [*arguments, "--resume"]) == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"model.keras", "history.csv", "held_out.trx"}


def test_interrupt_keeps_the_best_model_and_says_where(
    bundle_files, tmp_path, monkeypatch, capsys
):
    interrupted = [False]

    def interrupt_once(self, epoch, logs=None):
        if not interrupted[0]:
            interrupted[0] = True
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "on_epoch_end", interrupt_once)
    arguments = [*map(str, bundle_files), "--epochs", "2", "--nb_points", "16"]
    arguments += ["--latent_dim", "2", "--out_dir", str(tmp_path)]
    assert main("dipy_train_vae", arguments) == 130
    best = tmp_path / "model.training" / "best.keras"
    said = capsys.readouterr().err
    assert f"The best model so far is {best}" in said
    assert "--resume starts anew" in said
    assert said.endswith("ERROR: Interrupted.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["model.training"]
    assert len(load_model(best).generate(3)[0]) == 3
    assert main("dipy_train_vae", arguments) == 1
    assert "--resume" in capsys.readouterr().err
    assert main("dipy_train_vae", [*arguments, "--resume"]) == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"model.keras", "history.csv", "held_out.trx"}


def test_interrupt_before_there_is_anything_to_keep_is_said(
    bundle_files, tmp_path, monkeypatch, capsys
):
    def interrupt(self, *_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(nn.VAE, "fit", interrupt)
    arguments = [*map(str, bundle_files), "--nb_points", "16", "--latent_dim", "2"]
    assert main("dipy_train_vae", [*arguments, "--out_dir", str(tmp_path)]) == 130
    said = capsys.readouterr().err
    assert "Interrupted before there was anything to keep" in said
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def finished(bundle_files, tmp_path_factory):
    """Folder and command line of a training with regularisers that is finished."""
    folder = tmp_path_factory.mktemp("finished")
    small = ["--epochs", "1", "--nb_points", "16", "--latent_dim", "2"]
    small += ["--weight_decay", "0.01"]
    terms = ["--attributes", "length", "--label_weight", "1", "--continuous", "length"]
    arguments = [*map(str, bundle_files), *small, *terms, "--out_dir", str(folder)]
    assert main("dipy_train_vae", arguments) == 0
    return folder, arguments


def test_finished_training_has_nothing_to_resume(finished, capsys):
    folder, arguments = finished
    before = (folder / "model.keras").read_bytes()
    assert main("dipy_train_vae", [*arguments, "--resume"]) == 0
    said = capsys.readouterr().err
    assert "this training is finished, after 1 step, and nothing is left" in said
    assert "To train longer, give more --epochs or --max_minutes, and start" in said
    assert (folder / "model.keras").read_bytes() == before


def test_all_processes_know_that_a_training_is_finished(
    finished, bundle_files, monkeypatch
):
    told = []

    def broadcast(value):
        told.append(value)
        return True

    monkeypatch.setattr("dipy_tractogen.nn.backend.processes.broadcast", broadcast)
    monkeypatch.setattr(nn.VAE, "fit", pytest.fail)
    assert main("dipy_train_vae", [*finished[1], "--resume"]) == 0
    other = TrainVAEFlow()
    other.writes = False
    other.run([str(path) for path in bundle_files], resume=True)
    assert told == [True, False]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--epochs", "3"], "another epochs (1.0, now 3.0)"),
        (["--label_weight", "2"], "another regularizers"),
        (["--held_out", "0"], "another held_out (0.1, now 0.0)"),
        (["--seed", "5"], "another seed (0, now 5)"),
        (["--min_length", "3"], "another min_length (0.0, now 3.0)"),
        (["--outside_box", "error"], "another outside_box (drop, now error)"),
        (["--bundles_from", "stem"], "another bundles_from (auto, now stem)"),
        (["--reference", "{0}"], "another reference (None, now "),
        (["--categorical", "subject"], "another categorical (['bundle'], now "),
    ],
)
def test_finished_training_is_not_resumed_as_another(finished, capsys, options, said):
    arguments = finished[1]
    options = [each.format(arguments[0]) for each in options]
    assert main("dipy_train_vae", [*arguments, *options, "--resume"]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "start anew with another --out_dir" in error
    assert main("dipy_train_ae", [*arguments[:3], "--resume", *arguments[-2:]]) == 1
    assert "finished training with another" in capsys.readouterr().err


def test_options_that_are_left_out_are_compared(finished, capsys):
    arguments = finished[1]
    place = arguments.index("--weight_decay")
    others = arguments[:place] + arguments[place + 2 :]
    assert main("dipy_train_vae", [*others, "--resume"]) == 1
    assert "another weight_decay (0.01, now None)" in capsys.readouterr().err


def test_outputs_that_a_finished_training_does_not_have_are_named(finished, capsys):
    folder, arguments = finished
    others = ["--out_history", "other.csv", "--tensorboard", str(folder / "events")]
    assert main("dipy_train_vae", [*arguments, *others, "--resume"]) == 0
    said = capsys.readouterr().err
    assert "Not written by a finished training: " in said
    assert "other.csv" in said
    assert "events" in said
    assert "held_out" not in said
