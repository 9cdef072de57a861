"""Lines whose length the encoder finds, and the latents follow."""

from keras import ops
import numpy as np
import pytest

from dipy_tractogen.metrics.disentanglement import latent_units
from dipy_tractogen.nn import RVAE, load_model
from dipy_tractogen.nn.losses import normal_kl
from dipy_tractogen.streamlines.conditions import Condition, Conditions
from dipy_tractogen.streamlines.geometry import lengths

NETWORK = {"hidden_units": (32, 32)}
CONDITIONS = Conditions(
    [
        Condition("bundle", ("x", "y")),
        Condition("length", mean=60.0, deviation=10.0, low=40.0, high=80.0),
    ]
)


@pytest.fixture(scope="module")
def rvae(lines):
    model = RVAE(24, 4, attribute="age", backbone_options=NETWORK)
    model.fit(**lines, epochs=400, learning_rate=5e-3)
    return model


def explained(real, predicted):
    return 1 - np.mean((real - predicted) ** 2) / np.var(real)


def test_attribute_of_unseen_lines_is_predicted(rvae, lines):
    points, age = lines["held_out"], lines["held_out_values"]["age"]
    mean, deviation = rvae.predict_attribute(points)
    assert mean.shape == deviation.shape == age.shape
    assert explained(age, mean) > 0.98
    assert (deviation > 0).all()
    np.testing.assert_allclose(
        rvae.predict_attribute(points[:, ::-1])[0], mean, atol=1e-2
    )


def test_direction_turns_to_where_latents_grow_with_the_attribute(rvae, lines):
    regression, _ = rvae.network.terms[::-1]
    direction, z = np.asarray(regression.direction), rvae.encode(lines["held_out"])
    age = lines["held_out_values"]["age"]
    growth = ((z - z.mean(axis=0)) * (age - age.mean())[:, None]).mean(axis=0)
    cosine = direction @ growth / np.linalg.norm(direction) / np.linalg.norm(growth)
    assert cosine > 0.5
    assert np.corrcoef(z @ direction, age)[0, 1] > 0.4


def test_generation_at_one_attribute_varies_in_all_else(rvae):
    points, _ = rvae.generate(200, "x", conditions={"age": 50}, seed=1)
    assert points[..., 2].mean() == pytest.approx(50, abs=1)
    assert lengths(points).std() > 5
    assert points[..., 0].mean(axis=1).std() > 1.5


def test_error_of_the_attribute_is_in_the_history(rvae):
    first, last = rvae.record.history[0], rvae.record.history[-1]
    assert last["val_attribute_error"] < first["val_attribute_error"] / 2


def made(**options):
    return RVAE(24, 3, conditions=CONDITIONS, backbone_options=NETWORK, **options)


def inputs(nb_lines=30):
    rng = np.random.default_rng(0)
    points = rng.normal(0, 20, (nb_lines, 24, 3)).astype("float32")
    values = {"bundle": ["x", "y"] * (nb_lines // 2), "length": lengths(points)}
    return {"points": points, "conditions": CONDITIONS.encode(values)}


def test_prior_is_about_the_attribute_along_a_unit_vector():
    network, given = made().network, inputs()
    kl, regression = network.terms
    regression.prior_log_var.assign(0.7)
    unit = np.array([2, 1, -2], dtype="float32") / 3
    for size in (0.01, 5.0):
        regression.direction.assign(size * unit)
        outputs = network(given)
        mean = outputs["r_mean"] * ops.convert_to_tensor(unit)
        expected = normal_kl(outputs["z_mean"], outputs["z_log_var"], mean, 0.7)
        found = ops.convert_to_numpy(kl.divergence(outputs))
        expected = ops.convert_to_numpy(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_loss_has_the_likelihood_of_the_attribute():
    """A weight more adds the term, in standardised units."""
    given = inputs()
    one, two = made(attribute_weight=1.0), made(attribute_weight=3.0)
    outputs = {**one.network(given), "r_log_var": ops.full((30, 1), 0.5)}
    tensors = {name: ops.convert_to_tensor(each) for name, each in given.items()}
    losses = [
        float(model.network.compute_loss(tensors, y_pred=outputs, training=False))
        for model in (one, two)
    ]
    error = ops.convert_to_numpy(outputs["r_mean"]) - given["conditions"][:, 2:]
    term = np.mean(error**2 / (2 * np.exp(0.5)) + 0.5 / 2)
    assert losses[1] - losses[0] == pytest.approx(2 * term, rel=1e-3)


@pytest.mark.filterwarnings("ignore:You are saving a model that has not")
def test_untrained_file_keeps_the_attribute(tmp_path):
    RVAE(24, 3, attribute="age", attribute_weight=2.0).save(tmp_path / "new.keras")
    model = load_model(tmp_path / "new.keras")
    assert (model.attribute, model.attribute_weight) == ("age", 2.0)
    with pytest.raises(ValueError, match="not trained"):
        model.predict_attribute(np.zeros((2, 24, 3)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"attribute_weight": 0}, "attribute_weight=0"),
        ({"kl_variant": "absolute"}, "kl_variant='absolute'"),
        ({"attribute": "bundle"}, "bundle is a category"),
        ({"attribute": "age"}, "age is no condition of the model; it has bundle, len"),
    ],
)
def test_impossible_options_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        made(**options)


def test_model_stays_usable_after_data_that_do_not_fit(lines):
    model = RVAE(24, 3, attribute="group", backbone_options={"hidden_units": (8,)})
    with pytest.raises(ValueError, match="group is a category"):
        model.fit(**lines, epochs=1)
    assert model.conditions is None
    assert not model.network.variables


def test_divergence_is_measured_from_the_prior_of_the_predicted_attribute(rvae, lines):
    points = lines["held_out"]
    kl, _ = rvae.network.terms
    encoded = rvae.encode_and_decode(points)
    mean, deviation = rvae.prior_of(points)
    outputs = {
        "z_mean": encoded["z_mean"],
        "z_log_var": 2 * np.log(encoded["deviation"]),
        "prior_mean": mean.astype("float32"),
        "prior_log_var": np.float32(2 * np.log(deviation)),
    }
    expected = np.asarray(kl.divergence(outputs)).mean(axis=0)
    units = latent_units(encoded["z_mean"], encoded["deviation"], rvae.prior_of(points))
    np.testing.assert_allclose(units["kl"], expected, rtol=1e-3, atol=1e-4)
