import numpy as np
import pytest

from dipy_tractogen.nn import VAE
from dipy_tractogen.nn.terms.kl import KL
from dipy_tractogen.nn.terms.schedules import (
    fading_weight,
    geometric_weight,
    scheduled_weight,
)
from dipy_tractogen.nn.training.callbacks import Budget


def curve(schedule, start=0.0, end=2.0, ramp=0.5, cycles=4):
    return [
        scheduled_weight(x, schedule, start, end, ramp, cycles)
        for x in np.linspace(0, 1, 17)
    ]


def test_constant_does_not_change():
    assert curve("constant") == [2.0] * 17


def test_linear_grows_and_stays():
    np.testing.assert_allclose(curve("linear")[:9], np.linspace(0, 2, 9))
    assert curve("linear")[8:] == [2.0] * 9


def test_cyclical_grows_in_the_first_half_of_each_cycle():
    one = [0.0, 1.0, 2.0, 2.0]
    np.testing.assert_allclose(curve("cyclical"), [*one * 4, 2.0])


def test_decreasing_falls_to_its_end():
    found = curve("decreasing", start=20.0)
    np.testing.assert_allclose(found[:9], np.linspace(20, 2, 9))
    assert found[8:] == [2.0] * 9


@pytest.mark.parametrize("schedule", ["constant", "linear", "cyclical", "decreasing"])
@pytest.mark.parametrize("ramp", [0.1, 1.0])
def test_all_end_at_the_end(schedule, ramp):
    assert curve(schedule, ramp=ramp)[-1] == 2.0


def test_start_is_zero_or_for_a_fall_ten_times_the_end():
    for schedule, first in (("linear", 0), ("cyclical", 0), ("decreasing", 20)):
        assert KL(beta=2.0, beta_schedule=schedule).beta_at(0) == first
    assert KL(beta_schedule="linear", beta_start=0.5).beta_at(0) == 0.5


def fading(spent, schedule, length=0.5, slope=20.0):
    return fading_weight(spent, schedule, 10.0, 0.1, length, slope)


def test_sigmoid_fades_about_its_middle():
    assert fading(0.5, "sigmoid") == pytest.approx((10 + 0.1) / 2)
    expected = 0.1 + 9.9 / (1 + np.exp(20 * (0.6 - 0.5)))
    assert fading(0.6, "sigmoid") == pytest.approx(expected)
    assert fading(0.0, "sigmoid") == pytest.approx(10, rel=1e-3)
    assert fading(1.0, "sigmoid") == pytest.approx(0.1, abs=1e-3)


def test_cosine_fades_to_its_end_and_stays():
    assert fading(0.0, "cosine") == 10
    assert fading(0.25, "cosine") == pytest.approx((10 + 0.1) / 2)
    assert fading(0.5, "cosine") == fading(0.9, "cosine") == pytest.approx(0.1)


@pytest.mark.parametrize("schedule", ["sigmoid", "cosine"])
def test_fading_never_grows_however_steep(schedule):
    for slope in (1.0, 1e6):
        weights = [fading(x, schedule, slope=slope) for x in np.linspace(0, 1, 21)]
        assert (np.diff(weights) <= 0).all()


def test_geometric_weight_falls_by_equal_factors_and_stays():
    found = [geometric_weight(x, 1000.0, 1.0, 0.6) for x in (0, 0.2, 0.4, 0.6, 1)]
    np.testing.assert_allclose(found, [1000, 100, 10, 1, 1])


def test_callback_sets_and_logs_the_weight_of_the_moment():
    model = VAE(24, 2, beta=2.0, beta_schedule="linear", beta_ramp=1.0)
    budget = Budget(0.1, max_steps=100, max_seconds=None)
    (kl,) = model.network.terms
    (callback,) = kl.callbacks(budget)
    callback.set_model(model.network)
    callback.on_train_begin()
    assert float(kl.beta_now) == 0
    budget.set_state({"steps": 25, "seconds": 0.0})
    callback.on_train_batch_end(0)
    logs = {}
    callback.on_epoch_end(0, logs)
    assert logs == {"beta": 0.5}
