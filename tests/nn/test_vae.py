import numpy as np
import pytest

from dipy_tractogen.nn import VAE


@pytest.fixture(scope="module")
def trainings(arrays):
    """The same training without and with a large beta."""
    models = {}
    for beta in (0.0, 50.0):
        models[beta] = VAE(24, 4, beta=beta, backbone_options={"hidden_units": (32,)})
        models[beta].fit(**arrays, epochs=120)
    return models


def last(model, name):
    return model.record.history[-1][name]


def test_beta_trades_reconstruction_for_kl(trainings):
    kl = [last(trainings[beta], "kl") for beta in (0.0, 50.0)]
    mm = [last(trainings[beta], "val_reconstruction_mm") for beta in (0.0, 50.0)]
    assert kl[0] > 1.5 * kl[1]
    assert mm[0] < mm[1]


def test_loss_is_the_sum_of_its_terms(trainings, arrays):
    """The reconstruction term follows from the loss, the KL and beta."""
    for beta in (0.0, 50.0):
        row = trainings[beta].record.history[-1]
        nats = row["val_loss"] - beta * row["val_kl"]
        # The mean of squares is at least the square of the mean.
        assert nats >= 8 / 2 * row["val_reconstruction_mm"] ** 2 * 0.999


def test_collapse_is_said(arrays, caplog):
    model = VAE(24, 4, beta=1e9, backbone_options={"hidden_units": (8,)})
    model.fit(**arrays, epochs=100, learning_rate=0.01)
    assert model.record.active_units == 0
    assert "collapsed" in caplog.text
    assert model.generate(3)[0].shape == (3, 24, 3)


def test_deviation_of_every_posterior_starts_at_one(arrays):
    model = VAE(24, 4)
    _, deviation = model.posterior_of(model.backbone.analyse(arrays["points"]))
    np.testing.assert_array_equal(deviation, 1)


def test_posterior_stays_finite_far_away():
    model = VAE(24, 4)
    model.z_log_var.kernel.assign(np.ones(model.z_log_var.kernel.shape))
    far = np.full((2, *model.backbone.feature_shape), 1e6, dtype=np.float32)
    _, deviation = model.posterior_of(far)
    assert np.isfinite(deviation).all()


def test_call_takes_points_or_features(trainings, arrays):
    model, points = trainings[0.0], arrays["points"][:5]
    from_points = model(points)
    from_features = model({"features": model.backbone.analyse(points)})
    np.testing.assert_allclose(
        from_points["points"], from_features["points"], atol=1e-3
    )
    assert from_points["points"].shape == points.shape


@pytest.mark.parametrize(
    "options",
    [
        {"beta": -1},
        {"beta": np.nan},
        {"sigma_mm": 0},
        {"sigma_mm": np.inf},
        {"reduction": "median"},
    ],
)
def test_impossible_parameters_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        VAE(24, 4, **options)
