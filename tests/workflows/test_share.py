import pytest

from dipy_tractogen.nn import VAE, load_model
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup
from dipy_tractogen.workflows.cli import main


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    bundles = simulate_fibercup(25, seed=0)
    model = VAE(24, 4, backbone_options={"hidden_units": (16,)})
    model.fit(bundles, epochs=2)
    path = tmp_path_factory.mktemp("large") / "model.keras"
    model.save(path)
    return path


def test_shared_file_generates(large, tmp_path):
    out = ["--out_dir", str(tmp_path)]
    assert main("dipy_share_model", [str(large), *out]) == 0
    shared = tmp_path / "shared.keras"
    assert load_model(shared).record.is_shared
    number = ["--nb_streamlines", "20"]
    assert main("dipy_generate_streamlines", [str(shared), *number, *out]) == 0
    assert (tmp_path / "synthetic.trx").exists()


def test_small_bundles_and_other_names_are_refused(model_file, tmp_path, capsys):
    out = ["--out_dir", str(tmp_path)]
    assert main("dipy_share_model", [str(model_file), *out]) == 1
    assert "No bundle has 20 streamlines" in capsys.readouterr().err
    given = [str(model_file), "--out_model", "shared.h5", *out]
    assert main("dipy_share_model", given) == 1
    assert "ending in .keras" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
