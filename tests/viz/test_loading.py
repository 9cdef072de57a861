import numpy as np
import pytest

from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.viz.figures import colour_panels
from dipy_tractogen.viz.loading import (
    load_panel,
    load_valued_panel,
    panel_title,
)

POINTS = np.random.default_rng(0).normal(0, 20, (12, 6, 3)).astype(np.float32)
REFERENCE = Reference.covering(POINTS)


@pytest.fixture
def files(tmp_path):
    plain, valued = tmp_path / "plain.trk", tmp_path / "valued.trx"
    save_bundles(plain, POINTS, reference=REFERENCE)
    save_bundles(
        valued,
        POINTS,
        reference=REFERENCE,
        labels=np.repeat([0, 1], 6),
        bundle_names=("AF_L", "CST_R"),
        data_per_streamline={"error_mm": np.arange(12, dtype=np.float32)},
    )
    return plain, valued


def test_titles(files, tmp_path):
    assert panel_title([files[0]]) == "plain"
    assert panel_title([tmp_path]) == tmp_path.name
    assert panel_title(files) == tmp_path.name


def test_bundles_keep_their_names(files):
    panel = load_panel([files[1]])
    assert panel.title == "valued"
    assert panel.bundle_names == ("AF_L", "CST_R")
    np.testing.assert_array_equal(np.bincount(panel.labels), [6, 6])
    np.testing.assert_allclose(panel.points(), POINTS.reshape(-1, 3), atol=1e-4)


def test_streamlines_out_of_the_box_are_shown(tmp_path):
    small = Reference.covering(POINTS / 4, margin=0.0)
    save_bundles(tmp_path / "out.trk", POINTS, reference=small)
    assert load_panel([tmp_path / "out.trk"]).nb_streamlines == len(POINTS)


@pytest.mark.parametrize("valued", [False, True])
def test_streamlines_out_of_the_box_are_dropped_where_asked(tmp_path, valued):
    points = np.repeat(POINTS, 2, axis=0)
    points[0] += np.float32(1000)
    save_bundles(tmp_path / "out.trk", points, reference=REFERENCE)

    def load(**options):
        if valued:
            return load_valued_panel([tmp_path / "out.trk"], "none", **options)[0]
        return load_panel([tmp_path / "out.trk"], **options)

    assert load().nb_streamlines == 24
    assert load(out_of_bounds="drop").nb_streamlines == 23
    with pytest.raises(ValueError, match="of 24 streamlines: 1 out of the bounding"):
        load(out_of_bounds="error")


def test_values_follow_their_streamlines(files):
    panel, keys = load_valued_panel([files[1]], "error_mm", title="reconstructed")
    assert panel.title == "reconstructed"
    assert "error_mm" in keys
    np.testing.assert_array_equal(panel.values, np.arange(12))


def test_a_file_without_the_key_has_no_values(files):
    panel, keys = load_valued_panel([files[0]], "error_mm")
    assert panel.values is None
    assert "error_mm" not in keys
    both, _ = load_valued_panel(files, "error_mm")
    assert np.isnan(both.values[:12]).all()
    np.testing.assert_array_equal(both.values[12:], np.arange(12))


def test_values_of_points_follow_their_points(tmp_path):
    """Among files that have them, hold one for each streamline, or none."""
    lines = [line[: 6 - number] for number, line in enumerate(POINTS[:5])]
    lines[1] = lines[1][:1]  # is dropped
    x = np.concatenate(lines)[:, 0]
    held = {
        "a.trx": {"data_per_point": {"x": x, "t": np.ones((len(x), 9))}},
        "b.trx": {},
        "c.trx": {"data_per_streamline": {"x": np.arange(5)}},
    }
    for name, data in held.items():
        save_bundles(tmp_path / name, lines, reference=REFERENCE, **data)
    panel, keys = load_valued_panel([tmp_path], "x")
    assert keys == {"x", "t"}
    first, second, third = np.split(panel.values, 3)
    np.testing.assert_array_equal(first, panel.points()[: len(first), 0])
    assert np.isnan(second).all()
    assert third.tolist() == [0] * 6 + [2] * 4 + [3] * 3 + [4] * 2
    panel.values = panel.points()[:, 1].astype(float)
    fewer = panel.subsample(5)
    np.testing.assert_array_equal(fewer.values, fewer.points()[:, 1])
    assert len(fewer.streamlines) == 5
    _, (colours,) = colour_panels([panel], "value", "x")
    assert colours.shape == (len(panel.points()), 3)
    assert colours[np.argmax(panel.values)].tolist() != colours[0].tolist()
    with pytest.raises(ValueError, match="9 numbers a point, and a colour is of one"):
        load_valued_panel([tmp_path], "t")
