import math

import optuna
import pytest

from dipy_tractogen.tuning.space import check_betas, parse_ranges, suggest


def test_betas_are_sorted_and_limited():
    assert check_betas([4, 0, 1]) == [0, 1, 4]
    assert check_betas([0, 0.5, 1, 4], minimum_beta=1) == [1, 4]


@pytest.mark.parametrize(
    ("betas", "minimum", "said"),
    [
        ([-1, 2], 0, "at least 0"),
        ([math.nan], 0, "at least 0"),
        ([math.inf], 0, "at least 0"),
        ([1, 1.0], 0, "twice"),
        ([0, 0.5], 1, "none of at least 1"),
        ([], 0, "none of at least 0"),
    ],
)
def test_impossible_betas_are_refused(betas, minimum, said):
    with pytest.raises(ValueError, match=said):
        check_betas(betas, minimum)


def test_ranges_are_read():
    assert parse_ranges(["latent_dim=4:16", "sigma_mm=0.5:2"]) == {
        "latent_dim": (4, 16),
        "sigma_mm": (0.5, 2.0),
    }


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["beta=1:2"], "accepted are latent_dim"),
        (["latent_dim"], "latent_dim=LOW:HIGH, whole numbers"),
        (["latent_dim=2.5:4"], "whole numbers"),
        (["sigma_mm=1:2:3"], "LOW:HIGH"),
        (["sigma_mm=2:1"], "a lower and a higher"),
        (["sigma_mm=nan:1"], "a lower and a higher"),
        (["learning_rate=0:1"], "from 1e-12"),
        (["free_bits=0:1", "free_bits=0:2"], "twice"),
    ],
)
def test_impossible_ranges_are_refused(texts, said):
    with pytest.raises(ValueError, match=said):
        parse_ranges(texts)


def test_trial_chooses_within_its_ranges():
    given = {"beta": 2.0, "latent_dim": 8, "free_bits": 0.25}
    ranges = {"latent_dim": (4, 16), "free_bits": (0.0, 1.0)}
    assert suggest(optuna.trial.FixedTrial(given), [1.0, 2.0], ranges) == given
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        chosen = suggest(study.ask(), [1.0, 2.0], ranges)
        assert chosen["beta"] in (1.0, 2.0)
        assert isinstance(chosen["latent_dim"], int)
        assert 4 <= chosen["latent_dim"] <= 16
        assert 0 <= chosen["free_bits"] <= 1
