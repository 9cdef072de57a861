"""The contract that every model keeps."""

import json
import random
import zipfile

import h5py
import numpy as np
import pytest

from dipy_tractogen.nn import AAE, AE, CVAE, RVAE, load_model
from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.geometry import lengths
from dipy_tractogen.streamlines.reference import Reference


def error(model, points, values):
    made = model.reconstruct(points, values)
    return np.linalg.norm(made - points, axis=-1).mean()


def test_training_learns(trained, arrays, known):
    """Against the mean of all, which is what knows nothing of a streamline."""
    points = arrays["held_out"]
    guess = np.linalg.norm(arrays["points"].mean(axis=0) - points, axis=-1).mean()
    assert error(trained, points, known) < guess / 4
    first, last = trained.record.history[0], trained.record.history[-1]
    assert last["val_loss"] < first["val_loss"]
    assert last["learning_rate"] < first["learning_rate"]


def test_shapes_and_types(trained, arrays, known):
    points = arrays["held_out"]
    z = trained.encode(points, known)
    given = {**known, "length": lengths(points)}
    decoded, short = (trained.decode(z, number, values=given) for number in (None, 7))
    assert z.shape == (len(points), trained.latent_dim)
    assert decoded.shape == points.shape
    assert short.shape == (len(points), 7, 3)
    assert trained.reconstruct(points, known).shape == points.shape
    for array in (z, decoded, trained.reconstruct(points, known)):
        assert array.dtype == np.float32
    # What is decoded from latents and conditions is the reconstruction, either way.
    made = trained.reconstruct(points, known)
    ways = [abs(decoded - way).max(axis=(1, 2)) for way in (made, made[:, ::-1])]
    assert np.min(ways, axis=0).max() < 1e-3


def test_encoding_and_decoding_at_once(trained, arrays, known):
    points = arrays["held_out"]
    both = trained.encode_and_decode(points, known)
    np.testing.assert_allclose(both["z_mean"], trained.encode(points, known), atol=1e-5)
    made = trained.reconstruct(points, known)
    np.testing.assert_allclose(both["points"], made, atol=1e-3)
    # All but the plain autoencoder have a distribution of the latents.
    assert ("deviation" in both) == (trained.network.posterior is not None)
    if "deviation" in both:
        assert both["deviation"].shape == both["z_mean"].shape
        assert (both["deviation"] > 0).all()


def test_streamlines_of_any_number_of_points_are_taken(trained, phantom):
    values = {"bundle": np.array(phantom.bundle_names)[phantom.labels]}
    z = trained.encode(phantom.streamlines, values)
    assert z.shape == (len(phantom), trained.latent_dim)


def test_no_streamlines_give_empty_arrays(trained, arrays):
    none = arrays["points"][:0]
    values = {"bundle": np.zeros(0, dtype=str)}
    assert trained.encode(none, values).shape == (0, trained.latent_dim)
    assert trained.reconstruct(none, values).shape == none.shape


def test_stored_direction_does_not_matter(trained, arrays, known):
    points = arrays["held_out"]
    np.testing.assert_allclose(
        trained.encode(points[:, ::-1], known), trained.encode(points, known), atol=1e-4
    )
    np.testing.assert_allclose(
        trained.reconstruct(points[:, ::-1], known),
        trained.reconstruct(points, known)[:, ::-1],
        atol=1e-3,
    )


def test_conditions_that_the_networks_read_must_be_told(trained, arrays, known):
    points = arrays["held_out"]
    if not trained.conditions_in_networks:
        np.testing.assert_array_equal(
            trained.encode(points), trained.encode(points, known)
        )
        return
    with pytest.raises(ValueError, match="values of bundle are missing"):
        trained.encode(points)
    with pytest.raises(ValueError, match="values of bundle are missing"):
        trained.decode(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="bundle x is not in the model; it has"):
        trained.encode(points, {"bundle": np.repeat("x", len(points))})
    with pytest.raises(ValueError, match="values of 3 streamlines"):
        trained.encode(points, {"bundle": known["bundle"][:3], "length": np.ones(3)})
    with pytest.raises(ValueError, match="NaN"):
        trained.encode(points, {**known, "length": np.full(len(points), np.nan)})


def test_points_that_are_not_finite_are_refused(trained, arrays, known):
    points = arrays["held_out"].copy()
    points[3, 8] = np.nan
    said = f"1 of {len(points)} streamlines have points that are NaN or infinite"
    for use in (trained.encode, trained.mean_streamline):
        for given in (points, points[:, ::2]):
            with pytest.raises(ValueError, match=said):
                use(given, known)


def kernels(model):
    return np.concatenate([w.numpy().ravel() for w in model.network.trainable_weights])


def test_seed_fixes_the_weights(make, trained):
    first, again, other = (
        kernels(make(seed=seed, conditions=trained.conditions)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


# Two trainings of the others are compared in test_checkpoint.py.
@pytest.mark.parametrize("model_class", [RVAE], scope="session")
def test_seed_fixes_training(make, trained, arrays):
    again = make()
    again.fit(**arrays, epochs=150)
    np.testing.assert_array_equal(kernels(trained), kernels(again))


def test_file_holds_everything(trained, arrays, known, tmp_path):
    trained.save(tmp_path / "model.keras")
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]
    loaded = load_model(tmp_path / "model.keras")
    assert loaded.get_config() == trained.get_config()
    assert len(loaded.network.weights) == len(trained.network.weights)
    for one, two in zip(loaded.network.weights, trained.network.weights):
        np.testing.assert_array_equal(one, two, err_msg=one.path)
    held_out = arrays["held_out"]
    np.testing.assert_array_equal(
        loaded.encode(held_out, known), trained.encode(held_out, known)
    )
    np.testing.assert_array_equal(loaded.generate(9)[0], trained.generate(9)[0])
    entries = ("bundle_names", "bundle_counts", "conditions", "history", "versions")
    for entry in (*entries, "data"):
        assert getattr(loaded.record, entry) == getattr(trained.record, entry)


def test_file_has_no_state_of_the_optimiser(trained, tmp_path):
    trained.save(tmp_path / "model.keras")
    with (
        zipfile.ZipFile(tmp_path / "model.keras") as archive,
        archive.open("model.weights.h5") as stream,
        h5py.File(stream, "r") as weights,
    ):
        found = []
        weights.visit(found.append)
        assert json.loads(archive.read("config.json"))["compile_config"] == {}
    assert any(name.startswith("decoder") for name in found)
    assert not any("optimizer" in name for name in found)


def test_variables_are_tracked_once(trained):
    paths = [variable.path for variable in trained.network.variables]
    assert len(set(paths)) == len(paths)
    assert len({id(variable) for variable in trained.network.variables}) == len(paths)


def test_record_says_what_was_trained(trained, arrays, known):
    record = trained.record
    assert record.bundle_names == list(arrays["bundle_names"])
    assert sum(record.bundle_counts) == len(arrays["points"])
    assert record.parameters["epochs"] == 150
    assert record.held_out_mm["mean"] == pytest.approx(
        error(trained, arrays["held_out"], known), rel=1e-3
    )
    assert 0 < record.truncation_mm < record.held_out_mm["mean"]
    assert 1 <= record.active_units <= trained.latent_dim
    assert record.versions["dipy_tractogen"]
    shortest, longest = record.length_ranges[0]
    assert 20 < shortest < longest < 150


def test_untrained_model_cannot_generate(make, arrays):
    model = make()
    with pytest.raises(ValueError, match="not trained"):
        model.generate(5)
    if model.reads_conditions:
        for use, given in (
            (model.encode, arrays["points"]),
            (model.reconstruct, arrays["points"]),
            (model.decode, np.zeros((2, 4))),
        ):
            with pytest.raises(ValueError, match="not trained"):
                use(given)


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
        ({"labels": np.zeros(0)}, "labels have shape"),
        ({"labels": np.full(63, -1)}, "labels hold -1"),
        ({"labels": np.full(63, 0.5)}, "labels hold 0.5"),
        ({"labels": np.repeat("one", 63)}, "labels hold one"),
        ({"bundle_names": ["one"]}, "one name for each"),
        ({"bundle_names": [*"abcdef", "a"]}, "each name once"),
        ({"epochs": 0}, "epochs=0"),
        ({"learning_rate": -1}, "learning_rate=-1"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"max_minutes": np.nan}, "max_minutes=nan"),
        ({"batch_size": 2.5}, "batch_size=2.5"),
        ({"seed": -1}, "seed=-1"),
        ({"held_out_labels": None}, "held_out_labels is missing"),
        ({"bundle_names": [f"b{i}" for i in range(8)]}, "b7, which has no training"),
        ({"values": {"age": np.full(63, np.nan)}}, "age holds NaN"),
        ({"values": {"age": np.zeros(62)}}, "age have shape"),
        ({"values": {"sex": np.full(63, "")}}, "sex holds empty text"),
        ({"values": {"sex": np.array(["f", None] * 31 + ["m"])}}, "no numbers"),
    ],
)
def test_impossible_trainings_are_refused(make, arrays, changes, said):
    given = {**arrays, **changes}
    if "points" in changes:
        given["labels"] = np.zeros(len(changes["points"]))
        given["bundle_names"] = ["one"]
    with pytest.raises(ValueError, match=said):
        make().fit(**given)


def test_making_a_model_leaves_the_random_numbers_of_others_alone(make):
    random.seed(5)
    expected = random.random()
    random.seed(5)
    make()
    assert random.random() == expected


# Without and with conditions in the networks, and with an adversary that reads them.
@pytest.mark.parametrize("model_class", [AE, CVAE, AAE], scope="session")
def test_further_conditions_of_any_type_are_kept(make, arrays, tmp_path):
    """Text in arrays of objects, whole numbers, small labels, held-out doubles."""
    ages, sexes = np.arange(84) % 5 + 30, np.array(["m", "f"] * 42, dtype=object)
    given = {
        **arrays,
        "labels": arrays["labels"].astype(np.uint8),
        "held_out": arrays["held_out"].astype(float),
        "values": {"age": ages[:63], "sex": sexes[:63], "site": ["one"] * 63},
        "units": {"age": "years"},
        "held_out_values": {"age": ages[63:], "sex": sexes[63:], "site": ["one"] * 21},
    }
    model = make()
    model.fit(**given, epochs=1)
    assert model.record.held_out_mm["mean"] > 0
    asked = {"age": 31, "sex": "f", "length": (40, 60)}
    points, _, values = model.generate(8, conditions=asked, return_values=True)
    np.testing.assert_allclose(values["age"], 31, rtol=1e-6)
    assert not values["sex"].any()
    lengths = values["asked_length"]
    assert ((lengths > 39.9) & (lengths < 60.1)).all()
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras").generate(8, conditions=asked)[0]
    np.testing.assert_array_equal(again, points)
    age = model.record.density.conditions["age"]
    assert age.describe() == "age: 30 to 34 years"
    with pytest.raises(ValueError, match="sex x is not in the model; it has f, m"):
        model.generate(3, conditions={"sex": "x"})


def test_latents_of_another_size_are_refused(trained):
    with pytest.raises(ValueError, match=r"expected \(n, 4\)"):
        trained.decode(np.zeros((3, 5)))


def test_streamlines_are_also_taken_from_files(trained, arrays, known, tmp_path):
    points = arrays["held_out"]
    path = tmp_path / "held_out.trx"
    save_bundles(path, points, reference=Reference.covering(points))
    expected = trained.encode(to_sequence(points), known)
    for given in (path, str(path), list(points)):
        np.testing.assert_array_equal(trained.encode(given, known), expected)


def test_bundle_sets_in_place_of_arrays(phantom):
    training, held_out = phantom.split(0.25, seed=0)
    model = CVAE(16, 2, backbone_options={"hidden_units": (8, 8)})
    assert repr(model).endswith("not trained")
    model.fit(training, held_out=held_out, epochs=1)
    assert model.record.bundle_names == list(training.bundle_names)
    known = held_out.known_values()
    expected = model.encode(held_out.streamlines, known)
    np.testing.assert_array_equal(model.encode(held_out), expected)
    assert len(model.seeds_of(held_out).means) == len(held_out)
    assert model.mean_streamline(held_out).shape == (16, 3)
    rows, partners = model.pair(held_out, training, 2)
    assert model.interpolate(held_out, held_out, 3).shape == (len(held_out), 3, 16, 3)
    assert len(rows) == len(partners) == 2
    assert repr(model).endswith("trained on 63 streamlines of 7 bundles")
    assert "<td>condition</td><td>bundle: bundle_1" in model._repr_html_()
