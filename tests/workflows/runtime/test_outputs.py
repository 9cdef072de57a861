"""No output is an input of the same command, whichever parameters name them."""

import inspect
import os

from dipy.workflows.docstring_parser import NumpyDocString
import pytest

from dipy_tractogen.workflows.cli import cli_flows, load_flow, main

# Names of parameters that take files.
FILES = ("_file", "_files", "_streamlines", "reference", "mask", "pictures", "compare_")
# Folders that are written.
WRITTEN = ("tensorboard", "output_dir")
# What else has to be given for the checks before to pass.
WITH = {
    "invalid_files": ["--reference_files", "given.trk"],
    "atlas_streamlines": ["--seed_streamlines", "given.trk"],
    "end_region": ["--start_region", "given.nii"],
    "train_files": ["--min_novelty", "1"],
    "peaks": ["--max_angle", "20"],
}
WITH_OF = {
    ("dipy_generate_streamlines", "participants"): ["--seed_streamlines", "given.trk"],
    ("dipy_generate_streamlines", "transform"): ["--seed_streamlines", "given.trk"],
    ("dipy_generate_streamlines", "maps"): ["--seed_streamlines", "given.trk"],
    ("dipy_write_report", "mask"): ["--generated_files", "given.trk"],
    ("dipy_write_report", "maps"): ["--real_files", "given.trk"],
    ("dipy_evaluate_streamlines", "maps"): ["--values", "FA"],
    ("dipy_evaluate_streamlines", "participants"): ["--model_file", "given.keras"],
    ("dipy_evaluate_streamlines", "train_files"): [],
}
ALWAYS = {
    "dipy_train_rvae": ["--attribute", "length"],
    "dipy_evaluate_streamlines": ["--figures"],
}


def documented(run):
    return NumpyDocString(inspect.getdoc(run))["Parameters"]


def file_parameters(run):
    """Return the parameters that take files which are read."""
    return [
        name
        for name, kind, _ in documented(run)
        if ("Path" in kind and name not in WRITTEN and not name.startswith("out_"))
        or name == "maps"
    ]


def outputs(run):
    signature = inspect.signature(run).parameters
    return {
        name: parameter.default or "other.trx"
        for name, parameter in signature.items()
        if name.startswith("out_") and name != "out_dir"
    }


def command_line(command, run, tested, out, target):
    """Return arguments in which a parameter and an output name one file."""
    signature = inspect.signature(run).parameters
    positional = [
        name for name, each in list(signature.items())[1:] if each.default is each.empty
    ]
    usual = {"model_file": "given.keras", "output_dir": "."}
    given = [
        target if name == tested else usual.get(name, "given.trk")
        for name in positional
    ]
    arguments = given + ALWAYS.get(command, [])
    if tested not in positional:
        arguments += [f"--{tested}", f"FA={target}" if tested == "maps" else target]
        arguments += WITH_OF.get((command, tested), WITH.get(tested, []))
    if {"reference_files", "thresholds_file"} <= set(signature):
        known = ("--reference_files", "--thresholds_file")
        if not set(known) & set(arguments):
            arguments += ["--reference_files", "given.trk"]
    return [*arguments, f"--{out}", target, "--force"]


@pytest.mark.parametrize("command", cli_flows)
def test_no_output_is_an_input(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("given.trk", "given.keras", "given.nii"):
        (tmp_path / name).write_bytes(b"given")
    run = load_flow(command).run
    refused = set()
    for tested in file_parameters(run):
        for out, default in outputs(run).items():
            target = f"mine{os.path.splitext(default)[1]}"
            (tmp_path / target).write_bytes(b"mine")
            before = {path.name for path in tmp_path.iterdir()}
            assert main(command, command_line(command, run, tested, out, target)) == 1
            said = capsys.readouterr().err
            if f"{target} is an input and an output ({tested}, {out})" in said:
                refused.add(tested)
            assert (tmp_path / target).read_bytes() == b"mine"
            assert {path.name for path in tmp_path.iterdir()} == before
    assert refused == set(file_parameters(run))


@pytest.mark.parametrize("command", cli_flows)
def test_parameters_that_take_files_are_documented_so(command):
    run = load_flow(command).run
    others = {
        name
        for name, kind, _ in documented(run)
        if "string" in kind
        and not name.startswith("out_")
        and any(part in name for part in FILES)
    }
    assert others <= set(file_parameters(run))


def test_folder_that_is_called_like_a_bundle_is_no_input(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "AF").mkdir()
    (tmp_path / "AF" / "synthetic.trx").write_bytes(b"made before")
    (tmp_path / "m.keras").write_bytes(b"no model")
    arguments = ["m.keras", "--bundles", "AF", "--out_dir", "AF", "--force"]
    assert main("dipy_generate_streamlines", arguments) == 1
    assert "m.keras: not a model file" in capsys.readouterr().err


def reconstruct(*arguments):
    return main("dipy_reconstruct_streamlines", [*map(str, arguments), "--force"])


def linked(kind, file, link):
    link.parent.mkdir(exist_ok=True)
    (os.link if kind == "hard" else os.symlink)(file, link)
    return link


@pytest.mark.parametrize("kind", ["hard", "soft"])
@pytest.mark.parametrize("is_input", [True, False])
def test_links_and_ways_around_are_seen_through(tmp_path, capsys, kind, is_input):
    model, file = tmp_path / "m.keras", tmp_path / "real" / "AF.trk"
    file.parent.mkdir()
    for path in (model, file):
        path.write_bytes(b"mine")
    link = linked(kind, file, tmp_path / "other" / "AF.trk")
    given, out = (link, file) if is_input else (file, link)
    around = tmp_path / "other" / ".." / out.parent.name
    assert reconstruct(model, given, "--out_dir", around, "--out_tractogram", out.name)
    assert "is an input and an output" in capsys.readouterr().err
    assert file.read_bytes() == link.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("given", "output"),
    [
        ("folder", "folder/AF.trk"),
        ("fold*/*.trk", "folder/AF.trk"),
        ("**/AF.trk", "folder/AF.trk"),
        ("folder/AF.trk", "folder/AF.trk.json"),
    ],
)
def test_inputs_by_folder_and_glob_and_their_records(
    tmp_path, capsys, monkeypatch, given, output
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for name in ("m.keras", "folder/AF.trk", "folder/AF.trk.json", "folder/AF.csv"):
        (tmp_path / name).write_bytes(b"mine")
    arguments = ["m.keras", given, "--out_latents", output, "--force"]
    if output.endswith(".json"):
        arguments = ["m.keras", given, "--out_table", output, "--force"]
        assert main("dipy_predict_attribute", arguments) == 1
    else:
        assert main("dipy_encode_streamlines", arguments) == 1
    assert "is an input and an output" in capsys.readouterr().err
    assert (tmp_path / output).read_bytes() == b"mine"


def test_an_inverse_is_of_a_file_that_is_an_input(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("m.keras", "AF.trk", "move.npz"):
        (tmp_path / name).write_bytes(b"mine")
    arguments = ["m.keras", "AF.trk", "--transform", "[move.npz,1]", "--force"]
    assert main("dipy_encode_streamlines", [*arguments, "--out_latents", "move.npz"])
    said = "move.npz is an input and an output (transform, out_latents)"
    assert said in capsys.readouterr().err
    assert (tmp_path / "move.npz").read_bytes() == b"mine"


def test_description_of_participants_is_an_input(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("g.trk", "r.trk", "m.keras", "people.tsv", "people.json"):
        (tmp_path / name).write_bytes(b"mine")
    options = ["--model_file", "m.keras", "--participants", "people.tsv", "--force"]
    arguments = ["g.trk", "r.trk", *options, "--out_metrics", "people.json"]
    assert main("dipy_evaluate_streamlines", arguments) == 1
    assert "people.json is an input and an output" in capsys.readouterr().err
    assert (tmp_path / "people.json").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("AF.trk", "extension of data"),
        ("people.txt", "is an input and an output (participants, log_file)"),
        ("m.log", "is an input and an output (model_file, log_file"),
        ("notes.txt", "extension of data"),
        ("latents", "two outputs have one name"),
    ],
)
def test_messages_are_not_added_to_data(tmp_path, capsys, monkeypatch, log, said):
    monkeypatch.chdir(tmp_path)
    for name in ("AF.trk", "m.keras", "people.txt", "latents"):
        (tmp_path / name).write_bytes(b"mine")
    os.link("m.keras", "m.log")
    os.symlink("AF.trk", "notes.txt")
    options = ["--participants", "people.txt", "--out_latents", "latents", "--force"]
    arguments = ["m.keras", "AF.trk", *options, "--log_file", log]
    assert main("dipy_encode_streamlines", arguments) == 1
    assert said in capsys.readouterr().err
    assert all(path.read_bytes() == b"mine" for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ("AF.trk", "is an input and an output"),
        ("m.keras", "two outputs have one name"),
        ("notes", "it is a file"),
        ("m.training/events", "lies in m.training"),
    ],
)
def test_folder_of_events_is_no_file_of_others(
    tmp_path, capsys, monkeypatch, events, said
):
    monkeypatch.chdir(tmp_path)
    for name in ("AF.trk", "notes"):
        (tmp_path / name).write_bytes(b"mine")
    arguments = ["AF.trk", "--out_model", "m.keras", "--tensorboard", events]
    assert main("dipy_train_vae", [*arguments, "--force"]) == 1
    assert said in capsys.readouterr().err
    assert all(path.read_bytes() == b"mine" for path in tmp_path.iterdir())


def test_device_is_not_replaced_by_a_file(tmp_path, capsys):
    arguments = ["--out_dir", str(tmp_path), "--out_mask", "null.nii", "--force"]
    (tmp_path / "null.nii").symlink_to(os.devnull)
    assert main("dipy_simulate_fibercup", arguments) == 1
    assert "no ordinary file" in capsys.readouterr().err
    assert (tmp_path / "null.nii").is_symlink()
