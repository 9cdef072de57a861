import json
import shutil

from dipy_tractogen.nn import load_model
from dipy_tractogen.utils.model_names import user_folder
from dipy_tractogen.workflows.cli import main

COMMAND = "dipy_describe_model"


def test_card_is_shown_and_kept(model_file, tmp_path, capsys):
    values = dict.fromkeys(("precision", "recall", "density", "coverage"), 0.5)
    entry = {"generated": values, "real": values}
    metrics = tmp_path / "metrics.json"
    metrics.write_text(json.dumps({"overall": entry, "bundles": {"left": entry}}))
    card = tmp_path / "card.toml"
    card.write_text('intended_use = "Tests of this file."')
    given = [str(model_file), "--card", str(card), "--metrics_file", str(metrics)]
    outputs = ["--out_card", "card.md", "--out_model", "described.keras"]
    out = [*outputs, "--out_dir", str(tmp_path)]
    assert main(COMMAND, [*given, *out]) == 0
    assert "Tests of this file." in capsys.readouterr().err
    assert "| left | 0.500 (0.500) |" in (tmp_path / "card.md").read_text()
    described = load_model(tmp_path / "described.keras").record.card
    assert described["intended_use"] == "Tests of this file."
    assert main(COMMAND, [*given, *out]) == 1
    assert "exist: give --force" in capsys.readouterr().err


def test_model_is_given_by_name(model_file, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DIPY_HOME", str(tmp_path))
    user_folder().mkdir()
    shutil.copy(model_file, user_folder() / "mine.keras")
    given = ["mine", "--nb_streamlines", "3", "--out_dir", str(tmp_path)]
    assert main("dipy_generate_streamlines", given) == 0
    record = json.loads((tmp_path / "synthetic.trx.json").read_text())
    assert record["model"]["file"] == str(user_folder() / "mine.keras")
    assert main("dipy_generate_streamlines", ["yours", *given[1:], "--force"]) == 1
    assert "there are:" in capsys.readouterr().err


def test_name_of_a_model_is_checked(model_file, tmp_path, capsys):
    given = [str(model_file), "--out_model", "m.h5", "--out_dir", str(tmp_path)]
    assert main(COMMAND, given) == 1
    assert "ending in .keras" in capsys.readouterr().err
