from contextlib import nullcontext
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from dipy_tractogen.nn import AE, load_model
from dipy_tractogen.workflows.cli import main

FILTERS = (2, 3, 4, 5, 6, 8)
NAMES = [f"encod_conv{number}" for number in range(1, 7)]
NAMES += ["fc1", "fc2", *(f"decod_conv{number}" for number in range(1, 7))]


@pytest.fixture(scope="module")
def published():
    """A small model of the published kind; not to be changed."""
    return AE(64, 4, backbone="conv", backbone_options={"filters": FILTERS})


@pytest.fixture
def checkpoint(tmp_path, monkeypatch, published):
    """Its weights as PyTorch would give them."""
    network = published.network
    dense, *others = (layer for layer in network.decoder.layers if layer.weights)
    encoder = [layer for layer in network.encoder.layers if layer.weights]
    content = {}
    for name, layer in zip(NAMES, [*encoder, network.z_mean, dense, *others]):
        for kind, array in zip(("weight", "bias"), layer.get_weights()):
            tensor = SimpleNamespace(numpy=lambda array=array: array.T)
            tensor.detach = tensor.float = lambda tensor=tensor: tensor
            content[f"{name}.{kind}"] = tensor
    serialization = SimpleNamespace(safe_globals=lambda allowed: nullcontext())
    torch = SimpleNamespace(
        load=lambda path, **_: content,
        serialization=serialization,
        __version__="2.10.0+cpu",
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    path = tmp_path / "weights.pt"
    path.write_bytes(b"weights")
    return path


def test_imported_model_reconstructs_as_the_network(
    checkpoint, published, phantom, tmp_path, capsys
):
    arguments = [str(checkpoint), "--out_dir", str(tmp_path)]
    assert main("dipy_import_weights", arguments) == 0
    model = load_model(tmp_path / "model.keras")
    assert list(model.record.data["checkpoint"]) == [str(checkpoint)]
    points = phantom.resample(64)
    np.testing.assert_allclose(
        model.reconstruct(points), published.reconstruct(points), atol=1e-4
    )
    arguments = [str(tmp_path / "model.keras"), "--out_dir", str(tmp_path)]
    assert main("dipy_generate_streamlines", arguments) == 1
    assert "--training_files" in capsys.readouterr().err


def test_described_model_generates(checkpoint, bundle_files, tmp_path):
    arguments = [str(checkpoint), "--training_files", *map(str, bundle_files)]
    assert main("dipy_import_weights", [*arguments, "--out_dir", str(tmp_path)]) == 0
    model = load_model(tmp_path / "model.keras")
    assert model.record.bundle_names == ["bundle_1", "bundle_2", "bundle_3"]
    assert len(model.record.data["files"]) == 3
    assert len(model.generate(6)[0]) == 6


class Begun(Exception):
    """Ends a training before its first step."""


def test_training_goes_on_from_imported_weights(
    checkpoint, phantom, tmp_path, monkeypatch
):
    """They are not standardised anew, which would make nonsense of them."""
    arguments = [str(checkpoint), "--out_dir", str(tmp_path)]
    assert main("dipy_import_weights", arguments) == 0
    model = load_model(tmp_path / "model.keras")
    before = model.network.get_weights()

    def begin(*_, **__):
        raise Begun

    monkeypatch.setattr("keras.Model.fit", begin)
    with pytest.raises(Begun):
        model.fit(phantom.resample(64), epochs=1)
    np.testing.assert_array_equal(model.network.standardise.deviation, 1)
    for one, two in zip(before, model.network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out_model", "model.pt"], "ending in .keras"),
        (["--seed", "-1"], "seed"),
        (["--training_files", "none.trk"], "none.trk"),
    ],
)
def test_bad_input_is_refused(checkpoint, refused, options, said):
    assert said in refused("dipy_import_weights", checkpoint, *options)


def test_missing_checkpoint_is_said(refused):
    assert "does not exist" in refused("dipy_import_weights", "none.pt")


def test_absence_of_pytorch_is_one_line(checkpoint, refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "pip install torch" in refused("dipy_import_weights", checkpoint)
