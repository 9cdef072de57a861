import numpy as np
import pytest

from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.viz import Panel
from dipy_tractogen.viz.panels import assign_errors

POINTS = np.random.default_rng(0).normal(size=(100, 5, 3)).astype(np.float32)
LABELS = np.repeat([0, 1, 2], [90, 9, 1])


def test_one_bundle_is_named_after_the_title():
    panel = Panel("real", POINTS)
    assert panel.bundle_names == ("real",)
    assert panel.nb_streamlines == 100
    assert panel.points().shape == (500, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((POINTS[:0],), "no streamline"),
        ((POINTS, LABELS[:5], "abc"), r"labels have shape \(5,\) for 100"),
        ((POINTS, LABELS, ("a", "b")), "labels go from 0 to 2"),
        ((POINTS, None, (), np.ones(3)), "values have shape"),
        ((np.full_like(POINTS, np.nan),), "not finite"),
        ((POINTS[:, :1],), "one point"),
    ],
)
def test_bad_panel_names_the_title(arguments, message):
    with pytest.raises(ValueError, match=f"^real: .*{message}"):
        Panel("real", *arguments)


def test_only_bundles_with_a_streamline_are_shown():
    assert Panel("real", POINTS, LABELS, ("a", "b", "c", "d")).shown_names == tuple(
        "abc"
    )


def test_subsample_keeps_shares_and_every_bundle():
    order = np.random.default_rng(1).permutation(100)
    panel = Panel("real", POINTS, LABELS[order], "abc", values=np.arange(100))
    fewer = panel.subsample(50, seed=3)
    np.testing.assert_array_equal(np.bincount(fewer.labels), [45, 4, 1])
    kept = fewer.values.astype(int)
    assert len(np.unique(kept)) == len(kept)
    np.testing.assert_array_equal(fewer.labels, panel.labels[kept])
    np.testing.assert_array_equal(fewer.points(), POINTS[kept].reshape(-1, 3))
    assert fewer.nb_streamlines == 100


def test_subsample_follows_the_seed():
    panel = Panel("real", POINTS)
    one, again, other = (panel.subsample(20, seed=seed).points() for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_nothing_to_subsample():
    panel = Panel("real", POINTS)
    assert panel.subsample(100) is panel


RNG = np.random.default_rng(0)
GIVEN = np.cumsum(RNG.normal(size=(30, 24, 3)), axis=1).astype(np.float32)


def made_of(points):
    """Reconstructions at the same points, and their errors."""
    made = points + RNG.normal(0, 0.3, points.shape).astype(np.float32)
    return made, np.linalg.norm(made - points, axis=-1).mean(axis=1)


def test_originals_get_the_errors_of_their_reconstructions():
    made, errors = made_of(resample(GIVEN, 24))
    found = assign_errors(Panel("given", GIVEN), Panel("made", made, values=errors))
    assert found.title == "given"
    np.testing.assert_array_equal(found.values, errors)


@pytest.mark.parametrize("change", ["order", "number", "no values", "points"])
def test_others_get_none(change):
    made, errors = made_of(GIVEN)
    given = GIVEN[::-1] if change == "order" else GIVEN
    given = given[:-1] if change == "number" else given
    streamlines = [line[: 10 + n % 3] for n, line in enumerate(made)]
    reconstructed = Panel(
        "made",
        streamlines if change == "points" else made,
        values=None if change == "no values" else errors,
    )
    assert assign_errors(Panel("given", given), reconstructed) is None
