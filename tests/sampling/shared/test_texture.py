import numpy as np
import pytest

from dipy_tractogen.sampling.shared.texture import FittedTexture
from dipy_tractogen.sampling.texture.texture import Texture
from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.geometry import arc_lengths
from dipy_tractogen.utils.schema import SchemaError

NB_POINTS, STEP_MM = 32, 1.5


def bundles(nb_streamlines, seed):
    """Streamlines of 1.5 mm steps in two bundles, rough in the second; smooth means."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 2], nb_streamlines)
    counts = rng.integers(40, 60, len(labels))
    means, lines = np.zeros((len(labels), NB_POINTS, 3), dtype=np.float32), []
    means[..., 2] = 30 * labels[:, None]
    for row, (label, count) in enumerate(zip(labels, counts)):
        along = np.linspace(-0.5, 0.5, NB_POINTS) * STEP_MM * (count - 1)
        means[row, :, 0] = along
        line = np.zeros((count, 3))
        line[:, 0] = np.linspace(along[0], along[-1], count)
        line[:, 1:] = rng.normal(size=(count, 2)) * (0.02 + 0.2 * (label == 2))
        line[:, 2] += 30 * label
        lines.append(line.astype(np.float32))
    return as_sequence(np.concatenate(lines), counts), means, labels


@pytest.fixture(scope="module")
def texture():
    return Texture().fit(*bundles(80, seed=0), seed=0)


@pytest.fixture(scope="module")
def fitted(texture):
    return FittedTexture.of(texture, seed=1)


def test_drawn_texture_is_like_that_of_the_training(texture, fitted):
    _, means, labels = bundles(50, seed=2)
    wanted = arc_lengths(means)
    roughness = []
    for each in (texture, fitted):
        made = each.apply(means, labels, wanted, seed=3)
        np.testing.assert_allclose(arc_lengths(made), wanted, rtol=0.1)
        steps = arc_lengths(made) / (np.asarray(made._lengths) - 1)
        np.testing.assert_allclose(steps, STEP_MM, rtol=0.15)
        second = [np.diff(line[:, 1], n=2).std() for line in made]
        roughness.append([np.mean(second[:50]), np.mean(second[50:])])
    np.testing.assert_allclose(roughness[1], roughness[0], rtol=0.5)


def test_no_stored_array_is_of_a_streamline(texture, fitted):
    arrays = fitted.to_arrays()
    assert not {"detail_bytes", "offsets", "shapes", "ends_points"} & set(arrays)
    assert max(len(each) for each in arrays.values() if each.ndim) < 80
    # Drawn ones are as far from the real ones as real ones from each other, nearly.
    real, drawn = (
        each.offsets[each.labels == 2].reshape(-1, 12) for each in (texture, fitted)
    )
    between = np.linalg.norm(real[:, None] - real, axis=2) + np.diag(np.full(80, 9e9))
    to_real = np.linalg.norm(drawn[:, None] - real, axis=2).min(axis=1)
    assert np.median(to_real) > 0.5 * np.median(between.min(axis=1))


def test_file_gives_the_same_texture(fitted):
    again = FittedTexture.from_arrays(fitted.to_arrays())
    for name, each in Texture.to_arrays(fitted).items():
        np.testing.assert_array_equal(each, Texture.to_arrays(again)[name])


def test_files_of_earlier_versions_have_no_effects(fitted):
    arrays = fitted.to_arrays()
    names = ("effects", "effects_on_ends")
    earlier = {name: each for name, each in arrays.items() if name not in names}
    again = FittedTexture.from_arrays(earlier).to_arrays()
    np.testing.assert_equal(again, arrays)


def test_streamlines_of_one_number_of_points_keep_it():
    rng = np.random.default_rng(0)
    means = np.zeros((40, NB_POINTS, 3), dtype=np.float32)
    means[..., 0] = np.linspace(0, 1, NB_POINTS) * rng.uniform(50, 90, (40, 1))
    points = means + rng.normal(size=means.shape).astype(np.float32) * 0.1
    fitted = FittedTexture.of(Texture().fit(points, means, np.zeros(40, int)))
    assert fitted.is_even
    assert (fitted.counts == NB_POINTS).all()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sizes", lambda each: each[:1]),
        ("centres", lambda each: each * np.nan),
        ("ends_group_of", lambda each: each + 1),
        ("even_points", lambda each: each + 1),
        ("gains", lambda each: np.ones(30)),
        ("effects", lambda each: each[:1]),
        ("effects", lambda each: np.zeros((2, 1, 4, 3))),
        ("centres", lambda each: each + 8 * np.eye(1, each.shape[1])),
    ],
)
def test_arrays_that_do_not_fit_are_rejected(fitted, name, change):
    arrays = fitted.to_arrays()
    with pytest.raises(SchemaError):
        FittedTexture.from_arrays({**arrays, name: change(arrays[name])})


def test_earlier_and_small_textures_are_rejected(texture):
    few = Texture().fit(*bundles(10, seed=0))
    with pytest.raises(ValueError, match="No bundle has 20"):
        FittedTexture.of(few)
    earlier = Texture.from_arrays(
        {
            "nb_points": np.array(32),
            "coefficients": np.ones((30, 24, 3)),
            "labels": np.zeros(30, int),
            "lengths": np.ones((30, 2)),
            "shapes": np.ones((30, 18)),
        }
    )
    with pytest.raises(ValueError, match="earlier version: train again"):
        FittedTexture.of(earlier)
