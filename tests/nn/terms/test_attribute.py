import numpy as np
import pytest

from dipy_tractogen.nn import VAE, AttributeRegularizer, load_model
from dipy_tractogen.streamlines.conditions import Condition, Conditions

CONDITIONS = Conditions(
    [
        Condition("bundle", ("x", "y")),
        Condition("length", mean=60.0, deviation=10.0, low=40.0, high=80.0),
        Condition("age", mean=50.0, deviation=5.0, low=40.0, high=60.0),
    ]
)


@pytest.fixture(scope="module")
def batch():
    """Latents, and conditions of which two are numbers; some of them are the same."""
    rng = np.random.default_rng(0)
    values = {
        "bundle": ["x", "y", "y", "x", "x"],
        "length": np.array([40.0, 55.0, 55.0, 70.0, 81.0]),
        "age": rng.uniform(40, 60, 5),
    }
    return rng.normal(size=(5, 4)).astype("float32"), CONDITIONS.encode(values)


def loss(given, batch, training=True, **options):
    regularizer = AttributeRegularizer(given, **options)
    regularizer.check_conditions(CONDITIONS, 4)
    regularizer.build_layers(CONDITIONS, 4, 0)
    z, conditions = batch
    term = regularizer.loss({"conditions": conditions}, {"z": z}, training)
    return regularizer, float(term)


def by_definition(z, attribute, form, delta):
    terms = []
    for i in range(len(z)):
        for j in range(len(z)):
            of_z, of_a = z[i] - z[j], attribute[i] - attribute[j]
            if form == "sign":
                of_z, of_a = np.tanh(delta * of_z), np.sign(of_a)
            terms.append(abs(of_z - of_a))
    return np.mean(terms)


@pytest.mark.parametrize("form", ["sign", "difference"])
@pytest.mark.parametrize("delta", [1.0, 7.0])
def test_loss_is_the_mean_over_all_pairs(batch, form, delta):
    z, conditions = batch
    expected = by_definition(z[:, 3], conditions[:, 2], form, delta)
    _, found = loss({"length": 3}, batch, weight=2.0, form=form, delta=delta)
    assert found == pytest.approx(2 * expected, rel=1e-5)


def test_attributes_are_summed_each_on_its_dimension(batch):
    z, conditions = batch
    expected = [
        by_definition(z[:, 2], conditions[:, 2], "difference", 1),
        by_definition(z[:, 0], conditions[:, 3], "difference", 1),
    ]
    # The order of the names does not matter.
    for given in ({"length": 2, "age": 0}, {"age": 0, "length": 2}):
        regularizer, found = loss(given, batch, weight=3.0)
        assert found == pytest.approx(3 * sum(expected), rel=1e-5)
        measured = {one.name: float(one.result()) for one in regularizer.metrics}
        assert measured == pytest.approx(
            {"length_loss": expected[0], "age_loss": expected[1]}
        )


def test_dimension_that_is_the_attribute_costs_nothing(batch):
    z, conditions = batch
    z = z.copy()
    z[:, 1] = conditions[:, 2] + 5
    assert loss({"length": 1}, (z, conditions))[1] == pytest.approx(0, abs=1e-5)
    ordered = loss({"length": 1}, (z, conditions), form="sign", delta=1e3)[1]
    assert ordered == pytest.approx(0, abs=1e-5)


@pytest.fixture(scope="module")
def regular(lines):
    """A VAE some of whose dimensions are the age and the length."""
    model = VAE(
        24,
        4,
        backbone_options={"hidden_units": (32, 32)},
        regularizers=[
            AttributeRegularizer({"age": 2, "length": 0}, weight=200.0),
        ],
    )
    model.backbone.steps_per_validation = 10
    model.fit(**lines, epochs=300, learning_rate=5e-3)
    return model


def test_dimensions_are_the_attributes(regular, lines):
    """Without being told them, for lines that were not trained on."""
    z = regular.encode(lines["held_out"])
    age = lines["held_out_values"]["age"]
    length = np.linalg.norm(lines["held_out"][:, -1] - lines["held_out"][:, 0], axis=-1)
    for dimension, value in ((2, age), (0, length)):
        assert np.corrcoef(z[:, dimension], value)[0, 1] > 0.95
        standardised = (value - value.mean()) / value.std()
        slope = np.polyfit(standardised, z[:, dimension], 1)[0]
        assert slope == pytest.approx(1, abs=0.25)


def test_measures_are_in_the_history_and_begin_anew(regular):
    first, last = regular.record.history[0], regular.record.history[-1]
    for name in ("age_loss", "length_loss", "val_age_loss", "val_length_loss"):
        # A mean over all rounds could not fall so far.
        assert last[name] < first[name] / 3


def test_file_holds_the_regulariser(regular, lines, tmp_path):
    regular.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    (one,) = loaded.regularizers
    assert isinstance(one, AttributeRegularizer)
    assert one.attributes == {"age": 2, "length": 0}
    assert loaded.get_config() == regular.get_config()
    np.testing.assert_array_equal(
        loaded.encode(lines["held_out"]), regular.encode(lines["held_out"])
    )
    assert loaded.generate(5, conditions={"age": 50})[0].shape == (5, 24, 3)


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ({}, {}, "one or more"),
        ({"length": 1, "age": 1}, {}, "dimension of its own"),
        ({"length": 1}, {"weight": 0}, "weight=0"),
        ({"length": 1}, {"delta": np.inf}, "delta=inf"),
        ({"length": 1}, {"form": "ratio"}, "accepted are sign, difference"),
        ({"length": 4}, {}, "dimension 4: give 0 to 3"),
        ({"length": -1}, {}, "dimension -1"),
        ({"bundle": 1}, {}, "bundle is a category"),
        ({"weight": 1}, {}, "weight is no condition of the model"),
    ],
)
def test_impossible_regularisers_are_refused(given, options, said):
    with pytest.raises(ValueError, match=said):
        VAE(
            24,
            4,
            conditions=CONDITIONS,
            regularizers=[AttributeRegularizer(given, **options)],
        )
