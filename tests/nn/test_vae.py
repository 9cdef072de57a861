from keras import ops
import numpy as np
import pytest

from dipy_tractogen.nn import VAE, TrainingDivergedError

SMALL = {"hidden_units": (32,)}


@pytest.fixture(scope="module")
def trainings(arrays):
    """The same training without and with a large beta."""
    models = {}
    for beta in (0.0, 50.0):
        models[beta] = VAE(24, 4, beta=beta, backbone_options=SMALL)
        models[beta].fit(**arrays, epochs=120)
    return models


def posterior(model, points):
    return model.coder.posterior({"features": model.backbone.analyse(points)})


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


def test_deviation_of_every_posterior_starts_at_one(arrays):
    model = VAE(24, 4)
    _, deviation = posterior(model, arrays["points"])
    np.testing.assert_array_equal(deviation, 1)


def test_posterior_stays_finite_far_away():
    model = VAE(24, 4)
    kernel = model.network.posterior.z_log_var.kernel
    kernel.assign(np.ones(kernel.shape))
    far = np.full((2, *model.backbone.feature_shape), 1e6, dtype=np.float32)
    _, deviation = model.coder.posterior({"features": far})
    assert np.isfinite(deviation).all()


def test_call_takes_points_or_features(trainings, arrays):
    model, points = trainings[0.0], arrays["points"][:5]
    from_points = model.network(points)
    from_features = model.network({"features": model.backbone.analyse(points)})
    one, two = (ops.convert_to_numpy(o["points"]) for o in (from_points, from_features))
    np.testing.assert_allclose(one, two, atol=1e-3)
    assert from_points["points"].shape == points.shape


def batch(arrays, model, nb_streamlines=20):
    points = arrays["points"][:nb_streamlines]
    return points, model.network(points)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, lambda mm: 4 * np.mean(mm**2, axis=1)),
        ({"sigma_mm": 2.0}, lambda mm: np.mean(mm**2, axis=1)),
        ({"reduction": "sum"}, lambda mm: 0.5 * np.sum(mm**2, axis=1)),
        ({"reconstruction": "absolute"}, lambda mm: 8 * np.mean(mm, axis=1)),
        (
            {"reconstruction": "absolute", "reduction": "mean", "sigma_mm": 0.5},
            lambda mm: np.mean(mm / 0.5, axis=1),
        ),
        (
            {"reconstruction": "huber", "huber_mm": 1e6},
            lambda mm: 4 * np.mean(mm**2, axis=1),
        ),
        (
            {"reconstruction": "huber", "huber_mm": 0.01},
            lambda mm: 8 * np.mean(0.01 * (mm - 0.005), axis=1),
        ),
    ],
)
def test_error_in_nats_follows_from_the_points_in_mm(arrays, options, expected):
    model = VAE(24, 4, backbone_options={"nb_coefficients": 24}, **options)
    network = model.network
    network.standardise.adapt(model.backbone.analyse(arrays["points"]))
    points, outputs = batch(arrays, model)
    mm = np.linalg.norm(points - ops.convert_to_numpy(outputs["points"]), axis=-1)
    features = network.features_of(points)
    nats = network.reconstruction.loss(features, outputs, network.synthesis, 24)
    assert float(nats) == pytest.approx(np.mean(expected(mm)), rel=1e-3)


def test_few_points_far_off_move_a_robust_error_less(arrays):
    """One streamline of seven goes astray, and the others are what counts."""
    rng = np.random.default_rng(0)
    points = arrays["points"].copy()
    stray = np.arange(len(points)) % 7 == 0
    points[stray] += rng.normal(0, 60, size=(stray.sum(), 1, 3)).astype("float32")
    error = {}
    for kind in ("squared", "absolute", "huber"):
        model = VAE(24, 2, reconstruction=kind, backbone_options=SMALL)
        model.fit(points, arrays["labels"], arrays["bundle_names"], epochs=150)
        straight = points[~stray]
        mm = np.linalg.norm(model.reconstruct(straight) - straight, axis=-1)
        error[kind] = np.median(mm)
    assert error["absolute"] < 0.95 * error["squared"]
    assert error["huber"] < 0.95 * error["squared"]


def test_collapse_is_said_and_free_bits_prevent_it(arrays, caplog):
    models, said = [], []
    for free_bits in (0.0, 0.5):
        model = VAE(24, 4, beta=1e4, free_bits=free_bits, backbone_options=SMALL)
        caplog.clear()
        model.fit(**arrays, epochs=120, learning_rate=0.01)
        models.append(model)
        said.append("collapsed" in caplog.text)
    assert said == [True, False]
    assert [model.record.active_units for model in models] == [0, 4]
    assert models[0].generate(3)[0].shape == (3, 24, 3)
    assert last(models[1], "kl") >= 4 * 0.5 * 0.9


def test_absolute_variant_leaves_the_latents_of_bundles_apart(trainings, arrays):
    model = VAE(24, 4, beta=50.0, kl_variant="absolute", backbone_options=SMALL)
    model.fit(**arrays, epochs=120)
    absolute, squared = (
        each.encode(arrays["points"]).std() for each in (model, trainings[50.0])
    )
    assert absolute > 1.2 * squared


def test_schedule_is_followed_and_does_not_touch_the_held_out_loss(arrays):
    model = VAE(
        24,
        4,
        beta=2.0,
        beta_schedule="cyclical",
        backbone_options=SMALL,
    )
    model.backbone.steps_per_validation = 1
    model.fit(**arrays, epochs=16, batch_size=63)
    betas = [row["beta"] for row in model.record.history]
    np.testing.assert_allclose(betas, [1, 2, 2, 0, 1, 2, 2, 0, 1, 2, 2, 0, 1, 2, 2, 2])
    for row in model.record.history:
        # With the last weight of the KL divergence, whatever that in training was.
        nats = row["val_loss"] - 2 * row["val_kl"]
        assert nats >= 4 * row["val_reconstruction_mm"] ** 2 * 0.999


def test_weight_of_the_moment_counts_in_training_only(arrays):
    model = VAE(24, 4, beta=2.0)
    (kl_term,) = model.network.terms
    kl_term.beta_now.assign(7.0)
    points, outputs = batch(arrays, model)
    outputs["z_mean"] = outputs["z_mean"] + 1.0
    kl = 4 * 0.5 * np.mean(ops.convert_to_numpy(outputs["z_mean"]) ** 2)
    training, held_out = (
        float(model.network.compute_loss(points, y_pred=outputs, training=training))
        for training in (True, False)
    )
    assert training - held_out == pytest.approx((7 - 2) * kl, rel=1e-3)


def test_without_noise_training_reconstructs_as_afterwards(arrays):
    for epsilon_std, same in ((1.0, False), (0.0, True)):
        model = VAE(24, 4, epsilon_std=epsilon_std)
        points = arrays["points"][:5]
        drawn, means = (
            ops.convert_to_numpy(model.network(points, training=mode)["points"])
            for mode in (True, False)
        )
        assert np.allclose(drawn, means, atol=1e-4) == same


def test_variances_may_start_at_random(arrays):
    model = VAE(24, 4, zero_log_var=False)
    _, deviation = posterior(model, arrays["points"])
    assert deviation.std() > 0.01


def test_measures_are_apart_in_the_history(trainings):
    row = trainings[0.0].record.history[-1]
    assert {"loss", "reconstruction_mm", "kl", "active_units", "beta"} <= set(row)
    assert row["val_active_units"] == trainings[0.0].record.active_units == 4


PLAIN = {"log_var_limit": None, "zero_log_var": False}


@pytest.fixture
def in_millimetres(phantom):
    """Train as the prototypes did: on points in mm as they are, not standardised."""

    def train(**options):
        model = VAE(256, 16, **options)
        model.network.standardise.adapt = lambda features: None
        points = phantom.resample(256)
        model.fit(points, phantom.labels, phantom.bundle_names, epochs=3)
        return model

    return train


def test_plain_exponential_loses_a_training(in_millimetres):
    with pytest.raises(TrainingDivergedError, match=r"became (nan|inf)"):
        in_millimetres(**PLAIN)


@pytest.mark.parametrize(
    "options",
    [{}, {**PLAIN, "log_var_limit": 10.0}, {**PLAIN, "deviation": "softplus"}],
    ids=["defaults", "limit", "softplus"],
)
def test_remedies_save_the_same_training(in_millimetres, options):
    model = in_millimetres(**options)
    assert np.isfinite([row["loss"] for row in model.record.history]).all()
    assert np.isfinite(model.generate(5)[0]).all()


@pytest.mark.parametrize(
    "options",
    [
        {"beta": -1},
        {"beta": np.nan},
        {"sigma_mm": 0},
        {"sigma_mm": np.inf},
        {"reduction": "median"},
        {"reconstruction": "cubic"},
        {"huber_mm": 1.0},
        {"huber_mm": 0.0, "reconstruction": "huber"},
        {"beta_schedule": "random"},
        {"beta_start": -1},
        {"beta_ramp": 0},
        {"beta_ramp": 1.5},
        {"beta_cycles": 0},
        {"free_bits": -0.1},
        {"kl_variant": "cubic"},
        {"deviation": "square"},
        {"log_var_limit": 0},
        {"epsilon_std": np.inf},
    ],
)
def test_impossible_parameters_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        VAE(24, 4, **options)
