import json

import numpy as np
import pytest

from dipy_tractogen.metrics import evaluation as module
from dipy_tractogen.metrics.bootstrap import zero_share_interval
from dipy_tractogen.metrics.comparison import worst_bundle
from dipy_tractogen.metrics.evaluation import evaluate
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup
from dipy_tractogen.utils import progress

NAMES = ("bundle_1", "bundle_2")


@pytest.fixture(scope="module", autouse=True)
def two_draws():
    """Small sets are drawn twice in place of five times, which takes less time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("dipy_tractogen.metrics.evaluation._MOST_DRAWS", 2)
        yield


@pytest.fixture(scope="module")
def phantoms():
    """Two bundles as training (2 x 40), held out (2 x 20) and generated (2 x 200)."""
    sets = []
    for seed, count in ((0, 40), (1, 20), (2, 200)):
        bundles = simulate_fibercup(count, seed=seed)
        kept = bundles.select(bundles.labels < 2)
        sets.append((kept.resample(60), kept.labels))
    return sets


def evaluated(generated, held_out, training=None, **options):
    given = {"generated": generated, "real": held_out, "training": training}
    given = {name: each for name, each in given.items() if each is not None}
    return evaluate(
        **{name: points for name, (points, _) in given.items()},
        **{f"{name}_labels": labels for name, (_, labels) in given.items()},
        bundle_names=NAMES,
        **options,
    )


@pytest.fixture(scope="module")
def good(phantoms):
    training, held_out, generated = phantoms
    return evaluated(generated, held_out, training)


def test_report_is_plain_and_finite(good):
    assert json.loads(json.dumps(good, allow_nan=False)) == good
    assert set(good["bundles"]) == set(NAMES)
    assert good["warnings"] == []


def test_counts(good):
    assert good["overall"]["counts"] == {
        "generated": 400,
        "real": 40,
        "training": 80,
        "compared": 40,
    }
    assert good["bundles"]["bundle_2"]["counts"]["generated"] == 200


def test_another_sample_of_the_same_is_as_good_as_real(good):
    for entry in (good["overall"], *good["bundles"].values()):
        ours, real = entry["generated"], entry["real"]
        for name in ("precision", "recall", "coverage", "dice", "agreement"):
            assert ours[name] == pytest.approx(real[name], abs=0.12)
        assert ours["mean_length"] == pytest.approx(real["mean_length"], rel=0.2)
        assert 0.7 < entry["ratios"]["novelty"] < 1.3
        assert ours["repetition"] < 0.1
        assert entry["ratios"]["generated_per_training"] == 5


def test_held_out_streamlines_have_their_own_means(good, phantoms):
    points, labels = phantoms[1]
    steps = np.diff(points[labels == 1].astype(float), axis=1)
    expected = np.linalg.norm(steps, axis=-1).sum(axis=1).mean()
    found = good["bundles"]["bundle_2"]["held_out"]["mean_length"]
    assert found == pytest.approx(expected, rel=0.01)


def test_report_does_not_depend_on_the_direction_of_storage(good, phantoms):
    training, (points, labels), generated = phantoms
    turned = points.copy()
    turned[::3] = turned[::3, ::-1]
    report = evaluated(generated, (turned, labels), training)
    for name, value in good["overall"]["generated"].items():
        if name != "shape_similarity":
            assert report["overall"]["generated"][name] == pytest.approx(
                value, abs=1e-3
            )


def test_report_is_fixed_by_the_seed(good, phantoms):
    training, held_out, generated = phantoms
    assert evaluated(generated, held_out, training) == good
    other = evaluated(generated, held_out, training, seed=1)
    assert other["overall"]["generated"] != good["overall"]["generated"]


def test_memorised_streamlines_are_found_out(phantoms):
    (points, labels), held_out, _ = phantoms
    copied = np.random.default_rng(0).integers(0, len(points), 400)
    noise = np.random.default_rng(1).normal(0, 0.02, (400, 1, 3))
    report = evaluated(
        ((points[copied] + noise).astype(np.float32), labels[copied]),
        held_out,
        (points, labels),
    )
    assert report["overall"]["ratios"]["novelty"] < 0.1
    assert report["overall"]["generated"]["repetition"] > 0.9
    assert report["overall"]["real"]["repetition"] < 0.05
    assert report["overall"]["memorisation"]["copies"] == "most"
    assert any("Most are copies" in warning for warning in report["warnings"])
    assert report["overall"]["generated"]["coverage"] > 0.8


def test_shifted_bundle_is_the_worst(phantoms):
    training, held_out, (points, labels) = phantoms
    shifted = points + 30 * (labels == 1)[:, None, None].astype(np.float32)
    report = evaluated((shifted, labels), held_out, training)
    assert report["worst_bundle"] == "bundle_2"
    entry = report["bundles"]["bundle_2"]["generated"]
    assert entry["precision"] == entry["coverage"] == entry["dice"] == 0
    # What a copy is follows from the 20 that are held out.
    assert entry["memorised"] == 0
    intervals = report["bundles"]["bundle_2"]["intervals"]["generated"]
    assert intervals["memorised"] == zero_share_interval(20)


def test_longer_streamlines_are_farther_than_real_ones(phantoms):
    training, held_out, (points, labels) = phantoms
    middle = points.mean(axis=1, keepdims=True)
    report = evaluated((middle + 1.3 * (points - middle), labels), held_out, training)
    ratios = report["overall"]["ratios"]
    assert ratios["length_w1"] > 2
    ours = report["overall"]["generated"]
    assert ratios["length_w1"] == pytest.approx(
        ours["length_w1"] / report["overall"]["real"]["length_w1"]
    )


def test_training_with_the_held_out_streamlines_is_training_without(good, phantoms):
    (points, labels), held_out, generated = phantoms
    everything = (
        np.concatenate([points, held_out[0][:, ::-1]]),
        np.concatenate([labels, held_out[1]]),
    )
    report = evaluated(generated, held_out, everything)
    assert report["parameters"].pop("training_also_held_out") == 40
    good = json.loads(json.dumps(good))
    assert good["parameters"].pop("training_also_held_out") == 0
    assert report == good


def test_intervals_hold_the_values(good):
    for entry in (good["overall"], *good["bundles"].values()):
        for kind in ("generated", "real", "ratios"):
            limits = entry["intervals"][kind]
            unknown = {name for name, each in limits.items() if each is None}
            assert unknown == ({"memorised"} if kind == "real" else set())
            for name in set(limits) - unknown:
                low, high = limits[name]
                assert low <= entry[kind][name] <= high, (kind, name)
        low, high = entry["intervals"]["generated"]["mean_length"]
        assert 0 < high - low < 10
    narrow, wide = (
        np.diff(entry["intervals"]["generated"]["precision"])
        for entry in (good["overall"], good["bundles"]["bundle_2"])
    )
    assert narrow < wide


def test_shares_of_none_know_how_many_were_looked_at(good):
    """Copies are looked for among all generated streamlines, not among a sample."""
    entry = good["bundles"]["bundle_1"]
    for kind, count in (("generated", 200), ("real", 40)):
        assert entry[kind]["repetition"] == 0
        assert entry["intervals"][kind]["repetition"] == zero_share_interval(count)


def test_distributions_are_those_of_the_attributes(good):
    found = good["distributions"]
    assert list(found) == ["length", "curvature", "tortuosity", "winding"]
    assert found["length"]["unit"] == "mm"
    middles = np.convolve(found["length"]["edges"], [0.5, 0.5], "valid")
    entries = {None: good["overall"], **good["bundles"]}
    for bundle, entry in entries.items():
        shares = found["length"]["overall" if bundle is None else "bundles"]
        shares = (shares if bundle is None else shares[bundle])["real"]
        assert sum(shares) == pytest.approx(1)
        mean = entry["held_out"]["mean_length"]
        assert middles @ shares == pytest.approx(mean, abs=2)


def test_a_grid_of_the_same_voxels_gives_the_same_volumes(good, phantoms):
    training, held_out, generated = phantoms
    affine = np.diag([2.0, 2.0, 2.0, 1])
    affine[:3, 3] = -40
    grid = Reference(affine, (150, 150, 50))
    report = evaluated(generated, held_out, training, grid=grid, nb_bootstrap=0)
    for name in ("dice", "overlap", "overreach"):
        assert report["overall"]["generated"][name] == pytest.approx(
            good["overall"]["generated"][name]
        )
    assert report["parameters"]["grid"]["dimensions"] == [150, 150, 50]


def test_without_training_halves_are_compared(phantoms):
    _, held_out, generated = phantoms
    report = evaluated(generated, held_out)
    assert report["overall"]["memorisation"] is None
    assert report["overall"]["generated"]["memorised"] is None
    assert "novelty" not in report["overall"]["intervals"]["generated"]
    assert report["overall"]["intervals"]["ratios"]["novelty"] is None
    low, high = report["overall"]["intervals"]["real"]["dice"]
    assert low < report["overall"]["real"]["dice"] < high
    overall = report["overall"]
    assert overall["counts"]["compared"] == 20
    assert overall["counts"]["training"] == 0
    assert overall["real"]["precision"] > 0.8
    assert overall["ratios"]["novelty"] is None
    assert overall["ratios"]["generated_per_training"] is None
    assert overall["generated"]["nearest_training"] is None
    assert 0 <= overall["generated"]["repetition"] < 0.1
    (warning,) = report["warnings"]
    assert "--train_files" in warning


def test_bundles_on_one_side_are_left_out(phantoms):
    training, held_out, (points, labels) = phantoms
    report = evaluated((points[labels == 0], labels[labels == 0]), held_out, training)
    assert list(report["bundles"]) == ["bundle_1"]
    assert report["overall"]["counts"]["real"] == 20
    assert any("bundle_2" in warning for warning in report["warnings"])


def test_without_labels_there_is_only_the_whole(phantoms):
    training, held_out, generated = phantoms
    report = evaluate(generated[0], held_out[0], training[0])
    assert report["bundles"] == {}
    assert report["worst_bundle"] is None
    assert report["overall"]["generated"]["precision"] > 0.8


def test_bundles_smaller_than_k_do_not_crash(phantoms):
    training, (points, labels), generated = phantoms
    few = np.r_[0:20, 20:23]
    report = evaluated(generated, (points[few], labels[few]), training)
    assert report["bundles"]["bundle_2"]["generated"]["coverage"] is None
    assert report["bundles"]["bundle_1"]["generated"]["coverage"] > 0.8
    assert any("bundle_2" in warning for warning in report["warnings"])
    json.dumps(report, allow_nan=False)


def test_single_streamlines_do_not_crash(phantoms):
    one = tuple(each[:1] for each in phantoms[1])
    report = evaluated(one, one)
    assert report["overall"]["generated"]["precision"] is None
    assert report["overall"]["generated"]["repetition"] is None
    json.dumps(report, allow_nan=False)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"k": 0}, "k=0"),
        ({"seed": -1}, "seed=-1"),
        ({"nb_points": 1}, "nb_points=1"),
        ({"texture_points": 2}, "nb_points=2"),
        ({"voxel_size": 0}, "voxel_size=0"),
        ({"nb_bootstrap": -1}, "nb_bootstrap=-1"),
        ({"grid": Reference(np.eye(4), (3, 3, 3))}, "No real streamline passes"),
    ],
)
def test_impossible_parameters_are_refused(phantoms, options, said):
    training, held_out, generated = phantoms
    with pytest.raises(ValueError, match=said):
        evaluated(generated, held_out, training, **options)


@pytest.mark.parametrize("name", ["generated", "real"])
def test_no_streamlines_are_refused(phantoms, name):
    given = {"generated": phantoms[2][0], "real": phantoms[1][0]}
    given[name] = given[name][:0]
    with pytest.raises(ValueError, match=f"no {name} streamlines"):
        evaluate(**given)


def test_worst_bundle_is_the_one_farthest_below_real():
    def entry(ours, real):
        names = ("precision", "recall", "coverage")
        return {
            "generated": dict(zip(names, ours)),
            "real": dict(zip(names, real)),
        }

    bundles = {
        "a": entry((0.5, 0.5, 0.5), (0.5, 0.5, 0.6)),
        "b": entry((0.9, 0.7, 0.9), (0.9, 0.9, 0.9)),
        "c": entry((None, 0.9, 0.9), (None, 0.9, 0.9)),
        "d": entry((0.1, 0.1, 0.1), (None, None, None)),
    }
    assert worst_bundle(bundles) == "b"
    assert worst_bundle({"d": bundles["d"]}) is None
    assert worst_bundle({}) is None


def test_progress_is_of_all_the_work(phantoms, monkeypatch, caplog):
    """What is expected of the parts is what is done; lines come now and then."""
    training, held_out, generated = phantoms
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    monkeypatch.setattr(progress, "_OF_ELAPSED", 0.0)
    monkeypatch.setattr("dipy_tractogen.metrics.evaluation._LONG_S", 0.0)
    caplog.set_level("INFO", "dipy_tractogen")
    made = []
    begin = module._begin
    monkeypatch.setattr(
        module, "_begin", lambda *a, **k: made.append(begin(*a, **k)) or made[0]
    )
    evaluated(generated, held_out, training)
    assert made[0].done == pytest.approx(made[0].total, rel=0.1)
    assert "Comparing them will take about" in caplog.text
    said = [line for line in caplog.messages if line.startswith("Comparing: ")]
    shares = [float(line.split()[1]) for line in said]
    assert len(shares) > 5
    assert shares == sorted(shares)
    assert all(line.endswith(" left") for line in said)


def test_progress_bar_is_shown_where_asked(phantoms, capsys):
    _, held_out, generated = phantoms
    evaluated(generated, held_out, nb_bootstrap=0, show_progress=True)
    assert "Comparing: 100%" in capsys.readouterr().err
