"""Generation for single subjects, with a small model of lines."""

import io
import zipfile

import numpy as np
import pytest

from dipy_tractogen.nn import CVAE, VAE, load_model, share_model
from dipy_tractogen.nn.subjects import subject as subject_module
from dipy_tractogen.sampling.subject.effect import SubjectEffect
from dipy_tractogen.sampling.subject.within import within_subjects

NB_SUBJECTS = 12
GIVEN = {"age": 52.0, "group": "control"}
MOVE = np.array([8.0, 0, 0])


@pytest.fixture(scope="module")
def model(lines):
    """A model whose training has known subjects."""
    model = CVAE(24, 4, backbone_options={"hidden_units": (16,)})
    subjects = np.arange(len(lines["points"])) % NB_SUBJECTS
    model.fit(**lines, subjects=subjects, epochs=150)
    return model


@pytest.fixture(scope="module")
def shared(model):
    made = share_model(model, seed=1)
    assert made.record.density.subjects is None
    return made


def streamlines(number, seed=1):
    """Lines of a subject, `MOVE` mm beside those of the others; values of each."""
    rng = np.random.default_rng(seed)
    labels = np.arange(number) % 2
    along = np.linspace(-0.5, 0.5, 24) * rng.uniform(55, 65, number)[:, None]
    points = np.zeros((number, 24, 3), dtype=np.float32)
    points[np.arange(number), :, labels] = along
    points[..., 0] += rng.normal(0, 1, (number, 1))
    points[..., 2] = GIVEN["age"]
    values = {name: np.repeat(value, number) for name, value in GIVEN.items()}
    values["bundle"] = np.array(["x", "y"])[labels]
    return points + MOVE.astype(np.float32), values


def middles(model, **options):
    points, labels = model.generate(400, seed=2, conditions=GIVEN, **options)[:2]
    middle = np.array([np.mean(one, axis=0) for one in points])
    return np.stack([middle[labels == label].mean(axis=0) for label in (0, 1)])


def test_many_streamlines_move_the_bundle_and_a_few_hardly_do(model):
    """Beside it lies the bundle of the model, at 0 mm but for its own error."""
    away = {0: np.abs(middles(model)[:, 0] - MOVE[0]).mean()}
    for number in (8, 4000):
        effect = model.subject_of(*streamlines(number))
        away[number] = np.abs(middles(model, like=effect)[:, 0] - MOVE[0]).mean()
        sizes = [one.nb_streamlines for one in effect.bundles.values()]
        assert sizes == [number // 2] * 2
    assert away[8] > 0.4 * away[0]
    assert away[4000] < 0.25 * away[0]


def test_lengths_and_conditions_are_those_of_the_subject(model):
    effect = model.subject_of(*streamlines(2000))
    assert effect.conditions == GIVEN
    values = model.generate(300, like=effect, seed=1, return_values=True)[2]
    np.testing.assert_allclose(values["age"], GIVEN["age"])
    assert values["length"].std() < 6
    asked = {"length": 70.0, "age": 45.0}
    values = model.generate(
        60, like=effect, conditions=asked, seed=1, return_values=True
    )[2]
    np.testing.assert_allclose(values["age"], 45)
    np.testing.assert_allclose(values["length"], 70, rtol=0.03)


def test_shared_model_serves_a_subject(shared):
    effect = shared.subject_of(*streamlines(4000))
    places = middles(shared, like=effect)[:, 0]
    np.testing.assert_allclose(places, MOVE[0], atol=2.5)


def test_bundle_that_the_subject_lacks_is_the_models(model):
    points, values = streamlines(2000)
    own = values["bundle"] == "x"
    values = {name: each[own] for name, each in values.items()}
    effect = model.subject_of(points[own], values)
    assert list(effect.bundles) == [0]
    plain, own = middles(model), middles(model, like=effect)
    assert own[0, 0] == pytest.approx(MOVE[0], abs=2.5)
    np.testing.assert_array_equal(own[1], plain[1])


def test_streamlines_are_encoded_in_blocks(model, monkeypatch):
    """Only moments are kept."""
    whole = model.subject_of(*streamlines(300))
    sizes = []
    add = subject_module.StratumMoments.add

    def watched(self, x, *given):
        sizes.append(len(x))
        add(self, x, *given)

    monkeypatch.setattr(subject_module.StratumMoments, "add", watched)
    monkeypatch.setattr(subject_module, "BLOCK", 128)
    parts = model.subject_of(*streamlines(300))
    assert sizes == [128, 128, 44]
    for one, other in zip(whole.bundles.values(), parts.bundles.values()):
        np.testing.assert_allclose(one.shift, other.shift, atol=1e-4)
        np.testing.assert_allclose(one.covariance, other.covariance, atol=1e-4)


def test_same_seed_gives_the_same_subject(model, tmp_path):
    drawn = [model.draw_subject(seed) for seed in (1, 1, 2)]
    first, again, other = (model.generate(20, like=one, seed=3)[0] for one in drawn)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other, atol=0.05)


def test_how_subjects_differ_is_kept_in_the_file(model, tmp_path):
    path = tmp_path / "model.keras"
    model.save(path)
    again = load_model(path)
    one, other = (each.draw_subject(4).bundles[0].shift for each in (model, again))
    np.testing.assert_array_equal(one, other)
    one, other = (within_subjects(each.record.density) for each in (model, again))
    assert one is not model.record.density
    np.testing.assert_array_equal(one.posteriors.means, other.posteriors.means)


def test_file_of_a_training_without_subjects_has_none(lines, tmp_path, model):
    path = tmp_path / "model.keras"
    known, model.record.density.subjects = model.record.density.subjects, None
    try:
        model.save(path)
        with pytest.raises(ValueError, match="does not know how subjects differ"):
            model.draw_subject()
    finally:
        model.record.density.subjects = known
    with zipfile.ZipFile(path) as archive:
        assert "assets/subjects.npz" not in archive.namelist()
    assert load_model(path).record.density.subjects is None


@pytest.fixture
def load_with(model, tmp_path):
    """Load the model with other arrays in `subjects.npz` of its file."""

    def load(arrays):
        path, changed = tmp_path / "model.keras", tmp_path / "changed.keras"
        model.save(path)
        content = io.BytesIO()
        np.savez(content, **arrays)
        with zipfile.ZipFile(path) as archive, zipfile.ZipFile(changed, "w") as written:
            for name in archive.namelist():
                is_changed = name == "assets/subjects.npz"
                data = content.getvalue() if is_changed else archive.read(name)
                written.writestr(name, data)
        return load_model(changed)

    return load


def nearly_singular(within):
    """Lower factors with a diagonal of 1e-6, and 1e6 below it."""
    below = np.tril(np.full(within.shape, 1e6, dtype=np.float32), -1)
    return below + 1e-6 * np.eye(within.shape[1], dtype=np.float32)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("bundles", lambda each: each + 1, "bundles of subjects"),
        ("offsets", lambda each: each[:, 1:], "offsets is of the shape"),
        ("offset_of", lambda each: each[1:], "offset_of"),
        ("offset_of", lambda each: each + 1, "offset_of"),
        ("within", nearly_singular, "within is in part singular"),
    ],
)
def test_subjects_of_another_model_are_refused(model, load_with, name, change, said):
    arrays = model.record.density.subjects.to_arrays()
    arrays[name] = change(arrays[name])
    with pytest.raises(ValueError, match=said) as raised:
        load_with(arrays)
    assert "\n" not in str(raised.value)


def test_file_of_an_earlier_version_has_no_offsets(model, load_with):
    arrays = model.record.density.subjects.to_arrays()
    del arrays["offsets"], arrays["offset_of"]
    density = load_with(arrays).record.density
    assert density.subjects is not None
    assert within_subjects(density) is density


def test_training_needs_a_subject_for_each_streamline(lines):
    with pytest.raises(ValueError, match="subjects have shape"):
        VAE(24, 4).fit(**lines, subjects=np.zeros(3), epochs=1)


def test_unknown_bundle_or_nothing_is_refused(model):
    points, values = streamlines(20)
    with pytest.raises(ValueError, match="fornix is not in the model; it has x"):
        model.subject_of(points, {**values, "bundle": np.repeat("fornix", 20)})
    with pytest.raises(ValueError, match="no streamlines of a subject"):
        model.subject_of(points[:0], {})
    with pytest.raises(ValueError, match="like is of the type ndarray"):
        model.generate(5, like=points)


def test_effect_without_bundles_changes_nothing(model):
    plain, other = (
        model.generate(10, seed=1, like=like)[0] for like in (None, SubjectEffect({}))
    )
    np.testing.assert_array_equal(plain, other)
