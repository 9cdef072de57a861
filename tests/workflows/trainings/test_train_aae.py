import csv
import logging
from types import SimpleNamespace

import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main
from dipy_tractogen.workflows.flows.training import TrainingFlow
from dipy_tractogen.workflows.trainings.train_aae import TrainAAEFlow


def test_options_reach_the_model_which_generates(bundle_files, tmp_path, capsys):
    options = {
        "latent_dim": 2,
        "prior": "swiss_roll",
        "adversarial_loss": "wasserstein",
        "adversarial_weight": 0.5,
        "gradient_penalty": 2.0,
    }
    arguments = [*map(str, bundle_files), "--epochs", "2", "--nb_points", "16"]
    for name, value in options.items():
        arguments += [f"--{name}", str(value)]
    arguments += ["--discriminator_units", "16", "8", "--out_dir", str(tmp_path)]
    assert main("dipy_train_aae", arguments) == 0
    assert "Of what real streamlines cover" in capsys.readouterr().err
    config = load_model(tmp_path / "model.keras").get_config()
    assert {name: config[name] for name in options} == options
    assert config["discriminator_units"] == [16, 8]
    with open(tmp_path / "history.csv", encoding="utf-8") as stream:
        assert {"coverage", "prior_coverage"} <= set(next(csv.DictReader(stream)))
    model = str(tmp_path / "model.keras")
    chosen = ["--nb_streamlines", "6", "--out_dir", str(tmp_path)]
    assert main("dipy_generate_streamlines", [model, *chosen]) == 0
    assert len(load_bundles(tmp_path / "synthetic.trx", out_of_bounds="keep")) == 6


def _covered(share):
    return {} if share is None else {"coverage": share, "prior_coverage": share / 2}


@pytest.mark.parametrize(
    ("coverages", "kept", "level", "said"),
    [
        ([0.2, 0.9], 1, logging.INFO, "cover 90 %, draws from the prior 45 %"),
        ([0.9, 0.2], 1, logging.WARNING, "has collapsed"),
        ([0.9, 0.2], 0, logging.INFO, "cover 90 %"),
        ([None, None], 1, logging.WARNING, "too few streamlines"),
    ],
)
def test_collapse_is_said_loudly(monkeypatch, caplog, coverages, kept, level, said):
    """Of the weights that are kept, which need not be those of the best loss."""
    monkeypatch.setattr(TrainingFlow, "report", lambda *_: None)
    rows = [
        {"step": n, "val_loss": -n, **_covered(one)} for n, one in enumerate(coverages)
    ]
    with caplog.at_level(logging.INFO, "dipy_tractogen"):
        record = SimpleNamespace(history=rows, parameters={"kept_step": kept})
        TrainAAEFlow().report(SimpleNamespace(record=record), [])
    assert caplog.records[-1].levelno == level
    assert said in caplog.messages[-1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--prior", "uniform"], "normal, mixture, swiss_roll"),
        (["--prior", "swiss_roll"], "give --latent_dim 2"),
        (["--adversarial_loss", "hinge"], "bce, wasserstein, mmd"),
        (["--adversarial_weight", "0"], "--adversarial_weight 0"),
        (["--gradient_penalty", "5"], "goes with --adversarial_loss wasserstein"),
        (["--adversarial_start", "5"], "goes with --adversarial_loss mmd"),
        (
            ["--adversarial_loss", "mmd", "--discriminator_units", "5"],
            "--discriminator_units goes with --adversarial_loss bce or wasserstein",
        ),
        (["--discriminator_units", "0"], "--discriminator_units 0"),
        (["--discriminator_units"], "--discriminator_units"),
    ],
)
def test_impossible_adversaries_are_refused(bundle_files, refused, options, said):
    assert said in refused("dipy_train_aae", *bundle_files, *options)
