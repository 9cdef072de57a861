import json
import zipfile

import keras
import pytest

from dipy_tractogen.nn import VAE, load_model


@pytest.fixture
def model_path(tmp_path):
    path = tmp_path / "model.keras"
    VAE(16, 2, backbone_options={"hidden_units": (8,)}).save(path)
    return path


def rewritten(path, change):
    """Write the archive again with another configuration."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    change(config)
    parts["config.json"] = json.dumps(config)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def parameters(config):
    return config["config"]["parameters"]


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_model(tmp_path / "none.keras")


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04 nor this"])
def test_file_that_is_no_model(tmp_path, content):
    (tmp_path / "model.keras").write_bytes(content)
    with pytest.raises(ValueError, match="not a model file, or cut short"):
        load_model(tmp_path / "model.keras")


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_file_cut_short(model_path, share):
    whole = model_path.read_bytes()
    model_path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match="cut short"):
        load_model(model_path)


def test_model_of_somebody_else(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="not one of dipy_tractogen"):
        load_model(tmp_path / "other.keras")


def test_class_that_is_no_model_is_refused(model_path):
    path = rewritten(
        model_path, lambda c: c["config"].update(model="dipy_tractogen>CosineAnalysis")
    )
    with pytest.raises(ValueError, match="not one of dipy_tractogen"):
        load_model(path)


def test_damaged_configuration(model_path):
    path = rewritten(model_path, lambda c: parameters(c).update(latent_dim=3))
    with pytest.raises(ValueError, match="damaged"):
        load_model(path)


def test_code_in_a_configuration_is_not_run(model_path, tmp_path):
    trap = tmp_path / "ran"
    layer = {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {"function": f"lambda x: open({str(trap)!r}, 'w')"},
    }
    path = rewritten(
        model_path, lambda c: parameters(c)["backbone_options"].update(activation=layer)
    )
    with pytest.raises(ValueError, match="activation is"):
        load_model(path)
    assert not trap.exists()


def test_existing_file_and_other_names(model_path):
    model = load_model(model_path)
    with pytest.raises(FileExistsError):
        model.save(model_path, overwrite=False)
    with pytest.raises(ValueError, match=r"ends in \.keras"):
        model.save(model_path.with_suffix(".h5"))
    assert len(list(model_path.parent.iterdir())) == 1


def test_keras_reads_the_file_once_the_package_is_imported(model_path):
    network = keras.saving.load_model(model_path)
    assert type(network).__name__ == "Network"
    assert type(network.owner) is VAE
