from dataclasses import replace
import json

import numpy as np
import pytest

from dipy_tractogen.metrics.evaluate_bundles import evaluate_bundles
from dipy_tractogen.metrics.profiles.report import compare_profiles
from dipy_tractogen.metrics.profiles.sets import valued_sets
from dipy_tractogen.metrics.report_schema import describe_columns, table_rows
from dipy_tractogen.metrics.samples import prepare
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.orientation import reverse_streamlines
from dipy_tractogen.streamlines.simulation.cohort import (
    simulate_cohort,
    simulate_participants,
)
from dipy_tractogen.streamlines.simulation.profiles import PROFILE_LAWS

FAST = {"nb_bootstrap": 0, "nb_points": 10, "texture_points": 10}


def cohort(seed, *, nb_points=40):
    """120 streamlines of two bundles, of 20 subjects of all ages."""
    people = simulate_participants(20, seed=seed)
    size = {"nb_streamlines": 3, "nb_points": nb_points, "seed": seed}
    parts = (
        part.select(np.isin(part.labels, (2, 3)))
        for _, part in simulate_cohort(people, profiles=PROFILE_LAWS, **size)
    )
    return BundleSet.merge(parts)


@pytest.fixture(scope="module")
def sets():
    return [cohort(seed) for seed in range(3)]


def changed(bundles, change):
    """The set with other FA (n, nb_points)."""
    values = bundles.data_per_point["FA"].reshape(len(bundles), -1)
    data = {**bundles.data_per_point, "FA": change(values).reshape(-1, 1)}
    return replace(bundles, data_per_point=data)


def compared(generated, real, training=None, *, values=("FA", "MD"), c2st=False, n=0):
    """The report and its warnings."""
    given = {"generated": generated, "real": real, "training": training}
    given = {name: each for name, each in given.items() if each is not None}
    sets = {
        name: prepare(each, each.labels, nb_points=5) for name, each in given.items()
    }
    return compare_profiles(
        valued_sets(given, values),
        sets["generated"],
        sets["real"],
        sets.get("training"),
        {2: "bundle_3", 3: "bundle_4"},
        nb_draws=1,
        c2st=c2st,
        seed=0,
        nb_resamples=n,
    )


@pytest.fixture(scope="module")
def alike(sets):
    return compared(*sets)[0]


def test_real_profiles_are_as_near_as_others(alike):
    assert list(alike["values"]) == ["FA", "MD"]
    for entry in alike["values"].values():
        assert list(entry["bundles"]) == ["bundle_3", "bundle_4"]
        ours, real = (entry["overall"][side] for side in ("generated", "real"))
        assert 0 < ours["mean_difference"] < ours["w1"] < 0.03
        for name, value in real.items():
            assert value / 3 < ours[name] < 3 * value


def test_report_has_the_mean_profiles(alike):
    mean = alike["values"]["FA"]["bundles"]["bundle_4"]["mean"]
    law = PROFILE_LAWS["FA"].base_profile("bundle_4", np.linspace(0, 1, 100))
    for side in ("generated", "held_out"):
        # Subjects are of all ages.
        np.testing.assert_allclose(mean[side], law - 0.02, atol=0.04)
        assert np.corrcoef(mean[side], law)[0, 1] > 0.6
    assert json.loads(json.dumps(alike, allow_nan=False)) == alike


def test_shift_is_found_in_its_unit(sets, alike):
    found, _ = compared(changed(sets[0], lambda values: values + 0.1), *sets[1:])
    ours = found["values"]["FA"]["overall"]["generated"]
    assert ours["mean_difference"] == pytest.approx(0.1, abs=0.02)
    assert ours["w1"] == pytest.approx(0.1, abs=0.02)
    before = alike["values"]["FA"]["overall"]["generated"]
    assert ours["covariance"] == pytest.approx(before["covariance"])
    assert found["values"]["MD"] == alike["values"]["MD"]


def test_direction_of_streamlines_has_no_influence(sets, alike):
    given = sets[0]
    backwards = np.arange(len(given)) % 2 == 0
    data = {
        name: reverse_values(each.reshape(len(given), -1), backwards).reshape(-1, 1)
        for name, each in given.data_per_point.items()
    }
    turned = replace(
        given,
        streamlines=reverse_streamlines(given.streamlines, backwards),
        data_per_point=data,
    )
    found, _ = compared(turned, *sets[1:])
    for name, entry in found["values"].items():
        for measure, value in entry["overall"]["generated"].items():
            before = alike["values"][name]["overall"]["generated"][measure]
            assert value == pytest.approx(before, rel=1e-3)


def reverse_values(values, backwards):
    return np.where(backwards[:, None], values[:, ::-1], values)


def test_without_training_real_ones_are_compared_by_halves(sets):
    found, warnings = compared(*sets[:2])
    assert found["values"]["FA"]["overall"]["real"]["w1"] > 0
    assert found["pairing"] is None
    assert "Fewer than 100 streamlines" in warnings[0]


def test_streamlines_with_unknown_values_are_left_out_and_counted(sets):
    def forget(values):
        return np.where(np.arange(len(values))[:, None] % 4 == 0, np.nan, values)

    found, warnings = compared(changed(sets[0], forget), *sets[1:], values=["FA"])
    assert found["values"]["FA"]["overall"]["generated"]["w1"] < 0.03
    (warning,) = [each for each in warnings if "without FA" in each]
    assert warning.startswith("30 streamlines of the samples with a point without FA")
    # The 90 others are too few for pairs.
    assert found["pairing"] is None


def test_classifiers_tell_profiles_that_are_too_smooth(sets):
    def smooth(values):
        return np.repeat(values.mean(axis=1, keepdims=True), 40, axis=1)

    found, _ = compared(changed(sets[0], smooth), *sets[1:], values=["FA"], c2st=True)
    assert found["c2st"]["generated"]["value"] > 0.95
    assert found["c2st"]["real"]["interval"][0] < 0.6
    assert found["verdict"][-1].startswith("Classifiers tell profiles with an AUC of")


@pytest.mark.parametrize("nb_sets", [2, 3])
def test_intervals_are_those_of_other_samples(sets, nb_sets):
    found, _ = compared(*sets[:nb_sets], values=["FA"], n=200)
    entry = found["values"]["FA"]
    for each in (entry["overall"], *entry["bundles"].values()):
        for side in ("generated", "real"):
            for name, (low, high) in each["intervals"][side].items():
                assert 0 < low < each[side][name] < high < 4 * each[side][name]
    widths = [
        np.subtract(*each["intervals"]["generated"]["w1"][::-1])
        for each in (entry["overall"], *entry["bundles"].values())
    ]
    # A mean of bundles varies less than they do.
    assert widths[0] < np.mean(widths[1:])


def test_measures_are_among_the_others(sets):
    options = {"nb_bootstrap": 20, "values": ["FA"], "nb_points": 10}
    report = evaluate_bundles(*sets, require=["FA_profile_w1<=9"], **options)
    (limit,) = report["thresholds"]
    assert limit["met"]
    assert limit["value"] == report["overall"]["generated"]["FA_profile_w1"]
    columns = describe_columns(["FA"])
    rows = table_rows(report)
    assert all(list(row) == list(columns) for row in rows)
    assert len(rows) == 6
    for row in rows:
        found = [row[f"FA_profile_covariance{end}"] for end in ("_low", "", "_high")]
        assert found == sorted(found)
        is_all = row["bundle"] is None
        assert (row["pairing_auc"] is not None) == is_all
        assert row["c2st_profile"] is None
    with pytest.raises(ValueError, match="values are FA to compare the profiles of"):
        evaluate_bundles(*sets, require=["MD_profile_w1<=9"], **options)


def test_verdict_has_the_measures_beside_those_of_real_ones(alike):
    overall = alike["values"]["FA"]["overall"]
    ours, real = (overall[side]["w1"] for side in ("generated", "real"))
    assert f"Wasserstein-1 by node {ours:.2g} ({real:.2g})" in alike["verdict"][0]
    pairing = alike["pairing"]["generated"]["value"]
    assert f"an AUC of {pairing:.2g} (" in alike["verdict"][2]


def test_values_that_a_set_lacks_are_refused(sets):
    without = replace(sets[1], data_per_point={})
    with pytest.raises(ValueError, match=r"values=RD: .* generated .* have FA, MD;"):
        compared(*sets, values=["RD"])
    with pytest.raises(ValueError, match=r"values=FA: .* real streamlines have none"):
        compared(sets[0], without, values=["FA"])
