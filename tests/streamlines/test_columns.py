from nibabel.streamlines import Tractogram, TrkFile
import numpy as np
import pytest

from dipy_tractogen.streamlines.columns import (
    as_columns,
    choose_inherited,
    join_columns,
)
from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.formats.writers import (
    open_writer,
    save_bundles,
)
from dipy_tractogen.streamlines.io import load_bundles

DATES = np.array([20260115, 16777217, -5], dtype=np.int64)


def test_as_columns_keeps_types_and_refuses_another_number_of_rows():
    columns = as_columns({"date": DATES, "rgb": np.zeros((3, 2), "u1")}, 3)
    np.testing.assert_array_equal(columns["date"], DATES[:, None])
    assert columns["rgb"].shape == (3, 2)
    assert [one.dtype for one in columns.values()] == [np.int64, np.uint8]
    with pytest.raises(ValueError, match=r"'date' has the shape \(3,\)"):
        as_columns({"date": DATES}, 2)


def test_join_fills_with_nan_and_says_what_is_lacking_or_uneven(caplog):
    first = {"weight": np.ones((2, 1), "f4"), "date": DATES[:2, None]}
    second = {"weight": np.ones((1, 2), "f4"), "date": DATES[2:, None]}
    third = {"fa": np.full((1, 1), 0.5, "f2")}
    joined = join_columns([first, second, {}, third], [2, 1, 0, 1])
    assert list(joined) == ["date", "fa"]
    np.testing.assert_array_equal(joined["date"].ravel(), [*DATES, np.nan])
    np.testing.assert_array_equal(joined["fa"].ravel(), [np.nan] * 3 + [0.5])
    assert joined["fa"].dtype == np.float16
    said = caplog.text
    assert "Not all of the inputs have the data_per_streamline date, fa" in said
    assert "The data_per_streamline weight of the inputs are left out" in said
    assert join_columns([first, first], [2, 2])["date"].dtype == np.int64


def test_chosen_are_those_that_fit_beside_the_own(caplog):
    inherited = {name: np.zeros((1, 1)) for name in ("a", "own", "b", "c", "d")}
    chosen = choose_inherited(inherited, ["own"], path="x.trk", room=2)
    assert chosen == ["a", "b"]
    assert (
        "x.trk: the data_per_streamline own of the inputs are replaced" in caplog.text
    )
    assert "data_per_streamline c, d of the inputs are left out" in caplog.text


def test_a_trx_keeps_values_exactly(tmp_path, grid, make_streamlines):
    lines = make_streamlines(grid, n=3)
    data = {
        "date": DATES,
        "precise": np.array([np.pi, np.nan, 1e-300]),
        "vector": np.arange(6, dtype="u2").reshape(3, 2),
        "is_long": np.array([True, False, True]),
    }
    for data_of in ({"data_per_streamline": data}, {"inherited": data}):
        save_bundles(tmp_path / "a.trx", lines, reference=grid, force=True, **data_of)
        bundles = load_bundles(tmp_path / "a.trx", keep_data=True)
        for name, values in data.items():
            kept = bundles.data_per_streamline[name]
            np.testing.assert_array_equal(kept, np.reshape(values, kept.shape))
            assert kept.dtype.name == values.dtype.name.replace("bool", "uint8")
    assert load_bundles(tmp_path / "a.trx").data_per_streamline == {}


def test_rows_stay_with_their_streamlines(tmp_path, grid, make_streamlines, caplog):
    lines = [np.array(line) for line in make_streamlines(grid, n=6)]
    lines[1] = lines[1][:1]
    lines[4] = lines[4] * np.nan
    paths = []
    for number, name in enumerate(("a", "b")):
        paths.append(tmp_path / f"{name}.trk")
        tractogram = Tractogram(
            lines,
            data_per_streamline={"weight": np.arange(6.0)[:, None] + 10 * number},
            data_per_point={"fa": [np.zeros((len(line), 1)) for line in lines]},
            affine_to_rasmm=np.eye(4),
        )
        header = {
            "voxel_to_rasmm": grid.affine,
            "dimensions": grid.dimensions,
            "voxel_sizes": grid.voxel_sizes,
            "voxel_order": "RAS",
        }
        TrkFile(tractogram, header=header).save(str(paths[-1]))
    assert read_tractogram(paths[0]).left_out == {"data_per_point": ["fa"]}
    bundles = load_bundles(paths, keep_data=True)
    weights = bundles.data_per_streamline["weight"].ravel()
    assert weights.tolist() == [0, 2, 3, 5, 10, 12, 13, 15]
    assert bundles.select([5, 0]).data_per_streamline["weight"].tolist() == [[12], [0]]
    assert bundles.data_per_point["fa"].shape == (bundles.nb_points, 1)
    assert not any("left out" in line for line in caplog.messages)


def test_a_trk_has_room_for_ten_names(tmp_path, grid, make_streamlines, caplog):
    inherited = {f"value_{number}": np.zeros(3) for number in range(9)}
    inherited["a_name_of_more_than_twenty"] = np.ones(3)
    save_bundles(
        tmp_path / "a.trk",
        make_streamlines(grid, n=3),
        reference=grid,
        labels=np.zeros(3, int),
        bundle_names=["a"],
        data_per_streamline={"distance_mm": np.arange(3)},
        inherited=inherited,
    )
    read = read_tractogram(tmp_path / "a.trk").data_per_streamline
    assert set(read) == {"bundle", "distance_mm", *list(inherited)[:8]}
    assert read["distance_mm"].ravel().tolist() == [0, 1, 2]
    assert "value_8, a_name_of_more_than_twenty of the inputs are left out" in (
        caplog.text
    )


def test_categories_are_kept_by_name(tmp_path, grid, make_streamlines, caplog):
    lines = make_streamlines(grid, n=3)
    given = {
        "a.trx": {"sex": ["M", "", "F"], "site": ["x", "y", "x"], "group": [1, 0, 1]},
        "b.trk": {"sex": ["F", "D", "D"], "site": [7, 8, 9]},
    }
    for name, data in given.items():
        save_bundles(
            tmp_path / name,
            lines,
            reference=grid,
            labels=np.array([0, 1, 0]),
            bundle_names=("AF", "CC"),
            data_per_streamline={key: np.array(each) for key, each in data.items()},
            categories={"group": ("old", "young")},
        )
    files = [tmp_path / name for name in given]
    kept = load_bundles(files, keep_data=True).data_per_streamline
    assert kept["sex"].ravel().tolist() == ["M", "", "F", "F", "D", "D"]
    assert kept["group"].ravel().tolist() == ["young", "old", "young", "", "", ""]
    assert "bundle" not in kept
    assert "data_per_streamline site of the inputs are left out" in caplog.text
    save_bundles(tmp_path / "c.trk", [*lines, *lines], reference=grid, inherited=kept)
    again = load_bundles(
        tmp_path / "c.trk", categorical=["sex", "group"], invalid="drop"
    )
    # Those without a value are left out.
    assert again.values["sex"].tolist() == ["M", "F"]
    assert again.values["group"].tolist() == ["young", "young"]


def test_codes_are_the_same_in_every_block(tmp_path, grid, make_streamlines):
    lines = make_streamlines(grid, n=2)
    with open_writer(
        tmp_path / "a.trx", reference=grid, categories={"sex": ("F", "M")}
    ) as writer:
        for texts in (["longer", "M"], ["F", "D"], ["D", "M"]):
            writer.write(lines, None, {"sex": np.array(texts)})
    data = read_tractogram(tmp_path / "a.trx")
    assert data.data_per_streamline["sex"].ravel().tolist() == [2, 1, 0, 3, 3, 1]
    assert data.categories["sex"] == {0: "F", 1: "M", 2: "longer", 3: "D"}
