"""Absurd numbers are refused by every numeric option, before any work."""

import inspect
import math

from dipy.workflows.docstring_parser import NumpyDocString
import pytest

from dipy_tractogen.parameters.terms import VarianceParameters
from dipy_tractogen.workflows.cli import cli_flows, load_flow, main
from dipy_tractogen.workflows.options.arguments import check_options

ABSURD = {
    "int": [10**30, -(10**30), 10**400],
    "float": [math.nan, -math.inf, 1e308, -1e308, 1e-320, -1e-320, 10**400],
}


def numeric_options(flow):
    """Give the kind of each option that takes numbers, and all that have no default."""
    kinds = {}
    for name, text, _ in NumpyDocString(inspect.getdoc(flow.run))["Parameters"]:
        for kind in ABSURD:
            if kind in text.split(",")[0].split():
                kinds[name] = kind
    parameters = inspect.signature(flow.run).parameters.values()
    needed = [one.name for one in parameters if one.default is one.empty]
    return kinds, {name: "none.trk" for name in needed if name != "self"}


@pytest.mark.parametrize("command", cli_flows)
def test_every_numeric_option_refuses_them(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flow = load_flow(command)
    kinds, needed = numeric_options(flow)
    assert kinds or command == "dipy_describe_model"
    for name, kind in kinds.items():
        for value in ABSURD[kind]:
            with pytest.raises(ValueError, match=f"^--{name} "):
                flow().run(**{**needed, name: value})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "given",
    [
        ["--seed", "1" + "0" * 30],
        ["--seed", "9" * 5000],
        ["--seed=-1"],
        ["--held_out", "1e-320"],
        ["--held_out", "nan"],
        ["--nb_points", "1000000000"],
        ["--latent_dim", "0"],
        ["--latent_dim", "1000000"],
        ["--batch_size", "1000000000000000000"],
        ["--learning_rate", "1e300"],
        ["--max_minutes", "1e308"],
        ["--sigma_mm", "1e-300"],
        ["--beta", "1e400"],
        ["--log_var_limit", "nan"],
        ["--log_var_limit=-1"],
        ["--hidden_units", "0"],
        ["--kernel_size", "3000000"],
    ],
)
def test_a_training_names_the_option_and_makes_nothing(
    given, bundle_files, tmp_path, capsys
):
    folder = tmp_path / "out"
    line = [str(bundle_files[0]), *given, "--out_dir", str(folder)]
    assert main("dipy_train_vae", line) == 1
    said = capsys.readouterr().err
    assert given[0].split("=")[0].strip("-") in said
    assert len(said.splitlines()) == 1
    assert len(said) < 500
    assert not folder.exists()


def test_what_is_no_number_or_may_be_infinite_passes():
    declared = VarianceParameters.options()
    check_options({"reference": "a.nii", "all": True, "none": None})
    check_options({"log_var_limit": math.inf}, declared)
    check_options({"betas": [0.0, 1.0], "seed": 2**32 - 1, "beta": 0})
