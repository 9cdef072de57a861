"""What the page on extending the package shows is so."""

from importlib import import_module
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
import re
import sys
import textwrap

import numpy as np
import pytest

import dipy_tractogen.nn
from dipy_tractogen.nn import AAE, CVAE, VAE
from dipy_tractogen.sampling.plausibility import Plausibility
from dipy_tractogen.workflows import cli

PAGE = Path(__file__).resolve().parents[1] / "doc" / "extending.rst"
BLOCK = re.compile(
    r"\.\. code-block:: python\n   :caption: (\S+)\n\n((?:   .*\n|\n)+)", re.MULTILINE
)


@pytest.fixture
def shown(monkeypatch):
    """Make modules of the files that the page shows; give them by their names."""
    modules = {}
    for path, source in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        name = path.removesuffix(".py").replace("/", ".")
        package, _, stem = name.rpartition(".")
        module = module_from_spec(spec_from_loader(name, loader=None))
        # What is imported relatively is looked for in the package of the file.
        module.__package__ = package
        monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(import_module(package), stem, module, raising=False)
        exec(compile(textwrap.dedent(source), path, "exec"), vars(module))
        modules[stem] = module
    # What the page says of the names.
    monkeypatch.setattr(dipy_tractogen.nn, "WAE", modules["wae"].WAE, raising=False)
    command = (".trainings.train_wae", "TrainWAEFlow")
    monkeypatch.setitem(cli.cli_flows, "dipy_train_wae", command)
    return modules


def test_model_and_what_may_be_added_to_it(shown, phantom, tmp_path):
    wae = shown["wae"].WAE(
        24,
        4,
        discrepancy_weight=3000,
        backbone_options={"hidden_units": (32, 32)},
    )
    points = phantom.resample(24)
    wae.fit(points, phantom.labels, phantom.bundle_names, epochs=100, batch_size=21)
    first, last = wae.record.history[0], wae.record.history[-1]
    assert last["loss"] < first["loss"] / 4
    assert 0 < last["discrepancy"] < first["discrepancy"]
    wae.save(tmp_path / "model.keras")
    loaded = dipy_tractogen.nn.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == wae.get_config()
    np.testing.assert_array_equal(loaded.encode(points), wae.encode(points))
    sampler = shown["bootstrap"].BootstrapSampler
    plausibility = Plausibility([shown["apart"].EndsApart(40)])
    made, _ = wae.generate(70, sampler=sampler(), plausibility=plausibility, seed=0)
    assert plausibility.rejections["apart"] > 0
    assert np.linalg.norm(made[:, 0] - made[:, -1], axis=1).min() >= 40


@pytest.mark.parametrize("model_class", [VAE, CVAE, AAE])
def test_term_in_other_models(shown, phantom, tmp_path, model_class):
    model = model_class(
        24,
        4,
        backbone_options={"hidden_units": (8,)},
        regularizers=[shown["discrepancy"].Discrepancy(30)],
    )
    points = phantom.resample(24)
    model.fit(points, phantom.labels, phantom.bundle_names, epochs=2)
    assert model.record.history[-1]["discrepancy"] > 0
    model.save(tmp_path / "model.keras")
    loaded = dipy_tractogen.nn.load_model(tmp_path / "model.keras")
    assert loaded.regularizers[0].discrepancy_weight == 30


def test_command(shown, bundle_files, tmp_path):
    options = ["--nb_points", "16", "--latent_dim", "2", "--epochs", "1", "--quiet"]
    given = [str(bundle_files[0]), *options, "--out_dir", str(tmp_path)]
    assert cli.main("dipy_train_wae", [*given, "--discrepancy_weight", "-1"]) == 1
    assert not list(tmp_path.iterdir())
    assert cli.main("dipy_train_wae", [*given, "--discrepancy_weight", "3"]) == 0
    loaded = dipy_tractogen.nn.load_model(tmp_path / "model.keras")
    assert loaded.discrepancy_weight == 3
