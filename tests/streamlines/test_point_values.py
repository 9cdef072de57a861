"""Values of points are the same bits after every format, and stay with their points."""

import zipfile

import nibabel as nib
from nibabel.streamlines import Tractogram, TrkFile
import numpy as np
import pytest

from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.formats.writers import open_writer, save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.point_data.profile import Profile, Profiles
from dipy_tractogen.streamlines.point_data.values import as_point_data

from .conftest import read_by_vtk

KEPT_BY = ("trk", "trx", "vtk", "vtp", "fib")
LONG = "fractional anisotropy, 1st shell"


def values_of(nb_points, seed=0):
    """Return one value with NaN, one with a long name, and one of nine numbers."""
    rng = np.random.default_rng(seed)
    values = {"FA": (nb_points, 1), LONG: (nb_points, 1), 'a "t" <é>': (nb_points, 9)}
    values = {k: rng.normal(size=v).astype(np.float32) for k, v in values.items()}
    values["FA"][::3] = np.nan
    values["FA"][1] = np.inf
    return values


@pytest.fixture
def bundles(grid, make_streamlines):
    lines = make_streamlines(grid)
    names = ("a", "b")
    made = BundleSet(lines, np.arange(len(lines)) % 2, names, grid)
    made.data_per_point = as_point_data(values_of(made.nb_points), made.nb_points)
    return made


def assert_same_values(found, expected):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.mark.parametrize("extension", KEPT_BY)
def test_formats_keep_values_of_points(extension, bundles, tmp_path):
    path = tmp_path / f"a.{extension}"
    save_bundles(path, bundles)
    assert read_tractogram(path).data_per_point == {}
    assert sorted(read_tractogram(path).left_out["data_per_point"]) == sorted(
        bundles.data_per_point
    )
    contents = read_tractogram(path, values=None)
    assert not contents.left_out.get("data_per_point")
    assert_same_values(contents.data_per_point, bundles.data_per_point)
    some = read_tractogram(path, values=[LONG, "nothing"]).data_per_point
    assert_same_values(some, {LONG: bundles.data_per_point[LONG]})
    with_all = load_bundles(path, keep_data=True)
    assert_same_values(with_all.data_per_point, bundles.data_per_point)


@pytest.mark.parametrize("extension", KEPT_BY)
def test_blocks_are_written_one_after_the_other(extension, bundles, tmp_path):
    path, values = tmp_path / f"a.{extension}", bundles.data_per_point
    with open_writer(path, reference=bundles.reference) as writer:
        done = 0
        for some in (slice(0, 2), slice(2, 7)):
            lines = bundles.streamlines[some]
            count = int(lines._lengths.sum())
            part = {name: each[done : done + count] for name, each in values.items()}
            writer.write(lines, data_per_point=part)
            done += count
    assert_same_values(read_tractogram(path, values=None).data_per_point, values)
    with open_writer(path, reference=bundles.reference, force=True) as writer:
        writer.write(lines, data_per_point=part)
        with pytest.raises(ValueError, match="of streamlines or points changed"):
            writer.write(lines)


@pytest.mark.parametrize("extension", ["tck", "dpy"])
def test_other_formats_say_that_they_cannot(extension, bundles, tmp_path, caplog):
    save_bundles(tmp_path / f"a.{extension}", bundles.select([0, 2]))
    (said,) = caplog.messages
    assert "cannot hold FA, " in said
    assert "which are left out: write a .trx" in said


def test_a_trk_holds_ten(bundles, tmp_path, caplog):
    many = {f"value{i}": np.full(bundles.nb_points, i) for i in range(12)}
    bundles.data_per_point = as_point_data(many, bundles.nb_points)
    save_bundles(tmp_path / "a.trk", bundles)
    (said,) = caplog.messages
    assert "no room for the data_per_point value10, value11" in said
    found = read_tractogram(tmp_path / "a.trk", values=None).data_per_point
    assert list(found) == [f"value{i}" for i in range(10)]
    assert [float(each[0, 0]) for each in found.values()] == list(range(10))


def test_other_readers_find_the_same(bundles, tmp_path):
    from trx.trx_file_memmap import load as load_trx

    expected = bundles.data_per_point
    save_bundles(tmp_path / "a.trk", bundles)
    found = nib.streamlines.load(tmp_path / "a.trk").tractogram.data_per_point
    np.testing.assert_array_equal(found["FA"].get_data(), expected["FA"])
    assert sorted(each.common_shape for each in found.values()) == [(1,), (1,), (9,)]
    save_bundles(tmp_path / "a.trx", bundles)
    trx = load_trx(str(tmp_path / "a.trx"))
    for name, each in zip(expected.values(), trx.data_per_vertex.values()):
        np.testing.assert_array_equal(name, each._data.reshape(name.shape))
    trx.close()
    dipy = pytest.importorskip("dipy.io.streamline")
    for extension in ("trk", "trx"):
        sft = dipy.load_tractogram(
            str(tmp_path / f"a.{extension}"), "same", bbox_valid_check=False
        )
        np.testing.assert_array_equal(
            np.concatenate(sft.data_per_point["FA"]), expected["FA"]
        )


@pytest.mark.parametrize("extension", ["vtk", "vtp"])
def test_vtk_finds_the_same(extension, bundles, tmp_path):
    save_bundles(tmp_path / f"a.{extension}", bundles)
    data = read_by_vtk(tmp_path / f"a.{extension}").GetPointData()
    from vtk.util.numpy_support import vtk_to_numpy

    for name, values in bundles.data_per_point.items():
        found = vtk_to_numpy(data.GetAbstractArray(name))
        np.testing.assert_array_equal(found.reshape(values.shape), values)


def test_files_of_nibabel(grid, make_streamlines, tmp_path):
    lines = list(make_streamlines(grid))
    rng = np.random.default_rng(0)
    given = {
        name: [rng.normal(size=(len(x), k)) for x in lines]
        for name, k in (("FA", 1), ("t", 9))
    }
    path = tmp_path / "a.trk"
    header = {
        "voxel_to_rasmm": grid.affine,
        "dimensions": grid.dimensions,
        "voxel_sizes": grid.voxel_sizes,
        "voxel_order": "LAS",
    }
    TrkFile(
        Tractogram(lines, data_per_point=given, affine_to_rasmm=np.eye(4)), header
    ).save(str(path))
    found = read_tractogram(path, values=None).data_per_point
    for name, each in given.items():
        expected = np.concatenate(each).astype(np.float32)
        np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize("mapped", [False, True])
def test_rows_follow_their_streamlines(mapped, bundles, tmp_path):
    """Each point's value is its x, so that any other order would be seen."""
    bundles.data_per_point = {"x": bundles.streamlines._data[:, :1].copy()}
    lines = as_sequence(bundles.streamlines._data.copy(), bundles.streamlines._lengths)
    save = {"labels": bundles.labels, "bundle_names": bundles.bundle_names}
    save |= {"data_per_point": bundles.data_per_point, "reference": bundles.reference}
    lines[1] = bundles.streamlines[1] * 0  # of no length: dropped
    for name in ("a", "b"):
        save_bundles(tmp_path / f"{name}.trx", lines, **save)
    folder = tmp_path / "store" if mapped else None
    found = load_bundles(tmp_path, values=["x"], folder=folder)
    assert isinstance(found.data_per_point["x"], np.memmap) == mapped

    def check(some):
        points = some.streamlines.get_data()
        np.testing.assert_array_equal(some.data_per_point["x"], points[:, :1])

    assert len(found) == 2 * len(bundles) - 2
    check(found)
    check(found.select([5, 0, 3]))
    check(found.select([]))
    check(found.select(found.labels == 1))
    first, second = found.split(0.5)
    check(first)
    check(second)
    check(BundleSet.merge([second, first]))


def test_a_file_without_values_gets_nan(bundles, tmp_path, caplog):
    save_bundles(tmp_path / "a.trk", bundles, data_per_point={})
    save_bundles(tmp_path / "b.vtp", bundles)
    bundles.data_per_point["FA"] = np.ones((bundles.nb_points, 2), np.float32)
    save_bundles(tmp_path / "c.trx", bundles)
    caplog.clear()
    found = load_bundles(tmp_path, keep_data=True, reference=bundles.reference)
    n = bundles.nb_points
    assert found.data_per_point.keys() == {LONG, 'a "t" <é>'}
    assert np.isnan(found.data_per_point[LONG][:n]).all()
    expected = bundles.data_per_point[LONG]
    np.testing.assert_array_equal(found.data_per_point[LONG][n : 2 * n], expected)
    np.testing.assert_array_equal(found.data_per_point[LONG][2 * n :], expected)
    said = [line for line in caplog.messages if "data_per_point" in line]
    assert len(said) == 2
    assert "NaN stands where there is none" in said[0]
    assert "The data_per_point FA of the inputs are left out" in said[1]


def test_values_that_are_needed(bundles, tmp_path):
    save_bundles(tmp_path / "a.trx", bundles)
    assert list(load_bundles(tmp_path / "a.trx", values=["FA"]).data_per_point) == [
        "FA"
    ]
    assert load_bundles(tmp_path / "a.trx").data_per_point == {}
    with pytest.raises(ValueError, match=r"trx has no data_per_point MD \(it has .*FA"):
        load_bundles(tmp_path / "a.trx", values=["MD", "FA"])
    with pytest.raises(ValueError, match="has 9 numbers a point where one is needed"):
        load_bundles(tmp_path / "a.trx", values=['a "t" <é>'])
    save_bundles(tmp_path / "a.tck", bundles)
    with pytest.raises(ValueError, match=r"has no data_per_point FA \(it has none"):
        load_bundles(tmp_path / "a.tck", values=["FA"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones(3), "give a row for each"),
        (np.ones((40, 2, 2)), "give a row for each"),
        (np.ones((40, 0)), "give a row for each"),
        (np.full(40, "a"), "is of the type <U1: give numbers"),
        (np.ones(40, complex), "give numbers"),
    ],
)
def test_values_that_do_not_fit(values, message):
    with pytest.raises(ValueError, match=message):
        as_point_data({"FA": values}, 40)


def test_numbers_that_float32_rounds(grid, tmp_path, caplog):
    path = tmp_path / "a.trx"
    save_bundles(path, np.ones((1, 2, 3)), reference=grid)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("dpv/a.int64", np.array([1, 2**24 + 1]).tobytes())
        file.writestr("dpv/b.float64", np.array([0.1, 1e300]).tobytes())
        file.writestr("dpv/c.bit", bytes([0, 7]))
        file.writestr("dpv/d.uint16", np.array([9, 65535], np.uint16).tobytes())
    found = read_tractogram(path, values=None).data_per_point
    assert {k: v.ravel().tolist() for k, v in found.items()} == {
        "a": [1, 2**24],
        "b": [float(np.float32(0.1)), np.inf],
        "c": [0, 1],
        "d": [9, 65535],
    }
    assert [m for m in caplog.messages if "float32" in m] == [
        "float32 rounds the data_per_point a, b above 16777216, to infinity from "
        "3.4e38 on"
    ]


def test_values_are_reflected_at_the_limits_of_the_training():
    limits = {"low": 0.0, "high": 1.0, "sigma": 0.1, "scale": 2.0}
    profiles = Profiles(
        [Profile(name, mean, 0.3, **limits) for name, mean in (("FA", 0.5), ("MD", 0))]
    )
    values = np.array([[0.2, -0.3], [-0.1, 0.3], [1.4, 2.5], [0.0, 1.0]])
    channels = np.concatenate([np.zeros((4, 3)), (values - [0.5, 0]) * 2], axis=1)
    np.testing.assert_allclose(profiles.values_of(channels), values, atol=1e-6)
    found = profiles.values_within_limits(channels.reshape(2, 2, 5))
    expected = [[[0.2, 0.1], [0.6, 0.0]], [[0.3, 0.3], [0.0, 1.0]]]
    for each, name in zip(expected, ("FA", "MD")):
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], each, atol=1e-6)


@pytest.mark.parametrize("counts", [[3, 3, 3], [2, 5, 3]])
def test_a_trk_holds_records_of_equal_and_of_other_sizes(counts, grid, tmp_path):
    rng = np.random.default_rng(0)
    points = rng.uniform(1, 5, (sum(counts), 3)).astype(np.float32)
    of_points = {"v": rng.random((sum(counts), 2)), "FA": rng.random(sum(counts))}
    given = as_sequence(points, np.array(counts))
    data = {"age": np.array([20.0, 30.0, 40.0]), "w": rng.random((3, 2))}
    with open_writer(tmp_path / "a.trk", reference=grid, bundle_names=()) as writer:
        writer.write(given, None, data, data_per_point=of_points)
    found = nib.streamlines.load(tmp_path / "a.trk").tractogram
    np.testing.assert_allclose(found.streamlines._data, points, atol=1e-4)
    assert list(found.streamlines._lengths) == counts
    for name, values in of_points.items():
        own = found.data_per_point[name]._data
        np.testing.assert_allclose(own, values.reshape(len(own), -1), rtol=1e-6)
    for name, values in data.items():
        own = found.data_per_streamline[name]
        np.testing.assert_allclose(own, values.reshape(3, -1), rtol=1e-6)
