"""Models without data of single training streamlines."""

import json
import zipfile

import numpy as np
import pytest

from dipy_tractogen.nn import CVAE, VAE, load_model, share_model
from dipy_tractogen.sampling.samplers.gmm import MixtureSampler
from dipy_tractogen.sampling.shared.shrunk_mixture import FEWEST

NEW = ("fitted_latents.npz", "fitted_texture.npz")


@pytest.fixture(scope="module")
def original(lines):
    model = CVAE(24, 4, backbone_options={"hidden_units": (16,)})
    model.fit(**lines, epochs=20)
    model.record.data["files"] = {"/data/sub-01/x.trk": "digest"}
    model.record.parameters["command"] = "dipy_train_cvae /data/sub-01/x.trk"
    return model


@pytest.fixture(scope="module")
def shared(original):
    return share_model(original, seed=1)


@pytest.fixture(scope="module")
def path(shared, tmp_path_factory):
    path = tmp_path_factory.mktemp("shared") / "shared.keras"
    shared.save(path)
    return path


def test_file_has_no_data_of_single_streamlines(path, lines):
    with zipfile.ZipFile(path) as archive:
        names = {name.removeprefix("assets/") for name in archive.namelist()}
        assert set(NEW) < names
        assert not {"latents.npz", "texture.npz"} & names
        record = archive.read("assets/record.json").decode()
        for name in NEW:
            with archive.open(f"assets/{name}") as stream:
                arrays = dict(np.load(stream))
            # Fewer rows than one in ten of the streamlines.
            assert max(len(each) for each in arrays.values() if each.ndim) < 25
            for part, group in zip(arrays["parts"], arrays["group_of"]):
                count = arrays["counts"][group] if "counts" in arrays else 96
                assert part * count >= FEWEST - 1e-3
    assert "sub-01" not in record
    assert "digest" not in record
    assert json.loads(record)["data"]["nb_files"] == 1


def test_shared_model_generates_as_the_original(original, path):
    model = load_model(path)
    assert model.record.is_shared
    assert not original.record.is_shared
    asked = {"length": (55, 65), "group": "patient"}
    made = [
        each.generate(60, "x", conditions=asked, return_values=True, seed=2)
        for each in (original, model)
    ]
    for points, _, values in made:
        assert np.mean((values["length"] > 54) & (values["length"] < 66)) > 0.9
        assert np.isfinite(np.asarray(points)).all()
    before, after = (np.asarray(points).mean(axis=(0, 1)) for points, _, _ in made)
    np.testing.assert_allclose(after, before, atol=2.5)


def test_same_file_generates_the_same(path, shared):
    first, again = (load_model(path).generate(6, seed=3)[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(shared.generate(6, seed=3)[0], first, atol=1e-3)


def test_weights_and_latents_are_those_of_the_original(original, shared, lines):
    values = {**lines["held_out_values"]}
    values["bundle"] = np.array(["x", "y"])[lines["held_out_labels"]]
    z = [each.encode(lines["held_out"], values) for each in (original, shared)]
    np.testing.assert_allclose(z[1], z[0], atol=1e-5)
    seeds = shared.seeds_of(lines["held_out"], values)
    assert len(shared.generate(4, seeds=seeds)[0]) == 4


def test_samplers_that_need_latents_are_refused(shared, caplog):
    caplog.set_level("INFO", "dipy_tractogen")
    for name in ("kde", "rejection"):
        with pytest.raises(ValueError, match="shared model does not hold the latents"):
            shared.generate(3, sampler=name)
    for name in ("gmm", "prior", "manifold", MixtureSampler()):
        assert len(shared.generate(3, sampler=name)[0]) == 3
    assert "does not hold the latents" in caplog.text
    with pytest.raises(ValueError, match="shared already"):
        share_model(shared)
    with pytest.raises(ValueError, match="no density"):
        share_model(VAE(24, 4))


def test_small_bundles_are_left_out_with_a_warning(lines, caplog):
    rows = np.concatenate([np.arange(0, 192, 2), np.arange(1, 31, 2)])
    model = VAE(24, 4, backbone_options={"hidden_units": (16,)})
    model.fit(lines["points"][rows], lines["labels"][rows], ("x", "y"), epochs=2)
    shared = share_model(model)
    assert "fewer than 20 streamlines: y" in caplog.text
    assert not np.any(shared.record.directions[1])
    assert not shared.generate(5)[1].any()
    with pytest.raises(ValueError, match="No streamline of the training"):
        shared.generate(5, "y")
