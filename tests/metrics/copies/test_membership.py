from types import SimpleNamespace

import numpy as np
import pytest

from dipy_tractogen.metrics.copies.membership import (
    attack_power,
    likelihood_ratio,
    membership,
)
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup


def test_power_of_scores():
    rng = np.random.default_rng(0)
    same = attack_power(rng.normal(size=4000), rng.normal(size=4000))
    assert abs(same["auc"] - 0.5) < 0.03
    assert abs(same["true_positives"] - 0.01) < 0.01
    others = np.arange(200.0)
    found = attack_power(np.array([300.0, 198.0, 197.0, -1.0]), others)
    # Two others in 200 may be taken for members: 197 is a tie.
    assert found["true_positives"] == 0.5
    assert found["auc"] == pytest.approx((1 + 198.5 / 200 + 197.5 / 200) / 4)
    assert attack_power(np.ones(3), np.ones(5)) == {"auc": 0.5, "true_positives": 0}
    with pytest.raises(ValueError, match="give one of each"):
        attack_power(np.ones(0), np.ones(3))


def test_ratio_finds_members_that_single_losses_do_not():
    # How hard a streamline is differs more than what training on it changes.
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 1, 500)

    def losses(is_member):
        noise = rng.normal(0, 0.05, is_member.shape)
        return np.exp(hard - 0.3 * is_member + noise)

    is_member = rng.permuted(
        np.repeat([[True], [False]], 4, axis=0) * np.ones(500, bool), axis=0
    )
    trained_on = rng.random(500) < 0.5
    given = losses(trained_on)
    scores = likelihood_ratio(given, losses(is_member), is_member)
    power = attack_power(scores[trained_on], scores[~trained_on])
    alone = attack_power(-given[trained_on], -given[~trained_on])
    assert power["auc"] > 0.98
    assert power["true_positives"] > 0.8
    assert alone["auc"] < 0.7
    with pytest.raises(ValueError, match="in no shadow model"):
        likelihood_ratio(given, losses(is_member), np.zeros_like(is_member))
    with pytest.raises(ValueError, match="give \\(n,\\), \\(s, n\\)"):
        likelihood_ratio(given[1:], losses(is_member), is_member)


def test_attacks_of_a_model_that_remembers():
    training, held_out = simulate_fibercup(12, seed=0).split(0.5, seed=0)
    known = training.resample(16)

    def encode_and_decode(bundles):
        points = bundles.resample(16)
        z_mean = points.reshape(len(points), -1)
        is_known = np.isin(z_mean[:, 0], known[:, 0, 0])
        return {"z_mean": z_mean, "points": points + ~is_known[:, None, None]}

    posteriors = SimpleNamespace(means=known.reshape(len(known), -1))
    record = SimpleNamespace(
        density=SimpleNamespace(posteriors=posteriors), is_shared=False
    )
    model = SimpleNamespace(
        encode_and_decode=encode_and_decode,
        as_points=lambda streamlines: training.__class__(
            streamlines, np.zeros(len(streamlines), int), ("x",), training.reference
        ).resample(16),
        record=record,
    )
    found = membership(model, training, held_out, training.streamlines)
    assert {name: each["auc"] for name, each in found.items()} == {
        "reconstruction": 1,
        "generated": 1,
        "stored": 1,
    }
    record.is_shared = True
    found = membership(model, training, held_out)
    assert found["stored"] is None
    assert found["generated"] is None
