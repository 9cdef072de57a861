"""Models that learn values along streamlines, such as FA, beside their shape."""

import io
import json
import zipfile

import keras
import numpy as np
import pytest

from dipy_tractogen.nn import AE, CVAE, RVAE, VAE, load_model
from dipy_tractogen.nn.archive.share import share_model
from dipy_tractogen.nn.training.dataset import TrainingData, TrainingSet
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.reference import Reference

NB_POINTS = 24
_SMALL = {"backbone_options": {"hidden_units": (32, 32)}, "profiles": ["FA", "MD"]}
_CONV = {
    "backbone": "conv",
    "backbone_options": {"filters": (6, 8)},
    "profiles": ["FA"],
}


def law(age, group, along):
    """FA and MD by age, which has a peak, and a dip of patients, along a streamline."""
    fa = 0.5 - 3e-4 * (age - 50)[:, None] ** 2 + 0.2 * along
    dip = np.exp(-(((along - 0.7) / 0.08) ** 2) / 2)
    fa = fa - 0.15 * (group == "patient")[:, None] * dip
    return fa, 7e-4 + 4e-6 * (age[:, None] - 50) + 0 * along


@pytest.fixture(scope="module")
def given(lines):
    """Lines with FA and MD, every other one stored from its other end."""
    along = np.linspace(0, 1, NB_POINTS)
    rng = np.random.default_rng(0)
    found = dict(lines)
    for part in ("", "held_out_"):
        points = lines["held_out" if part else "points"].copy()
        values = lines[f"{part}values"]
        fa, md = law(values["age"], values["group"], along)
        fa += 0.01 * rng.normal(size=fa.shape)
        points[::2], fa[::2], md[::2] = points[::2, ::-1], fa[::2, ::-1], md[::2, ::-1]
        found["held_out" if part else "points"] = points
        found[f"{part}data_per_point"] = {"FA": fa, "MD": md}
    return found


@pytest.fixture(scope="module")
def trained(given):
    """A CVAE of lines with FA and MD; not to be changed."""
    model = CVAE(NB_POINTS, 4, **_SMALL)
    model.fit(**given, epochs=250, learning_rate=5e-3)
    return model


def known(given):
    """All that is known of the held-out lines."""
    names = np.array(given["bundle_names"])[given["held_out_labels"]]
    return {**given["held_out_values"], "bundle": names}


def test_values_are_reconstructed_in_their_own_units(trained, given):
    data = given["held_out_data_per_point"]
    made = trained.encode_and_decode(given["held_out"], known(given), data)
    for name, expected in data.items():
        off = np.abs(made["data_per_point"][name] - expected).mean(axis=1)
        deviation = expected.std()
        errors = made["value_errors"][name] / deviation
        np.testing.assert_allclose(errors, off / deviation, atol=1e-4)
        assert off.mean() < 0.3 * deviation
        summary = trained.record.held_out_profiles[name]
        assert summary["mean"] == pytest.approx(off.mean(), rel=1e-3)
        assert f"val_reconstruction_{name}" in trained.record.history[0]
    fa, md = trained.known_profiles()
    assert (fa.name, md.name) == ("FA", "MD")
    assert fa.sigma == pytest.approx(0.25 * given["data_per_point"]["FA"].std())


def test_the_direction_does_not_matter(trained, given):
    data = given["held_out_data_per_point"]
    one = trained.encode_and_decode(given["held_out"], known(given), data)
    turned = {name: each[:, ::-1] for name, each in data.items()}
    other = trained.encode_and_decode(given["held_out"][:, ::-1], known(given), turned)
    np.testing.assert_allclose(one["z_mean"], other["z_mean"], atol=1e-4)
    for name in data:
        np.testing.assert_allclose(
            one["data_per_point"][name][:, ::-1], other["data_per_point"][name], 1e-3
        )
    wrong = trained.encode(given["held_out"], known(given), turned)
    assert np.abs(wrong - one["z_mean"]).max() > 0.1


def test_generated_values_follow_the_law_that_is_asked(trained, given):
    along = np.linspace(0, 1, NB_POINTS)
    for age, group in ((42, "control"), (50, "patient")):
        asked = {"age": age, "group": group}
        points, _, data = trained.generate(
            150, conditions=asked, nb_points=NB_POINTS, return_data_per_point=True
        )
        made = {n: each.reshape(points.shape[:2]) for n, each in data.items()}
        fa, md = law(np.array([age]), np.array([group]), along)
        # Lines run towards larger coordinates.
        assert np.abs(made["FA"].mean(axis=0) - fa[0]).max() < 0.03
        assert made["MD"].mean() == pytest.approx(md.mean(), rel=0.01)
        rough = np.diff(made["FA"], n=2, axis=1).std()
        real = np.diff(given["data_per_point"]["FA"], n=2, axis=1).std()
        assert rough == pytest.approx(real, rel=0.3)


def test_generated_values_are_within_those_of_the_training(trained):
    for options in ({}, {"smooth": True}, {"step_size": 5.0}):
        points, _, data = trained.generate(40, return_data_per_point=True, **options)
        nb_points = sum(len(one) for one in points)
        for one in trained.known_profiles():
            values = data[one.name]
            assert values.shape == (nb_points, 1)
            assert one.low <= values.min() < values.max() <= one.high
        assert len(trained.generate(3, **options)) == 2


def test_values_are_in_the_file_of_a_model(trained, given, tmp_path):
    trained.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    data = given["held_out_data_per_point"]
    one, other = (
        model.encode_and_decode(given["held_out"], known(given), data)
        for model in (trained, again)
    )
    np.testing.assert_array_equal(
        one["data_per_point"]["FA"], other["data_per_point"]["FA"]
    )
    one, other = (
        model.generate(9, return_data_per_point=True)[2]["MD"]
        for model in (trained, again)
    )
    np.testing.assert_array_equal(one, other)
    assert again.get_config() == trained.get_config()


@pytest.mark.parametrize("shared", [False, True])
def test_a_file_of_an_earlier_version_says_to_train_again(trained, tmp_path, shared):
    model = share_model(trained) if shared else trained
    model.save(tmp_path / "model.keras")
    with (
        zipfile.ZipFile(tmp_path / "model.keras") as good,
        zipfile.ZipFile(tmp_path / "old.keras", "w") as old,
    ):
        for name in good.namelist():
            content = good.read(name)
            if "texture" in name:
                arrays = dict(np.load(io.BytesIO(content)))
                del arrays["profiles_scales"], arrays["profiles_shape_means"]
                np.savez(stream := io.BytesIO(), **arrays)
                content = stream.getvalue()
            old.writestr(name, content)
    with pytest.raises(ValueError, match=r"old.keras: .*_scales .* train again\.$"):
        load_model(tmp_path / "old.keras")


@pytest.mark.parametrize(
    ("member", "change", "message"),
    [
        ("config.json", ("profiles", ["FA"]), "cannot be read"),
        ("config.json", ("profiles", ["FA"] * 90), "layers"),
        ("config.json", ("profile_sigmas", [0.1]), "give one for each"),
        ("assets/record.json", ("profiles", []), "profiles"),
        ("assets/record.json", ("profiles", [{"name": "FA"}]), "profiles"),
    ],
)
def test_a_file_with_other_values_is_refused(
    trained, tmp_path, member, change, message
):
    trained.save(tmp_path / "model.keras")
    with (
        zipfile.ZipFile(tmp_path / "model.keras") as good,
        zipfile.ZipFile(tmp_path / "bad.keras", "w") as bad,
    ):
        for name in good.namelist():
            content = good.read(name)
            if name == member:
                plain = json.loads(content)
                inner = plain["config"]["parameters"] if "config" in plain else plain
                inner[change[0]] = change[1]
                content = json.dumps(plain)
            bad.writestr(name, content)
    with pytest.raises(ValueError, match=message):
        load_model(tmp_path / "bad.keras")


@pytest.mark.parametrize(
    "options", [_SMALL, _CONV, {**_SMALL, "reconstruction": "huber"}]
)
def test_missing_values_have_no_part_in_the_loss(given, options):
    model = AE(NB_POINTS, 4, **options)
    data = {n: each.copy() for n, each in given["data_per_point"].items()}
    data["FA"][:5] = np.nan
    data["FA"][5:10, 12:] = np.nan
    parts = given["points"], given["labels"], given["bundle_names"]
    inputs = TrainingSet(model, TrainingData(*parts, data_per_point=data)).inputs
    rows = {name: each[:10] for name, each in inputs.items()}
    outputs = {
        name: np.array(keras.ops.convert_to_numpy(each))
        for name, each in model.network(rows, training=False).items()
    }

    def loss():
        features = keras.ops.convert_to_tensor(outputs["features"])
        points = model.network.synthesis(features)
        made = {"features": features, "points": points}
        given = {name: keras.ops.convert_to_tensor(each) for name, each in rows.items()}
        return float(model.network.compute_loss(given, None, made))

    before = loss()
    outputs["features"][:5, :, 3] += 7.0
    assert loss() == pytest.approx(before, rel=1e-5)
    outputs["features"][5:, :, 3] += 7.0
    assert loss() > before + 1


def test_missing_values_are_read_as_those_beside_them(trained, given):
    data = {n: each[:4].copy() for n, each in given["held_out_data_per_point"].items()}
    data["FA"][0] = np.nan
    data["MD"][1, 5:7] = np.nan
    values = {name: each[:4] for name, each in known(given).items()}
    made = trained.encode_and_decode(given["held_out"][:4], values, data)
    assert np.isnan(made["value_errors"]["FA"][0])
    assert np.isfinite(made["value_errors"]["MD"]).all()
    assert np.isfinite(made["data_per_point"]["FA"]).all()
    whole = {n: each[:4] for n, each in given["held_out_data_per_point"].items()}
    full = trained.encode(given["held_out"][:4], values, whole)
    np.testing.assert_allclose(made["z_mean"][1:], full[1:], atol=0.05)


def test_a_bundle_set_brings_its_values(given):
    points = given["points"]
    data = {name: each.reshape(-1) for name, each in given["data_per_point"].items()}
    grid = Reference.covering(points)
    bundles = BundleSet(
        points, given["labels"], given["bundle_names"], grid, data_per_point=data
    )
    model = VAE(NB_POINTS, 3, **_SMALL)
    arrays = given["points"], given["labels"], given["bundle_names"]
    one, other = (
        TrainingSet(model, each).inputs["features"]
        for each in (
            TrainingData(bundles),
            TrainingData(*arrays, data_per_point=given["data_per_point"]),
        )
    )
    assert one.shape == (len(points), NB_POINTS, 5)
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_a_regression_reads_values(given):
    model = RVAE(NB_POINTS, 3, **{**_SMALL, "attribute": "age"})
    model.fit(**given, epochs=20, learning_rate=0.02)
    data = given["held_out_data_per_point"]
    predicted, _ = model.predict_attribute(given["held_out"], data)
    shuffled = {name: each[::-1] for name, each in data.items()}
    other, _ = model.predict_attribute(given["held_out"], shuffled)
    assert np.abs(predicted - other).max() > 1


@pytest.mark.parametrize(
    ("profiles", "data", "message"),
    [
        (["FA"], {}, "reads FA along the streamlines, which have none"),
        (["FA"], {"MD": 0.0}, "which have MD"),
        (["FA"], {"FA": 0.4}, "FA is 0.4 at all training points"),
        (["FA"], {"FA": np.nan}, "FA is missing at all"),
        ([], {"FA": 0.4}, "made without profiles"),
        (["FA", "FA"], {}, "given twice"),
        (["a/b"], {}, "letters, digits"),
    ],
)
def test_values_that_cannot_be_learnt_are_refused(given, profiles, data, message):
    shape = given["points"].shape[:2]
    data = {name: np.full(shape, each) for name, each in data.items()}
    with pytest.raises(ValueError, match=message):
        AE(NB_POINTS, 3, **{**_SMALL, "profiles": profiles}).fit(
            given["points"], given["labels"], data_per_point=data, epochs=1
        )


def test_values_are_needed_to_encode(trained, given):
    with pytest.raises(ValueError, match="reads FA, MD along the streamlines"):
        trained.encode(given["held_out"], known(given))
    data = {"FA": np.zeros((3, 3)), "MD": np.zeros((3, 3))}
    with pytest.raises(ValueError, match="one number for each"):
        trained.encode(given["held_out"], known(given), data)


def bundles_of(given):
    """The held-out lines as a BundleSet with all that is known of them."""
    points = given["held_out"]
    return BundleSet(
        points,
        given["held_out_labels"],
        given["bundle_names"],
        Reference.covering(points),
        values=given["held_out_values"],
        data_per_point={
            name: each.reshape(-1)
            for name, each in given["held_out_data_per_point"].items()
        },
    )


def test_arithmetic_of_latents_has_values(trained, given):
    bundles = bundles_of(given)
    own = bundles.select(bundles.labels == 0)
    first, second = (own.select(rows) for rows in (np.arange(6), np.arange(6, 12)))
    points, data = trained.interpolate(first, second, 3, return_data_per_point=True)
    made = trained.encode_and_decode(second)["data_per_point"]
    assert data["FA"].shape == points.shape[:3] == (6, 3, NB_POINTS)
    # Lines are mixed in the direction of their bundle.
    ends = [np.sort(each, axis=1) for each in (data["FA"][:, -1], made["FA"])]
    np.testing.assert_allclose(*ends, atol=1e-4)
    _, data = trained.mean_streamline(own, return_data_per_point=True)
    expected = own.data_per_point["FA"].mean()
    assert data["FA"].mean() == pytest.approx(expected, abs=0.03)
    seeds = trained.seeds_of(own)
    _, labels, data = trained.generate(20, seeds=seeds, return_data_per_point=True)
    assert not labels.any()
    assert data["FA"].mean() == pytest.approx(expected, abs=0.05)


def test_a_shared_model_has_no_profiles_of_training_streamlines(
    trained, given, tmp_path
):
    shared = share_model(trained)
    shared.save(tmp_path / "shared.keras")
    shared = load_model(tmp_path / "shared.keras")
    texture = shared.record.texture.profiles
    assert not hasattr(texture, "details")
    asked = {"conditions": {"age": 45, "group": "patient"}, "nb_points": NB_POINTS}
    one, other = (
        model.generate(200, return_data_per_point=True, **asked)[2]["FA"]
        for model in (trained, shared)
    )
    one, other = (each.reshape(200, NB_POINTS) for each in (one, other))
    np.testing.assert_allclose(one.mean(axis=0), other.mean(axis=0), atol=0.02)
    rough = [np.diff(each, n=2, axis=1).std() for each in (one, other)]
    assert rough[1] == pytest.approx(rough[0], rel=0.4)
    again = shared.generate(200, return_data_per_point=True, **asked)[2]["FA"]
    np.testing.assert_array_equal(other.reshape(-1, 1), again)
