import numpy as np
import pytest

from dipy_tractogen.sampling.shared.shrunk_mixture import FEWEST
from dipy_tractogen.sampling.shared.texture import FittedTexture
from dipy_tractogen.sampling.shared.texture import _columns as flat_columns
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


def roughness(lines):
    """Mean size of second differences across, of each half of the streamlines."""
    sizes = [np.diff(line[:, 1], n=2).std() for line in lines]
    return [np.mean(sizes[: len(sizes) // 2]), np.mean(sizes[len(sizes) // 2 :])]


def test_drawn_texture_is_like_that_of_real_streamlines(fitted):
    real, means, labels = bundles(50, seed=2)
    wanted = arc_lengths(real)
    made = fitted.apply(means, labels, wanted, seed=3)
    np.testing.assert_allclose(arc_lengths(made), wanted, rtol=0.1)
    steps = [
        arc_lengths(each) / (np.diff(each._offsets, append=len(each._data)) - 1)
        for each in (made, real)
    ]
    np.testing.assert_allclose(steps[0], steps[1], rtol=0.1)
    np.testing.assert_allclose(roughness(made), roughness(real), rtol=0.15)


def test_no_array_is_of_a_streamline(texture, fitted):
    arrays = fitted.to_arrays()
    names = {"details", "detail_bytes", "offsets", "shapes", "points", "ends_points"}
    assert not names & set(arrays)
    # Components of 20 streamlines or more: 160 residuals, and 320 ends.
    for prefix, count in (("", 80), ("ends_", 80)):
        parts, groups = (arrays[prefix + name] for name in ("parts", "group_of"))
        assert (parts * count >= FEWEST - 1e-3).all()
        np.testing.assert_allclose(np.bincount(groups, parts)[groups], 1, rtol=1e-6)
    # No centre is near a streamline: as far as real ones are from each other, nearly.
    for group in (0, 2):
        real = flat_columns(texture)[texture.labels == group]
        scale = real.std(axis=0) + 1e-6
        centres = arrays["centres"][arrays["group_of"] == group] / scale
        real = real / scale
        own = np.diag(np.full(80, 9e9))
        between = np.linalg.norm(real[:, None] - real, axis=2) + own
        to_real = np.linalg.norm(centres[:, None] - real, axis=2)
        assert to_real.min() > 0.5 * np.median(between.min(axis=1))


def test_no_two_draws_are_the_same(fitted):
    _, means, labels = bundles(1, seed=2)
    means, labels = np.tile(means[:1], (50, 1, 1)), np.tile(labels[:1], 50)
    made = fitted.apply(means, labels, np.full(50, 70), seed=0)
    first = np.stack([line[20] for line in made])
    assert len(np.unique(first, axis=0)) == 50


def test_file_gives_the_same_texture(fitted):
    again = FittedTexture.from_arrays(fitted.to_arrays())
    _, means, labels = bundles(5, seed=2)
    made = [
        each.apply(means, labels, arc_lengths(means), seed=1)
        for each in (fitted, again)
    ]
    np.testing.assert_array_equal(made[0]._data, made[1]._data)
    assert again.mean_points == fitted.mean_points
    assert 45 < again.mean_points < 55


def test_streamlines_of_one_number_of_points_keep_it():
    rng = np.random.default_rng(0)
    means = np.zeros((40, NB_POINTS, 3), dtype=np.float32)
    means[..., 0] = np.linspace(0, 1, NB_POINTS) * rng.uniform(50, 90, (40, 1))
    points = means + rng.normal(size=means.shape).astype(np.float32) * 0.1
    fitted = FittedTexture.of(Texture().fit(points, means, np.zeros(40, int)))
    assert fitted.is_even
    made = fitted.apply(means, np.zeros(40, int), arc_lengths(means))
    assert (np.asarray(made._lengths) == NB_POINTS).all()
    assert fitted.mean_points == NB_POINTS


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("blurs", lambda each: each[:1]),
        ("low", lambda each: each + 100),
        ("centres", lambda each: each * np.nan),
        ("ends_group_of", lambda each: each + 1),
        ("even_points", lambda each: each + 1),
        ("gains", lambda each: np.ones(30)),
        ("effects", lambda each: each[:1]),
        ("effects", lambda each: np.zeros((2, 1, 4, 3))),
        ("centres", lambda each: each[:, 1:]),
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
