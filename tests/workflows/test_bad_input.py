"""What the commands do with bad input: exit code 1, one line, nothing left behind."""

import os
from pathlib import Path
import subprocess
import sys
import zipfile

import pytest

import dipy_tractogen
from dipy_tractogen import VAE
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main

NOT_TRACTOGRAMS = [
    "missing.trk",
    "empty.trk",
    "empty.tck",
    "empty.trx",
    "truncated.trk",
    "truncated.tck",
    "truncated.trx",
    "text.trk",
    "text.trx",
    "picture.tck",
    "text.csv",
    "without.trk",
    "without.tck",
]
TRAIN = "dipy_train_vae"
GENERATE = "dipy_generate_streamlines"
RECONSTRUCT = "dipy_reconstruct_streamlines"
PREDICT = "dipy_predict_attribute"
EVALUATE = "dipy_evaluate_streamlines"
RENDER = "dipy_render_bundles"
SIMULATE = "dipy_simulate_fibercup"


@pytest.fixture
def inputs(model_file, regression_folder, bundle_files):
    """The positional arguments of a command around one tractogram."""

    def around(command, file=bundle_files[0]):
        return {
            TRAIN: [file],
            GENERATE: [model_file],
            RECONSTRUCT: [model_file, file],
            PREDICT: [regression_folder / "model.keras", file],
            EVALUATE: [file, bundle_files[0]],
            RENDER: [file],
            SIMULATE: [],
        }[command]

    return around


@pytest.mark.parametrize("kind", NOT_TRACTOGRAMS)
def test_training_names_the_file_that_is_no_tractogram(refused, bad_file, kind):
    assert kind in refused(TRAIN, bad_file(kind))


@pytest.mark.parametrize("command", [RECONSTRUCT, PREDICT, EVALUATE, RENDER])
@pytest.mark.parametrize("kind", ["missing.trk", "empty.trx", "truncated.trk"])
def test_every_command_names_the_file(refused, bad_file, inputs, command, kind):
    assert kind in refused(command, *inputs(command, bad_file(kind)))


def test_one_bad_file_among_good_ones_is_named(refused, bad_file, bundle_files):
    error = refused(TRAIN, *bundle_files, bad_file("truncated.trk"))
    assert "truncated.trk" in error


@pytest.mark.parametrize(
    "kind", ["one point", "zero length", "non-finite points", "out of the bounding box"]
)
def test_training_on_nothing_but_bad_streamlines(refused, tractogram_with, kind):
    error = refused(TRAIN, tractogram_with(kind, good=0, bad=3))
    assert f"3 {kind}" in error


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("one point", "2 one point"),
        ("zero length", "2 zero length"),
        ("non-finite points", "2 non-finite points"),
        ("infinite points", "2 non-finite points"),
        ("out of the bounding box", "2 out of the bounding box"),
    ],
)
def test_bad_streamlines_are_reported_and_dropped(
    tmp_path, capsys, tractogram_with, model_file, kind, said
):
    file = tractogram_with(kind, good=18, bad=2)
    arguments = [model_file, file, "--out_dir", tmp_path / "out"]
    assert main(RECONSTRUCT, [str(argument) for argument in arguments]) == 0
    (line,) = [
        line
        for line in capsys.readouterr().err.splitlines()
        if line.startswith("WARNING") and said in line
    ]
    assert file.name in line
    (result,) = (tmp_path / "out").glob("*.trx")
    assert len(load_bundles(result, out_of_bounds="keep")) == 18


@pytest.mark.parametrize("command", [TRAIN, RECONSTRUCT, PREDICT])
def test_header_that_is_wrong_is_no_matter_of_dropping(
    refused, inputs, tractogram_with, command
):
    """A tenth may leave the box, and one more is an error, which names the options."""
    file = tractogram_with("out of the bounding box", good=17, bad=2)
    error = refused(command, *inputs(command, file))
    assert f"{file}: of 19 streamlines, 2 out of the bounding box" in error
    assert "--outside_box keep" in error
    assert "--reference FILE" in error


def test_files_in_different_spaces_are_named(refused, tractogram_with):
    files = [
        tractogram_with("one point", good=5, bad=0, name=name, voxel_size=voxel_size)
        for name, voxel_size in (("near.trk", 3.0), ("far.trk", 2.0))
    ]
    error = refused(TRAIN, *files)
    assert "near.trk" in error
    assert "far.trk" in error
    assert "--reference" in error


@pytest.mark.parametrize("command", [GENERATE])
def test_unknown_bundles_are_named_with_those_there_are(refused, inputs, command):
    error = refused(command, *inputs(command), "--bundles", "bundle_1", "fornix")
    assert "fornix" in error
    assert "bundle_1, bundle_2, bundle_3" in error


@pytest.mark.parametrize(
    ("command", "option"),
    [
        *[
            (TRAIN, option)
            for option in (
                "--epochs=0",
                "--epochs=-3",
                "--max_minutes=0",
                "--max_minutes=nan",
                "--nb_points=1",
                "--latent_dim=0",
                "--beta=-1",
                "--beta=nan",
                "--beta=inf",
                "--sigma_mm=0",
                "--sigma_mm=nan",
                "--batch_size=0",
                "--learning_rate=0",
                "--learning_rate=nan",
                "--held_out=1",
                "--held_out=-0.1",
                "--held_out=nan",
                "--seed=-1",
            )
        ],
        (GENERATE, "--nb_streamlines=0"),
        (GENERATE, "--nb_streamlines=-5"),
        (GENERATE, "--seed=-1"),
        (EVALUATE, "--seed=-1"),
        (SIMULATE, "--nb_streamlines=0"),
        (SIMULATE, "--radius=nan"),
        (SIMULATE, "--curvature_noise=-1"),
        (SIMULATE, "--varying_ends=2"),
    ],
)
def test_impossible_numbers_are_named(refused, inputs, command, option):
    name, value = option.lstrip("-").split("=")
    error = refused(command, *inputs(command), option)
    assert name in error
    assert value in error


@pytest.mark.parametrize(
    ("command", "option", "accepted"),
    [
        (TRAIN, "--backbone=perceptron", "spectral"),
        (TRAIN, "--log_level=LOUD", "WARNING"),
        (GENERATE, "--out_tractogram=synthetic.csv", ".trx"),
        (RECONSTRUCT, "--out_tractogram=reconstructed", ".trx"),
    ],
)
def test_unknown_choices_are_told_what_is_accepted(
    refused, inputs, command, option, accepted
):
    error = refused(command, *inputs(command), option)
    assert option.split("=")[1] in error
    assert accepted in error


@pytest.mark.parametrize("command", [GENERATE, RECONSTRUCT, PREDICT])
@pytest.mark.parametrize("kind", ["missing", "empty", "text", "zip", "half", "folder"])
def test_model_file_that_is_none(refused, tmp_path, model_file, inputs, command, kind):
    path = tmp_path / f"{kind}.keras"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("not a model")
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("notes.txt", "nothing")
    elif kind == "half":
        whole = model_file.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "folder":
        path.mkdir()
    assert path.name in refused(command, path, *inputs(command)[1:])


def test_model_that_was_never_trained_cannot_generate(refused, tmp_path):
    VAE(nb_points=16, latent_dim=2).save(tmp_path / "untrained.keras")
    assert "not trained" in refused(GENERATE, tmp_path / "untrained.keras")


@pytest.mark.parametrize(
    "command", [TRAIN, GENERATE, RECONSTRUCT, PREDICT, EVALUATE, RENDER, SIMULATE]
)
def test_output_folder_below_a_file_cannot_be_written(
    refused, tmp_path, inputs, command
):
    (tmp_path / "file").write_text("mine")
    folder = tmp_path / "file" / "below"
    assert str(folder) in refused(command, *inputs(command), out_dir=folder)


@pytest.mark.parametrize(
    ("command", "output"),
    [
        (TRAIN, "model.keras"),
        (TRAIN, "history.csv"),
        (GENERATE, "synthetic.trx"),
        (RECONSTRUCT, "reconstructed.trx"),
        (PREDICT, "attribute.tsv"),
        (EVALUATE, "metrics.json"),
        (RENDER, "scene.png"),
        (SIMULATE, "white_matter.nii.gz"),
    ],
)
def test_existing_output_is_kept_without_force(
    refused, tmp_path, inputs, command, output
):
    (tmp_path / output).write_text("mine")
    error = refused(command, *inputs(command), out_dir=tmp_path)
    assert output in error
    assert "--force" in error


def run_process(command, *arguments, cwd):
    """Run a command as its console script does, in a process of its own."""
    script = (
        f"import sys; sys.argv[0] = {command!r}; "
        "from dipy_tractogen.workflows.runtime.start import run; run()"
    )
    root = str(Path(dipy_tractogen.__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (TRAIN, ["missing.trk"]),
        (GENERATE, ["missing.keras"]),
        (SIMULATE, ["--radius=-1"]),
    ],
)
def test_process_ends_with_one_line_and_code_one(tmp_path, command, arguments):
    done = run_process(command, *arguments, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("ERROR: ")
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []
