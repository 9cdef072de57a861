import logging

import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles


def starts(bundles):
    return [float(streamline[0, 0]) for streamline in bundles.streamlines]


def named(bundles):
    return [bundles.bundle_names[label] for label in bundles.labels]


def test_one_bundle_a_file_by_stem(save, grid, tmp_path):
    save("CST.v2.trk", n=2, x=5)
    save("AF_L.trx", n=3)
    bundles = load_bundles(tmp_path)
    assert bundles.bundle_names == ("AF_L", "CST.v2")
    assert bundles.counts() == {"AF_L": 3, "CST.v2": 2}
    assert starts(bundles) == [0, 1, 2, 5, 6]
    assert bundles.reference.matches(grid)
    assert bundles.streamlines._data.dtype == np.float32
    assert bundles.labels.dtype == np.int32
    assert bundles.report.kept == 5


def test_same_stem_in_several_folders_is_one_bundle(save):
    paths = [save(f"sub_{i}/AF_L.trk", n=2, x=10 * i) for i in (1, 2, 3)]
    bundles = load_bundles(paths)
    assert bundles.bundle_names == ("AF_L",)
    assert len(bundles) == 6


def test_order_of_the_files_does_not_matter(save, tmp_path):
    paths = [save("b.trk", x=1), save("a.trk", x=7), save("c.tck", x=20)]
    expected = load_bundles(paths)
    for inputs in (paths[::-1], [paths[1], tmp_path / "?.t[cr]k"], tmp_path):
        bundles = load_bundles(inputs)
        assert bundles.bundle_names == expected.bundle_names == ("a", "b", "c")
        assert starts(bundles) == starts(expected)
        assert bundles.labels.tolist() == expected.labels.tolist()


@pytest.fixture
def grouped(save):
    return save(
        "whole.trx",
        n=4,
        labels=np.array([1, 0, 1, 0]),
        bundle_names=("AF", "CST"),
        data_per_streamline={"cluster": np.array([7, 7, 3, 7])},
    )


@pytest.mark.parametrize(
    ("bundles_from", "expected"),
    [
        ("auto", ["CST", "AF", "CST", "AF"]),
        ("groups", ["CST", "AF", "CST", "AF"]),
        ("stem", ["whole"] * 4),
        ("cluster", ["7", "7", "3", "7"]),
    ],
)
def test_where_names_come_from(grouped, bundles_from, expected):
    assert named(load_bundles(grouped, bundles_from=bundles_from)) == expected


def test_auto_takes_groups_and_stems_together(grouped, save):
    bundles = load_bundles([grouped, save("AF.trk", n=1)])
    assert bundles.counts() == {"AF": 3, "CST": 2}


def test_names_that_are_not_there(grouped, save):
    with pytest.raises(ValueError, match=r"AF\.trk has no groups"):
        load_bundles([grouped, save("AF.trk")], bundles_from="groups")
    with pytest.raises(ValueError, match=r"no data_per_streamline 'colour'.*cluster"):
        load_bundles(grouped, bundles_from="colour")


def test_values_stay_with_their_streamlines(save, tmp_path):
    """One has no score, and another one is out of bounds."""
    paths = [
        save(
            f"sub-{number}_a.trx",
            n=4,
            x=89 - number,
            labels=np.array([1, 0, 1, 0]),
            bundle_names=("AF", "CST"),
            data_per_streamline={"score": scores, "site": np.array([3, 10, 3, 3])},
        )
        for number, scores in ((1, [0, np.nan, 2, 3]), (2, [4, 5, 6, 7]), (9, [8] * 4))
    ]
    bundles = load_bundles(paths, categorical=["site", "subject"], continuous="score")
    assert starts(bundles) == [88, 90, 87, 88, 89, 90, 80, 81, 82, 83]
    assert named(bundles) == ["CST", "CST", *["CST", "AF"] * 4]
    assert bundles.values["score"].tolist() == [0, 2, 4, 5, 6, 7, 8, 8, 8, 8]
    assert bundles.values["site"].tolist() == ["3", "3", *["3", "10", "3", "3"] * 2]
    assert bundles.values["subject"].tolist() == [
        *["sub-1"] * 2,
        *["sub-2"] * 4,
        *["sub-9"] * 4,
    ]
    assert bundles.report.dropped == {
        "without a value of score": 1,
        "out of the bounding box": 1,
    }
    assert load_bundles(paths).values == {}


@pytest.fixture
def flawed(grid, tmp_path):
    """Write six good streamlines and one of each flaw."""
    arrays = [
        *[np.array([[0, 0, 0], [0, 20, 0], [0, 40, 0]])] * 6,
        np.array([[0, 0, 0], [0, np.nan, 0]]),
        np.array([[0, 0, 0]]),
        np.ones((3, 3)),
        np.array([[0, 0, 0], [0, 2, 0]]),
        np.array([[0, 0, 0], [900, 0, 0]]),
    ]
    tractogram = nib.streamlines.Tractogram(
        [array.astype(np.float32) for array in arrays], affine_to_rasmm=np.eye(4)
    )
    header = nib.streamlines.TrkFile.create_empty_header()
    header.update(
        voxel_to_rasmm=grid.affine,
        dimensions=grid.dimensions,
        voxel_sizes=grid.voxel_sizes,
        voxel_order=grid.voxel_order,
    )
    path = tmp_path / "flawed.trk"
    nib.streamlines.save(tractogram, path, header=header)
    return path


def test_flaws_are_counted_and_dropped(flawed, caplog):
    with caplog.at_level(logging.INFO, logger="dipy_tractogen"):
        bundles = load_bundles(flawed, min_length=10)
    assert len(bundles) == 6
    assert bundles.report.dropped == {
        "non-finite points": 1,
        "one point": 1,
        "zero length": 1,
        "shorter than 10 mm": 1,
        "out of the bounding box": 1,
    }
    assert bundles.report.summary() in caplog.text
    assert str(flawed) in caplog.text


def test_points_on_disk_are_those_in_memory(save, flawed, tmp_path, suffix):
    inputs = [save(f"a.{suffix}", n=5), flawed, save("b.trk", x=3)]
    folder = tmp_path / "kept"
    folder.mkdir()
    expected = load_bundles(inputs, out_of_bounds="keep")
    bundles = load_bundles(inputs, out_of_bounds="keep", folder=folder)
    assert bundles.report == expected.report
    assert isinstance(bundles.streamlines._data, np.memmap)
    assert list(folder.iterdir()) == []
    np.testing.assert_array_equal(bundles.labels, expected.labels)
    np.testing.assert_array_equal(bundles.lengths(), expected.lengths())
    for one, other in zip(bundles.split(0.4), expected.split(0.4)):
        assert isinstance(one.streamlines._data, np.memmap)
        np.testing.assert_array_equal(one.resample(9), other.resample(9))


def test_progress_is_in_bytes_and_leaves_the_messages_whole(save, capsys, caplog):
    paths = [save("a.trk"), save("b.trk", x=500)]
    caplog.set_level("INFO", "dipy_tractogen")
    with pytest.raises(ValueError, match=r"b\.trk"):
        load_bundles(paths, show_progress=True)
    assert "Reading: 100%" in capsys.readouterr().err
    assert f"{paths[1]}: kept 0 of 3 streamlines" in caplog.text


def test_flaws_are_kept_where_asked(flawed):
    bundles = load_bundles(flawed, out_of_bounds="keep")
    assert len(bundles) == 8
    assert bundles.report.noted == {"out of the bounding box": 1}


@pytest.mark.parametrize("options", [{"invalid": "error"}, {"out_of_bounds": "error"}])
def test_flaws_are_refused_where_asked(flawed, options):
    with pytest.raises(
        ValueError, match=r"flawed\.trk: of 11 streamlines: 1"
    ) as caught:
        load_bundles(flawed, **options)
    assert "\n" not in str(caught.value)


def test_bundle_that_loses_all_its_streamlines_has_no_name(save, flawed):
    bundles = load_bundles([flawed, save("a.trk")], min_length=25)
    assert bundles.bundle_names == ("a", "flawed")
    bundles = load_bundles([save("b.trk"), flawed], min_length=35)
    assert bundles.bundle_names == ("flawed",)
    assert named(bundles) == ["flawed"] * 6


def test_nothing_left_says_why_and_what_to_do(save):
    path = save("a.trk", n=2)
    with pytest.raises(ValueError, match=r"are left of .*a\.trk") as caught:
        load_bundles(path, min_length=50)
    message = str(caught.value)
    assert "2 shorter than 50 mm" in message
    assert "allow shorter ones (min_length=0)" in message
    assert "\n" not in message


def test_wrong_grid_is_an_error_and_no_remainder(save):
    """A tenth may leave the box; beyond it the grid is that of other streamlines."""
    good = save("a.trk", n=36)
    tenth = load_bundles([good, save("b.trk", n=4, x=500)])
    assert tenth.report.dropped == {"out of the bounding box": 4}
    bad = save("c.trk", n=5, x=500)
    with pytest.raises(ValueError, match="of 41 streamlines, 5 out of the") as caught:
        load_bundles([good, bad])
    message = str(caught.value)
    assert f"of {bad} alone 5 of 5" in message
    assert "out_of_bounds='keep'" in message
    assert "reference=" in message
    assert "\n" not in message
    assert len(load_bundles([good, bad], out_of_bounds="keep")) == 41


def test_file_in_another_space_is_an_error_however_many_are_right(save, tmp_path):
    files = [save(f"{n}.trk", n=90) for n in "abcd"]
    bad = tmp_path / "wrong.trk"
    with pytest.raises(ValueError, match="keep") as caught:
        load_bundles([*files, save("wrong.trk", n=30, x=81)])
    assert f"of {bad} alone 20 of 30" in str(caught.value)


@pytest.mark.parametrize("kind", ["values", "points"])
def test_fault_of_most_streamlines_is_an_error(save, tmp_path, kind):
    score = np.full(5, np.nan)
    score[:2] = 1
    path = save("a.trx", n=5, data_per_streamline={"score": score})
    if kind == "values":
        with pytest.raises(ValueError, match="3 without a value of score; give a"):
            load_bundles(path, continuous="score")
        return
    points = np.full((5, 3, 3), np.nan, dtype=np.float32)
    points[:2] = np.eye(3)
    tractogram = nib.streamlines.Tractogram(list(points), affine_to_rasmm=np.eye(4))
    nib.streamlines.save(tractogram, tmp_path / "b.trk")
    with pytest.raises(ValueError, match="3 non-finite points; the file is damaged"):
        load_bundles(tmp_path / "b.trk")


def test_file_without_streamlines(grid, tmp_path):
    path = tmp_path / "none.trk"
    empty = nib.streamlines.Tractogram(affine_to_rasmm=np.eye(4))
    nib.streamlines.save(empty, path)
    with pytest.raises(ValueError, match=r"no streamlines are in .*none\.trk"):
        load_bundles(path)


@pytest.mark.parametrize(
    "options",
    [
        {"invalid": "keep"},
        {"out_of_bounds": "?"},
        {"min_length": -1},
        {"unassigned": "?"},
    ],
)
def test_options_are_checked_before_files(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        load_bundles("missing.trk", **options)


@pytest.mark.parametrize("contents", [b"", b"not a tractogram" * 100])
def test_damaged_file_is_named(suffix, contents, save, tmp_path):
    save("a.trk")
    (tmp_path / f"damaged.{suffix}").write_bytes(contents)
    with pytest.raises(
        ValueError, match=rf"damaged\.{suffix} is not a whole"
    ) as caught:
        load_bundles(tmp_path)
    assert "\n" not in str(caught.value)
    assert contents or "it is empty" in str(caught.value)


def test_files_are_not_changed(save, tmp_path):
    path = save("a.trx")
    contents = path.read_bytes()
    load_bundles(path)
    assert path.read_bytes() == contents
    assert list(tmp_path.iterdir()) == [path]


def test_streamlines_keep_their_numbers_of_points(grid, tmp_path):
    points = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    for name, lengths in (("a", [2, 9, 4]), ("b", [10, 5])):
        part = points[: sum(lengths)]
        save_bundles(
            tmp_path / f"{name}.trk", as_sequence(part, lengths), reference=grid
        )
    bundles = load_bundles(tmp_path)
    assert [len(streamline) for streamline in bundles.streamlines] == [2, 9, 4, 10, 5]
    np.testing.assert_allclose(bundles.streamlines[3], points[:10], atol=1e-4)


def test_unassigned_streamlines_are_left_out_where_asked(save, caplog):
    """Of a labelled file; a file of that name is asked for by name."""
    names = ("AF_L", "unassigned")
    path = save("labelled.trx", n=6, labels=np.repeat([0, 1], 3), bundle_names=names)
    assert load_bundles(path).counts() == {"AF_L": 3, "unassigned": 3}
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        bundles = load_bundles(path, unassigned="drop")
    assert bundles.counts() == {"AF_L": 3}
    assert starts(bundles) == [0, 1, 2]
    assert "labelled.trx: kept 3 of 6 streamlines; dropped: 3 unassigned" in caplog.text
    named = save("unassigned.trx", n=3)
    assert load_bundles(named, unassigned="drop").counts() == {"unassigned": 3}


def test_only_unassigned_streamlines_are_nothing_to_learn_from(save):
    options = {"labels": np.zeros(3, int), "bundle_names": ("unassigned",)}
    path = save("labelled.trx", **options)
    with pytest.raises(ValueError, match=r"no streamlines are left .* 3 unassigned"):
        load_bundles(path, unassigned="drop")
