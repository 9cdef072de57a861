import keras
from keras import ops
import numpy as np
import pytest

from dipy_tractogen.nn import (
    AE,
    VAE,
    AttributeRegularizer,
    LabelRegularizer,
    load_model,
)
from dipy_tractogen.streamlines.conditions import Condition, Conditions

CONDITIONS = Conditions(
    [
        Condition("bundle", ("x", "y", "z")),
        Condition("length", mean=60.0, deviation=10.0, low=40.0, high=80.0),
    ]
)
SMALL = {"hidden_units": (16,)}


def test_loss_is_the_weighted_cross_entropy():
    rng = np.random.default_rng(0)
    one = LabelRegularizer(weight=4.0, final_weight=0.5, hidden_units=())
    one.build_layers(CONDITIONS, 2, 0)
    kernel, bias = rng.normal(size=(2, 3)), rng.normal(size=3)
    one.classifier.set_weights([kernel, bias])
    z, labels = rng.normal(size=(6, 2)).astype("float32"), np.array([0, 2, 1, 1, 0, 2])
    conditions = CONDITIONS.matrix(labels[:, None], np.zeros((6, 1)))
    logits = z @ kernel + bias
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    entropy = -logs[np.arange(6), labels].mean()

    def loss(training):
        found = one.loss({"conditions": conditions}, {"z": z}, training)
        return float(ops.convert_to_numpy(found))

    assert loss(True) == pytest.approx(4 * entropy, rel=1e-5)
    one.weight_now.assign(2.0)
    assert loss(True) == pytest.approx(2 * entropy, rel=1e-5)
    # Held-out losses of all times have the weight of the end.
    assert loss(False) == pytest.approx(entropy / 2, rel=1e-5)
    right = np.mean(logits.argmax(axis=1) == labels)
    assert float(one.accuracy.result()) == pytest.approx(right)


@pytest.mark.parametrize("schedule", ["sigmoid", "cosine"])
def test_weight_falls_from_its_first_to_its_last(schedule):
    one = LabelRegularizer(8.0, 0.01, schedule)
    assert one.weight_at(0.0) == pytest.approx(8, rel=1e-3)
    assert one.weight_at(1.0) == pytest.approx(0.01, abs=1e-3)


def separation(z, labels):
    """Distance of the means of the bundles over the spread within them."""
    means = np.stack([z[labels == code].mean(axis=0) for code in range(7)])
    within = np.mean([z[labels == code].std() for code in range(7)])
    apart = np.linalg.norm(means[:, None] - means[None], axis=-1)
    return apart[np.triu_indices(7, 1)].min() / within


@pytest.fixture(scope="module")
def trainings(arrays):
    """The same training with the regulariser and without."""
    models = {}
    for given in ((), (LabelRegularizer(weight=100.0),)):
        model = VAE(
            24,
            4,
            beta=5.0,
            kl_variant="absolute",
            regularizers=given,
            backbone_options=SMALL,
        )
        model.backbone.steps_per_validation = 10
        model.fit(**arrays, epochs=300, learning_rate=0.01, patience=1.0)
        models[bool(given)] = model
    return models


def test_bundles_come_to_lie_apart(trainings, arrays):
    found = {
        used: separation(model.encode(arrays["held_out"]), arrays["held_out_labels"])
        for used, model in trainings.items()
    }
    assert found[True] > 1.15 * found[False]


def test_weight_and_accuracy_are_in_the_history(trainings):
    rows = trainings[True].record.history
    weights = [row["bundle_weight"] for row in rows]
    assert weights[0] == pytest.approx(100, rel=0.01)
    assert 0 < weights[-1] < 0.01 * weights[0]
    assert (np.diff(weights) <= 0).all()
    assert rows[-1]["bundle_accuracy"] > 0.95
    assert rows[-1]["val_bundle_accuracy"] > 0.9
    assert "bundle_accuracy" not in trainings[False].record.history[-1]


def test_labels_are_not_needed_afterwards(trainings, arrays, tmp_path):
    model = trainings[True]
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        loaded.encode(arrays["held_out"]), model.encode(arrays["held_out"])
    )
    for one, two in zip(loaded.network.weights, model.network.weights, strict=True):
        np.testing.assert_array_equal(one, two, err_msg=one.path)
    np.testing.assert_array_equal(loaded.generate(5)[0], model.generate(5)[0])


def test_one_regulariser_serves_several_models():
    """Each has a classifier of its own."""
    one = LabelRegularizer()
    first, second = (
        AE(24, 2, conditions=CONDITIONS, regularizers=[one], backbone_options=SMALL)
        for _ in range(2)
    )
    assert first.regularizers[0] is not second.regularizers[0]
    assert not one.built
    weights = {id(variable) for variable in first.network.weights}
    assert not weights & {id(variable) for variable in second.network.weights}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weight": 0}, "weight=0"),
        ({"final_weight": -1}, "final_weight=-1"),
        ({"length": 0}, "length=0"),
        ({"slope": np.nan}, "slope=nan"),
        ({"schedule": "linear"}, "accepted are sigmoid, cosine"),
        ({"hidden_units": (8, 0)}, "hidden_units"),
        ({"condition": "length"}, "length is a number"),
        ({"condition": "sex"}, "sex is no condition of the model"),
    ],
)
def test_impossible_regularisers_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        AE(24, 4, conditions=CONDITIONS, regularizers=[LabelRegularizer(**options)])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["label"], "regularizers hold 'label'"),
        (
            [LabelRegularizer(), LabelRegularizer(5.0)],
            "bundle_accuracy, bundle_weight: twice",
        ),
        (
            [AttributeRegularizer({"length": 0}), AttributeRegularizer({"length": 1})],
            "length_loss: twice",
        ),
        ([keras.saving.serialize_keras_object(keras.layers.Dense(3))], "a Dense, "),
        ([{"class_name": "Sparsity"}], "hold a Sparsity, which is not known here"),
    ],
)
def test_what_is_no_regulariser_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        AE(24, 4, regularizers=given)


@pytest.mark.parametrize(
    "options", [{}, {"slope": 10.0, "length": 0.4}, {"schedule": "cosine"}]
)
def test_weight_has_faded_when_the_training_settles(options):
    one = LabelRegularizer(8.0, final_weight=0.0, **options)
    assert 0 < one.settled_after < 1
    assert one.weight_at(one.settled_after) <= 0.08 * (1 + 1e-6)
    assert one.weight_at(0.5 * one.settled_after) > 0.08


def test_training_settles_in_any_case():
    assert LabelRegularizer(length=2.0).settled_after < 1
