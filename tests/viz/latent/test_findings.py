import json

import numpy as np
import pytest

from dipy_tractogen.metrics.latents import LatentSample
from dipy_tractogen.nn import AE, VAE
from dipy_tractogen.viz.latent.findings import LatentFindings, show_dimensions

Z = np.random.default_rng(0).normal(size=(50, 3)) * (2.0, 1.0, 0.001)


@pytest.fixture
def findings(tmp_path):
    names = ("units_tsv", "units_png")
    paths = {name: tmp_path / f"latent_{name.replace('_', '.')}" for name in names}
    return LatentFindings(paths)


def sample(**given):
    return LatentSample(None, len(Z), Z, attributes={}, units={}, **given)


def test_a_model_without_posterior_says_so(findings):
    """All of its dimensions are active: no prior covers those that vary little."""
    active = show_dimensions(findings, AE(16, 3), sample(deviation=None, prior=None))
    assert active.all()
    found = json.loads(json.dumps(findings.found, allow_nan=False))
    assert found["has_posterior"] is False
    assert found["kl_nats"] is None
    assert [unit["kl"] for unit in found["units"]] == [None] * 3
    lines = findings.paths["units_tsv"].read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t") == [
        *("dimension", "variance", "spread", "deviation", "kl", "active")
    ]
    assert lines[1].split("\t")[3:] == ["", "", "True"]


def test_dimensions_that_say_nothing_are_not_active(findings):
    prior = VAE(16, 3).prior_of(Z)
    given = sample(deviation=np.full_like(Z, (0.1, 0.1, 1.0)), prior=prior)
    active = show_dimensions(findings, VAE(16, 3), given)
    assert active.tolist() == [True, True, False]
    assert findings.found["active_units"] == 2
    kl = [unit["kl"] for unit in findings.found["units"]]
    assert kl[0] > kl[1] > 1
    assert kl[2] == pytest.approx(0, abs=1e-5)
    assert findings.found["kl_nats"] == pytest.approx(sum(kl))
    (figure,) = findings.found["figures"]
    assert figure["alt"].endswith("2 of 3 latent dimensions are active.")
