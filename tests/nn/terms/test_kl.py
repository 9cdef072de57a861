import numpy as np

from dipy_tractogen.nn.terms.kl import ACTIVE_VARIANCE, ActiveUnits


def test_dimensions_that_vary_are_counted_over_batches():
    deviations = np.sqrt(ACTIVE_VARIANCE) * np.array([0.0, 0.8, 1.2, 30.0])
    noise = np.random.default_rng(0).normal(size=(4000, 4))
    z_mean = (5 + deviations * noise).astype("float32")
    tracker = ActiveUnits(4)
    for part in np.split(z_mean, (1000, 1500)):
        tracker.update_state(part)
    assert float(tracker.result()) == 2
    tracker.reset_state()
    assert float(tracker.result()) == 0
