"""The contract that every model keeps."""

import random

import numpy as np
import pytest

from dipy_tractogen.nn import load_model


def error(model, points):
    return np.linalg.norm(model.reconstruct(points) - points, axis=-1).mean()


def test_training_learns(make, trained, arrays):
    untrained = make()
    assert error(trained, arrays["held_out"]) < error(untrained, arrays["held_out"]) / 4
    first, last = trained.record.history[0], trained.record.history[-1]
    assert last["val_loss"] < first["val_loss"]
    assert last["learning_rate"] < first["learning_rate"]


def test_shapes_and_types(trained, arrays):
    points = arrays["held_out"]
    z = trained.encode(points)
    assert z.shape == (len(points), trained.latent_dim)
    assert trained.decode(z).shape == points.shape
    assert trained.decode(z, nb_points=7).shape == (len(points), 7, 3)
    assert trained.reconstruct(points).shape == points.shape
    for array in (z, trained.decode(z), trained.reconstruct(points)):
        assert array.dtype == np.float32


def test_streamlines_of_any_number_of_points_are_taken(trained, phantom):
    z = trained.encode(phantom.streamlines)
    assert z.shape == (len(phantom), trained.latent_dim)


def test_no_streamlines_give_empty_arrays(trained, arrays):
    none = arrays["points"][:0]
    assert trained.encode(none).shape == (0, trained.latent_dim)
    assert trained.reconstruct(none).shape == none.shape


def test_stored_direction_does_not_matter(trained, arrays):
    points = arrays["held_out"]
    np.testing.assert_allclose(
        trained.encode(points[:, ::-1]), trained.encode(points), atol=1e-4
    )
    np.testing.assert_allclose(
        trained.reconstruct(points[:, ::-1]),
        trained.reconstruct(points)[:, ::-1],
        atol=1e-3,
    )


def test_generation_gives_what_is_asked(trained):
    names = trained.record.bundle_names
    points, labels = trained.generate(50, bundles=[names[2], names[5]], seed=1)
    assert points.shape == (50, trained.nb_points, 3)
    assert set(labels) == {2, 5}
    assert np.isfinite(points).all()
    _, labels = trained.generate(70, balanced=True)
    np.testing.assert_array_equal(np.bincount(labels), [10] * 7)


def test_generated_streamlines_are_near_their_bundle_and_vary(trained, arrays):
    points, labels = trained.generate(140, seed=0)
    for label in range(7):
        real = arrays["points"][arrays["labels"] == label].mean(axis=(0, 1))
        made = points[labels == label]
        assert np.linalg.norm(made.mean(axis=(0, 1)) - real) < 15
        assert made.std(axis=0).max() > 0.5


def test_seed_fixes_generation(trained):
    first, again, other = (trained.generate(10, seed=seed)[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_seed_fixes_training(make, arrays):
    first, again, other = (make(seed=seed) for seed in (1, 1, 2))
    for model in (first, again):
        model.fit(**arrays, epochs=3)
    weights = [
        np.concatenate([w.ravel() for w in m.get_weights()])
        for m in (first, again, other)
    ]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_file_holds_everything(trained, arrays, tmp_path):
    trained.save(tmp_path / "model.keras")
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]
    loaded = load_model(tmp_path / "model.keras")
    assert loaded.get_config() == trained.get_config()
    np.testing.assert_array_equal(
        loaded.encode(arrays["held_out"]), trained.encode(arrays["held_out"])
    )
    np.testing.assert_array_equal(loaded.generate(9)[0], trained.generate(9)[0])
    for entry in ("bundle_names", "bundle_counts", "history", "versions", "data"):
        assert getattr(loaded.record, entry) == getattr(trained.record, entry)


def test_record_says_what_was_trained(trained, arrays):
    record = trained.record
    assert record.bundle_names == list(arrays["bundle_names"])
    assert sum(record.bundle_counts) == len(arrays["points"])
    assert record.parameters["epochs"] == 150
    assert record.held_out_mm["mean"] == pytest.approx(
        error(trained, arrays["held_out"]), rel=1e-3
    )
    assert 0 < record.truncation_mm < record.held_out_mm["mean"]
    assert 1 <= record.active_units <= trained.latent_dim
    assert record.versions["dipy_tractogen"]
    shortest, longest = record.length_ranges[0]
    assert 20 < shortest < longest < 150


def test_untrained_model_cannot_generate(make):
    with pytest.raises(ValueError, match="not trained"):
        make().generate(5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"nb_points": 1}, "nb_points=1"),
        ({"latent_dim": 0}, "latent_dim=0"),
        ({"backbone": "conw"}, "accepted are spectral, conv"),
        ({"backbone_options": {"depth": 3}}, "depth"),
        ({"backbone_options": {"nb_coefficients": 99}}, "nb_coefficients=99"),
        ({"backbone_options": {"hidden_units": ()}}, "hidden_units"),
    ],
)
def test_impossible_models_are_refused(model_class, options, said):
    with pytest.raises(ValueError, match=said):
        model_class(**{"nb_points": 24, "latent_dim": 4, **options})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"points": np.zeros((4, 9, 3))}, r"expected \(n, 24, 3\)"),
        ({"points": np.zeros((0, 24, 3))}, "n >= 1"),
        ({"points": np.full((4, 24, 3), np.nan)}, "NaN"),
        ({"labels": np.zeros(3)}, "labels have shape"),
        ({"bundle_names": ["one"]}, "one name for each"),
        ({"epochs": 0}, "epochs=0"),
        ({"learning_rate": -1}, "learning_rate=-1"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"max_minutes": np.nan}, "max_minutes=nan"),
        ({"batch_size": 2.5}, "batch_size=2.5"),
        ({"seed": -1}, "seed=-1"),
        ({"held_out_labels": None}, "held_out_labels is missing"),
        ({"bundle_names": [f"b{i}" for i in range(8)]}, "b7, which has no training"),
    ],
)
def test_impossible_trainings_are_refused(make, arrays, changes, said):
    given = {**arrays, **changes}
    if "points" in changes:
        given["labels"] = np.zeros(len(changes["points"]))
    with pytest.raises(ValueError, match=said):
        make().fit(**given)


def test_making_a_model_leaves_the_random_numbers_of_others_alone(make):
    random.seed(5)
    expected = random.random()
    random.seed(5)
    make()
    assert random.random() == expected


def test_held_out_streamlines_of_another_type_are_taken(make, arrays):
    held_out = arrays["held_out"].astype(float)
    model = make()
    model.fit(**{**arrays, "held_out": held_out}, epochs=1)
    assert model.record.held_out_mm["mean"] > 0


def test_latents_of_another_size_are_refused(trained):
    with pytest.raises(ValueError, match=r"expected \(n, 4\)"):
        trained.decode(np.zeros((3, 5)))


def test_convolutional_backbone_is_trained_kept_and_generates(
    on_conv, arrays, tmp_path
):
    model = on_conv()
    before = model.get_weights()
    model.fit(**arrays, epochs=12, batch_size=21)
    last = model.record.history[-1]
    assert last["step"] == 36
    assert np.isfinite(list(last.values())).all()
    assert model.record.truncation_mm == 0
    changed = [not np.array_equal(*pair) for pair in zip(before, model.get_weights())]
    assert np.mean(changed) > 0.9
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    held_out = arrays["held_out"]
    np.testing.assert_array_equal(loaded.encode(held_out), model.encode(held_out))
    assert loaded.reconstruct(held_out).shape == held_out.shape
    assert loaded.generate(6)[0].shape == (6, 24, 3)
