import pytest

from dipy_tractogen.tuning import trial
from dipy_tractogen.tuning.space import search_space
from dipy_tractogen.tuning.sweep import save_trials, sweep_beta


def test_sweep_from_python(phantom, tmp_path, monkeypatch):
    given = []

    def run_trial(training, held_out, chosen, fixed, options):
        given.append((len(training), len(held_out), chosen["beta"], fixed, options))
        names = ("point_error_mm", "kl_nats", "quality", "active_units")
        return {**dict.fromkeys(names, chosen["beta"]), "seconds": 1.0}

    monkeypatch.setattr(trial, "run_trial", run_trial)
    options = {"betas": [2.0, 1.0], "held_out": 0.25, "nb_points": 16, "latent_dim": 3}
    rows = sweep_beta(phantom, tmp_path / "sweep.journal", **options, epochs=2, seed=5)
    assert [row["beta"] for row in rows] == [1, 2]
    assert [row["recommended"] for row in rows] == [True, False]
    fixed = {"nb_points": 16, "latent_dim": 3, "sigma_mm": 1.0}
    trained = {"epochs": 2, "max_minutes": None, "seed": 5}
    assert given[0] == (63, 21, 1.0, fixed, trained)
    save_trials(tmp_path / "sweep.tsv", rows)
    header = (tmp_path / "sweep.tsv").read_text(encoding="utf-8").splitlines()[0]
    assert header.split("\t")[0] == "trial"
    assert header.split("\t")[-1] == "reason"
    few = phantom.select(phantom.labels < 2)
    with pytest.raises(ValueError, match=r"held_out=0\.01 holds out 2 "):
        sweep_beta(few, tmp_path / "b.journal", **{**options, "held_out": 0.01})


def test_search_space_has_limits_by_the_points():
    sizes = {"nb_points": 16, "latent_dim": 4}
    assert search_space([2, 1], search=["latent_dim=2:48"], **sizes) == {
        "betas": [1, 2],
        "ranges": {"latent_dim": (2, 48)},
        "nb_trials": 8,
    }
    assert search_space([2, 1], **sizes)["nb_trials"] == 2
    with pytest.raises(ValueError, match="from 1 to 16"):
        search_space(search=["nb_coefficients=2:17"], **sizes)
    with pytest.raises(ValueError, match=r"latent_dim=49: .* from 1 to 48"):
        search_space(**{**sizes, "latent_dim": 49})
