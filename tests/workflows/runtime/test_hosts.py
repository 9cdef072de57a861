"""A training by several processes: when it is one, and what they leave."""

import os
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

from dipy_tractogen.workflows.cli import main
from dipy_tractogen.workflows.runtime import hosts
from dipy_tractogen.workflows.runtime.hosts import Job, job_in

COMMAND = """
import sys
sys.argv[0] = "dipy_train_vae"
from dipy_tractogen.workflows.runtime.start import run
run()
"""
SLURM = {
    "SLURM_JOB_ID": "77",
    "SLURM_STEP_NODELIST": "node[1-2]",
    "SLURM_NTASKS": "4",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
}
GIVEN = {
    "JAX_COORDINATOR_ADDRESS": "node1:1234",
    "JAX_NUM_PROCESSES": "2",
    "JAX_PROCESS_ID": "1",
}
on_jax = pytest.mark.skipif(
    keras.config.backend() != "jax", reason="several processes are joined by JAX"
)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        (GIVEN, Job(2, 1, "node1:1234")),
        (GIVEN | {"JAX_COORDINATOR_ADDRESS": "[::1]:80"}, Job(2, 1, "[::1]:80")),
        (GIVEN | {"JAX_NUM_PROCESSES": "1", "JAX_PROCESS_ID": ""}, None),
        (SLURM, Job(4, 3, None)),
        (
            SLURM | {"JAX_COORDINATOR_ADDRESS": "node1:1234"},
            Job(4, 3, "node1:1234"),
        ),
        (SLURM | GIVEN, Job(2, 1, "node1:1234")),
        (SLURM | {"JAX_NUM_PROCESSES": "1"}, None),
        # A step of one task in a job of more, as that of a shell.
        (SLURM | {"SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"}, None),
        (SLURM | {"SLURM_STEP_NUM_TASKS": "", "SLURM_NTASKS": "1"}, None),
        # A script that SLURM runs, outside of any step.
        ({**SLURM, "SLURM_STEP_NODELIST": ""}, None),
    ],
)
def test_environment_says_how_many_processes_there_are(environment, expected):
    assert job_in(environment) == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"JAX_PROCESS_ID": ""}, "without JAX_PROCESS_ID: a training by several"),
        ({"JAX_COORDINATOR_ADDRESS": ""}, "without JAX_COORDINATOR_ADDRESS"),
        ({"JAX_NUM_PROCESSES": ""}, "without JAX_NUM_PROCESSES"),
        ({"JAX_NUM_PROCESSES": "two"}, "JAX_NUM_PROCESSES=two: expected a whole"),
        ({"JAX_PROCESS_ID": "2"}, "JAX_PROCESS_ID=2: expected a whole number from 0"),
        ({"JAX_PROCESS_ID": "-1"}, "JAX_PROCESS_ID=-1: expected"),
        ({"JAX_COORDINATOR_ADDRESS": "node1"}, "ADDRESS=node1: give the host"),
        ({"JAX_COORDINATOR_ADDRESS": "node1:70000"}, "and a port that is free"),
    ],
)
def test_half_an_environment_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        job_in(GIVEN | change)


@on_jax
def test_wrong_environment_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("JAX_PROCESS_ID", "0")
    folder = tmp_path / "out"
    assert main("dipy_train_vae", ["nothing.trk", "--out_dir", str(folder)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ERROR: JAX_PROCESS_ID without JAX_COORDINATOR_ADDRESS")
    assert not folder.exists()


@on_jax
def test_port_that_is_taken_is_one_line(tmp_path, bundle_files):
    with socket.create_server(("", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *map(str, bundle_files)],
            cwd=tmp_path,
            env={**os.environ, "KERAS_BACKEND": "jax", **by_address(port, 0)},
            capture_output=True,
            text=True,
            timeout=200,
        )
    assert done.returncode == 1
    (line,) = [each for each in done.stderr.splitlines() if "INFO" not in each]
    assert f"Process 0 cannot listen at port {port} of this host" in line
    assert list(tmp_path.iterdir()) == []


def test_commands_that_do_not_train_are_run_alone(monkeypatch):
    monkeypatch.setattr(os, "environ", {**os.environ, **GIVEN})

    class Flow:
        on_several_hosts = False

    assert hosts.job_of(Flow()) is None


def by_address(port, index):
    address = f"127.0.0.1:{port}"
    return GIVEN | {"JAX_COORDINATOR_ADDRESS": address, "JAX_PROCESS_ID": str(index)}


def in_slurm(port, index):
    """A step of two tasks on this machine; JAX would take the port from the job."""
    own = {"SLURM_PROCID": str(index), "SLURM_LOCALID": str(index)}
    host = {"SLURM_STEP_NODELIST": "127.0.0.1", "JAX_COORDINATOR_PORT": port}
    return SLURM | {"SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2"} | own | host


def run_in_two(tmp_path, *arguments, different=(), make_environment=by_address):
    """Run a command in two processes; return what each said, and its exit code."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    started = []
    for index in range(2):
        folder = tmp_path / f"process_{index}"
        folder.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "KERAS_BACKEND": "jax",
            **make_environment(port, index),
        }
        own = different if index else ()
        command = [sys.executable, "-c", COMMAND, *arguments, *own]
        started.append(
            subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    try:
        said = [each.communicate(timeout=200)[0] for each in started]
    finally:
        for each in started:
            each.kill()
    return [(each.returncode, text) for each, text in zip(started, said)]


class KilledError(BaseException):
    """Ends a training as a kill does."""


def write_and_end(checkpoint, *_):
    checkpoint.write()
    raise KilledError


@on_jax
def test_two_processes_go_on_with_a_training_as_one_does(
    tmp_path, bundle_files, monkeypatch
):
    """The first one reads its state, and writes all there is."""
    from dipy_tractogen.nn import SpectralBackbone, load_model
    from dipy_tractogen.nn.training.checkpoint import Checkpoint

    options = [*map(str, bundle_files), "--epochs", "2", "--batch_size", "8"]
    options += ["--nb_points", "8", "--latent_dim", "2", "--held_out", "0"]
    options += ["--out_dir", "out", "--log_file", "log.txt"]
    monkeypatch.chdir(tmp_path)
    assert main("dipy_train_vae", options) == 0
    folder, other = tmp_path / "process_0", tmp_path / "process_1"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(SpectralBackbone, "steps_per_validation", 3)
    monkeypatch.setattr(Checkpoint, "on_epoch_end", write_and_end)
    with pytest.raises(KilledError):
        main("dipy_train_vae", options)
    results = run_in_two(tmp_path, *options, "--resume")
    assert [code for code, _ in results] == [0, 0], results
    assert "Going on after step 3" in results[0][1]
    assert "made by 2 devices in 2 processes, 4 on each" in results[0][1]
    assert results[1][1] == ""
    assert list(other.iterdir()) == []
    assert sorted(path.name for path in folder.iterdir()) == ["log.txt", "out"]
    together, alone = (
        load_model(each / "out" / "model.keras") for each in (folder, tmp_path)
    )
    assert together.record.history[-1]["step"] == alone.record.history[-1]["step"]
    for found, expected in zip(
        together.network.get_weights(), alone.network.get_weights(), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@on_jax
def test_processes_that_differ_end_with_a_line_each(tmp_path, bundle_files):
    options = [*map(str, bundle_files), "--out_dir", "out"]
    results = run_in_two(
        tmp_path, *options, different=["--seed", "5"], make_environment=in_slurm
    )
    assert [code for code, _ in results] == [1, 1]
    errors = [
        [line for line in said.splitlines() if not line.startswith("INFO")]
        for _, said in results
    ]
    assert [len(each) for each in errors] == [1, 1], errors
    assert "Interrupted: process 1 of 2 has ended: dipy_train_vae" in errors[0][0]
    assert errors[1][0].startswith("ERROR: process 1 of 2: dipy_train_vae")
    assert "set JAX_NUM_PROCESSES=1" in errors[1][0]
    for index in range(2):
        assert list((tmp_path / f"process_{index}").iterdir()) == []
