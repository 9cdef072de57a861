"""Adversarial training: who learns from what, priors, and what is watched."""

from keras import ops
import numpy as np
import pytest

from dipy_tractogen.nn import (
    AAE,
    AttributeRegularizer,
    LabelRegularizer,
    load_model,
)
from dipy_tractogen.nn.backend import backend_name
from dipy_tractogen.streamlines.conditions import Condition, Conditions
from dipy_tractogen.streamlines.geometry import lengths

from .compilation import watch_compilation
from .gradients import gradients_of

CONDITIONS = Conditions(
    [
        Condition("bundle", ("x", "y")),
        Condition("length", mean=60.0, deviation=10.0, low=40.0, high=80.0),
    ]
)
LOSSES = ("bce", "wasserstein")


def made(latent_dim=2, **options):
    return AAE(
        24,
        latent_dim,
        **{
            "conditions": CONDITIONS,
            "discriminator_units": (16,),
            "backbone_options": {"hidden_units": (16,)},
            **options,
        },
    )


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    points = rng.normal(0, 20, (32, 24, 3)).astype("float32")
    values = {"bundle": ["x", "y"] * 16, "length": lengths(points)}
    return {"points": points, "conditions": CONDITIONS.encode(values)}


def sample_prior(model, batch):
    adversary = model.adversary
    return np.asarray(
        adversary.sample_prior(batch["conditions"], adversary.seed_generator)
    )


def gradients(model, batch, training=True):
    """Gradients of the loss, with the same noise each time, by the part of a model."""
    network = model.network
    model.adversary.seed_generator.state.assign([5, 0])
    network.posterior.draw.seed_generator.state.assign([7, 0])
    networks = {
        "encoder": network.encoder,
        "decoder": network.decoder,
        "discriminator": model.adversary.discriminator,
    }

    def loss():
        outputs = network(batch, training=True)
        return network.compute_loss(batch, y_pred=outputs, training=training)

    found = {}
    for name, each in networks.items():
        parts = gradients_of(loss, each.trainable_weights)
        found[name] = np.concatenate([np.ravel(part) for part in parts])
    return found


@pytest.mark.parametrize("loss", LOSSES)
def test_each_learns_from_its_own_part_of_the_loss(batch, loss):
    """Only the encoder feels how hard the discriminator is misled."""
    weak, strong, plain = (
        gradients(made(adversarial_loss=loss, adversarial_weight=w), batch, training)
        for w, training in ((1e-6, True), (1e3, True), (1.0, False))
    )
    np.testing.assert_allclose(
        weak["discriminator"], strong["discriminator"], rtol=1e-4, atol=1e-6
    )
    assert np.abs(weak["discriminator"]).max() > 1e-3
    assert not plain["discriminator"].any()
    # What the discriminator minimises does not reach the encoder.
    size = np.abs(plain["encoder"]).max()
    np.testing.assert_allclose(weak["encoder"], plain["encoder"], atol=1e-5 * size)
    assert not np.allclose(strong["encoder"], plain["encoder"], atol=1e-3 * size)
    size = np.abs(plain["decoder"]).max()
    np.testing.assert_allclose(strong["decoder"], plain["decoder"], atol=1e-5 * size)


def test_losses_follow_their_formulas(batch):
    """Logistic losses of a discriminator that gives the same score to all."""
    model = made(adversarial_loss="bce")
    *_, last = model.adversary.discriminator.layers
    last.kernel.assign(np.zeros(last.kernel.shape))
    last.bias.assign([0.7])
    outputs = model.network(batch, training=True)
    held_out, training = (
        float(model.network.compute_loss(batch, y_pred=outputs, training=mode))
        for mode in (False, True)
    )
    softplus = np.log1p(np.exp([0.7, -0.7]))
    expected = softplus.sum() + 3.0 * softplus[1]
    assert training - held_out == pytest.approx(expected, abs=1e-3 * held_out)
    trackers = model.adversary.discriminator_tracker, model.adversary.misleading_tracker
    found = [float(tracker.result()) for tracker in trackers]
    assert found == pytest.approx([softplus.sum(), softplus[1]])


def test_penalty_is_for_slopes_that_are_not_one(batch):
    """A linear discriminator has the same slope everywhere."""
    terms = []
    for size in (1.0, 3.0):
        model = made(adversarial_loss="wasserstein", discriminator_units=())
        kernel = np.zeros((5, 1), dtype="float32")
        kernel[:2, 0] = 0.6 * size, 0.8 * size
        model.adversary.discriminator.layers[-1].kernel.assign(kernel)
        z = ops.zeros((32, 2))
        conditions = ops.convert_to_tensor(batch["conditions"])
        loss = model.adversary._discriminator_loss(z, z, conditions)
        terms.append(float(loss))
    assert terms == pytest.approx([0, 10 * (3 - 1) ** 2], abs=1e-4)


def test_draws_of_the_prior_are_not_the_noise_of_the_latents(batch):
    model = made()
    nothing = np.zeros((32, 2))
    noise = model.network.posterior.draw((nothing, nothing), training=True)
    drawn = sample_prior(model, batch)
    correlation = np.corrcoef(np.ravel(noise), np.ravel(drawn))[0, 1]
    assert abs(correlation) < 0.5


def test_prior_of_a_line_is_that_of_its_bundle(batch):
    model = made(prior="mixture")
    drawn = sample_prior(model, batch)
    for bundle in (0, 1):
        middle = drawn[bundle::2].mean(axis=0)
        np.testing.assert_allclose(middle, model.adversary._prior.means[bundle], atol=1)


@pytest.fixture(scope="module", params=LOSSES)
def adversarial(request, lines):
    """Trained with both regularisers, by Wasserstein's loss in compiled steps."""
    model = made(
        conditions=None,
        adversarial_loss=request.param,
        prior="swiss_roll",
        regularizers=[
            LabelRegularizer(condition="group", hidden_units=(8,)),
            AttributeRegularizer({"age": 0}),
        ],
    )
    if request.param == "wasserstein":
        model.backbone.steps_worth_compiling = 1
    model.backbone.steps_per_call = 10
    model.backbone.steps_per_validation = 50
    model.compilation = watch_compilation(model)
    model.fit(**lines, epochs=100, learning_rate=5e-3)
    return model


def test_training_is_followed(adversarial):
    compiles = {
        "tensorflow": adversarial.get_config()["adversarial_loss"] == "wasserstein",
        "jax": True,
        "torch": False,
    }
    assert adversarial.compilation.is_used == compiles[backend_name()]
    first, last = (adversarial.record.history[row] for row in (0, -1))
    assert last["val_reconstruction_mm"] < first["val_reconstruction_mm"]
    assert last["group_weight"] < 0.01 < 5 < first["group_weight"]
    assert {"discriminator", "misleading", "coverage", "prior_coverage"} <= set(last)
    assert "val_discriminator" not in last or last["val_discriminator"] == 0
    assert all(np.isfinite(list(row.values())).all() for row in (first, last))
    assert last["coverage"] > 0.2


def test_file_holds_adversary_and_regularisers(adversarial, tmp_path):
    adversarial.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert loaded.get_config() == adversarial.get_config()
    weights = loaded.network.weights, adversarial.network.weights
    for one, two in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, two, err_msg=one.path)
    asked = {"age": (45, 50), "group": "patient"}
    np.testing.assert_array_equal(
        loaded.generate(9, conditions=asked)[0],
        adversarial.generate(9, conditions=asked)[0],
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"prior": "uniform"}, "accepted are normal, mixture, swiss_roll"),
        ({"adversarial_loss": "hinge"}, "accepted are bce, wasserstein, mmd"),
        ({"adversarial_weight": 0}, "adversarial_weight=0"),
        ({"adversarial_start": 0.5}, "adversarial_start=0.5"),
        ({"gradient_penalty": -1}, "gradient_penalty=-1"),
        ({"discriminator_units": (16, 0)}, "discriminator_units"),
        ({"prior": "swiss_roll", "latent_dim": 3}, "latent_dim=3"),
    ],
)
def test_impossible_options_are_refused(options, said):
    for conditions in (None, CONDITIONS):
        with pytest.raises(ValueError, match=said):
            made(**{**options, "conditions": conditions})
