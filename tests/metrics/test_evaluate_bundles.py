import numpy as np
import pytest

from dipy_tractogen.metrics.evaluate_bundles import _warnings_of_sets, evaluate_bundles
from dipy_tractogen.metrics.evaluation import evaluate
from dipy_tractogen.metrics.thresholds import Threshold
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.screening import ScreeningReport
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup


@pytest.fixture(scope="module")
def sets():
    bundles = simulate_fibercup(24, seed=3)
    return bundles.select(bundles.labels < 2).split(0.5, seed=1)


def test_requested_values_are_beside_what_evaluate_gives(sets):
    generated, real = sets
    requested = {"length": generated.lengths() + 2}
    options = {"nb_bootstrap": 0, "seed": 1}
    found = evaluate_bundles(generated, real, requested=requested, **options)
    conditions = found.pop("conditions")
    assert found.pop("thresholds") == []
    assert conditions["length"]["mae"] == pytest.approx(2, rel=1e-3)
    assert set(conditions["length"]["bundles"]) == {"bundle_1", "bundle_2"}
    assert found == evaluate(generated, real, **options)


@pytest.mark.parametrize("given", [str, Threshold.parse])
def test_a_limit_of_another_bundle_is_refused_first(sets, given):
    limit = given("bundle_7:coverage>=0.5")
    with pytest.raises(ValueError, match="bundle_7:coverage: there is no such"):
        evaluate_bundles(*sets, require=[limit])


def test_limits_are_compared_and_a_model_is_measured(sets, monkeypatch):
    def measure(model, bundles, *, show_progress):
        return {"name": model, "nb_streamlines": len(bundles)}

    monkeypatch.setattr(
        "dipy_tractogen.metrics.evaluate_bundles.measure_model", measure
    )
    limits = ["recall>=0", "bundle_1:dice>=2"]
    found = evaluate_bundles(*sets, require=limits, model="VAE", nb_bootstrap=0)
    assert [each["met"] for each in found["thresholds"]] == [True, False]
    assert found["model"] == {"name": "VAE", "nb_streamlines": len(sets[1])}


def test_sets_in_two_spaces_are_told(sets):
    generated, real = sets
    far = BundleSet(
        generated.resample(20) + np.float32(500),
        generated.labels,
        generated.bundle_names,
        generated.reference,
        ScreeningReport(30, 24, {"one point": 6}),
    )
    report = {"overall": {"generated": {"precision": 0.05, "recall": 0.1}}}
    sets = {"generated": far, "real": BundleSet(**{**vars(real), "report": far.report})}
    dropped, _, space = _warnings_of_sets(report, sets)
    assert dropped.startswith("Of the generated streamlines: kept 24 of 30")
    assert "both have to be in one space" in space
    assert report["places"]["generated"]["centre_mm"][0] > 400
