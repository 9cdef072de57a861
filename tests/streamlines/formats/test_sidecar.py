import json
import logging
import unicodedata
import zipfile

from dipy.io.streamline import load_tractogram
import numpy as np
import pytest
from trx import trx_file_memmap

from dipy_tractogen.streamlines.condition import Condition
from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.formats.sidecar import (
    Description,
    normalized_name,
    read_sidecar,
    sidecar_path,
    trk_names,
    trx_names,
    write_sidecar,
)
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles

NAMES = ("rep_sz_1.0", "rep_sz_1_0", "uf/left", "Uf", "uf", "50%: 5/8 $x$ Bündel", ".a")
COLUMNS = ("sex/gender", "scan.date", "a name of more than twenty letters", "é")
LABELS = np.array([6, 5, 4, 3, 2, 1, 0])
TABLE = ("female", "male", 'n "a"')
CODES = np.array([0, 2, 1, 1, 0, 2, 2])


@pytest.fixture
def written(grid, make_streamlines, tmp_path):
    """Return a function that writes seven streamlines of seven bundles."""

    def write(name, data, **options):
        save_bundles(
            tmp_path / name,
            make_streamlines(grid),
            reference=grid,
            labels=LABELS,
            bundle_names=NAMES,
            data_per_streamline=data,
            **options,
        )
        return tmp_path / name

    return write


@pytest.fixture(params=["trx", "trk"])
def described(written, request):
    data = {name: np.arange(7) + i for i, name in enumerate(COLUMNS)}
    data["sex/gender"] = CODES
    return written(f"a.{request.param}", data, categories={"sex/gender": TABLE})


def test_names_come_back(described):
    bundles = load_bundles(described, categorical="sex/gender", continuous=COLUMNS[1:])
    assert [bundles.bundle_names[label] for label in bundles.labels] == [
        NAMES[label] for label in LABELS
    ]
    assert bundles.values["sex/gender"].tolist() == [TABLE[code] for code in CODES]
    for i, name in enumerate(COLUMNS[1:], 1):
        assert bundles.values[name].tolist() == list(range(i, i + 7))


def test_other_software_reads_what_has_other_names(described):
    sft = load_tractogram(str(described), "same", bbox_valid_check=False)
    assert len(sft.data_per_streamline) == len(COLUMNS) + (described.suffix == ".trk")
    if described.suffix == ".trx":
        trx = trx_file_memmap.load(str(described))
        assert set(trx.groups) >= {"rep_sz_1_0_2", "rep_sz_1_0", "uf_left"}
        trx.close()


def test_a_sidecar_is_named_by_the_whole_name(described):
    said = read_sidecar(described)
    if described.suffix == ".trx":
        assert not said
        assert [one.name for one in described.parent.iterdir()] == ["a.trx"]
        return
    assert (described.parent / "a.trk.json").is_file()
    assert said["tractogram"] == "a.trk"
    sexes = {str(code): text for code, text in enumerate(TABLE)}
    assert said["categories"]["sex/gender"] == sexes
    assert said["categories"]["bundle"] == {str(i): n for i, n in enumerate(NAMES)}
    assert said["column_names"]["a name of more than "] == COLUMNS[2]


@pytest.mark.parametrize("extension", ["trx", "trk"])
def test_vectors_have_their_names_too(extension, written):
    data = {
        f"a long name of a vector, {i}": np.arange(84.0).reshape(7, 12) + i
        for i in (1, 2)
    }
    found = read_tractogram(written(f"a.{extension}", data)).data_per_streamline
    for name, values in data.items():
        np.testing.assert_array_equal(found[name], values)


def test_names_that_fit_need_no_description(grid, tmp_path):
    save_bundles(
        tmp_path / "a.trx",
        np.ones((1, 2, 3)),
        reference=grid,
        labels=np.array([0]),
        bundle_names=("AF_L",),
        data_per_streamline={"x": [1]},
    )
    with zipfile.ZipFile(tmp_path / "a.trx") as archive:
        assert "dipy_tractogen" not in json.loads(archive.read("header.json"))


def _with_header(path, **entries):
    """Write a TRX again with other entries in its header."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = {**json.loads(members["header.json"]), **entries}
    members["header.json"] = json.dumps(header).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_what_does_not_fit_the_file_is_ignored(written, caplog):
    path = written("a.trx", {"x": CODES, "y": CODES})
    said = {
        "group_names": {"gone": "a", "Uf": "uf/left", "uf_2": "b", "rep_sz_1_0": "b"},
        "column_names": {"x": "y", "gone": "z"},
        "categories": {"y": {"0": "a", "1": "b"}, "z": {"0": "a"}, "x": {"0": "a"}},
    }
    _with_header(path, dipy_tractogen=said)
    with caplog.at_level(logging.WARNING, "dipy_tractogen"):
        contents = read_tractogram(path)
    assert set(contents.data_per_streamline) == {"x", "y"}
    assert {"uf_left", "uf/left", "b", "rep_sz_1_0_2"} <= set(contents.groups)
    assert len(contents.groups) == 7
    assert not contents.categories
    assert len(caplog.messages) == 2
    assert "the values of y are not those" in caplog.text


def test_names_of_others_are_spelled(written):
    path = written("a.trx", {"x": CODES})
    said = {
        "group_names": {"Uf": "a\n\x1b[31m", "uf_2": "\ud800"},
        "column_names": {"x": "sex\t"},
        "categories": {"sex\t": {"0": "a\nb", "1": "m", "2": "f"}},
    }
    _with_header(path, dipy_tractogen=said)
    contents = read_tractogram(path)
    assert {r"a\n\x1b[31m", r"\ud800"} <= set(contents.groups)
    assert contents.categories == {r"sex\t": {0: r"a\nb", 1: "m", 2: "f"}}


@pytest.mark.parametrize(
    "said",
    [
        [],
        {"group_names": ["a"]},
        {"group_names": {"a": 1}},
        {"column_names": {"a": {}}},
        {"categories": {"a": ["b"]}},
        {"categories": {"a": {"x": "b"}}},
        {"categories": {"a": {"1.5": "b"}}},
        {"categories": {"a": {"9" * 16: "b"}}},
        {"categories": {"a": {"0": 3}}},
    ],
)
def test_damaged_descriptions_are_errors(said, written):
    path = written("a.trx", {})
    _with_header(path, dipy_tractogen=said)
    with pytest.raises(ValueError, match=r"a\.trx: dipy_tractogen in the header"):
        read_tractogram(path)
    with pytest.raises(ValueError, match="expected"):
        Description.from_dict(said)


def test_a_sidecar_of_other_software_is_none(written):
    path = written("a.trk", {})
    sidecar_path(path).write_text('{"categories": {"bundle": 3}}', encoding="utf-8")
    assert load_bundles(path).counts() == {"a": 7}
    sidecar_path(path).write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.trk\.json, which describes a\.trk"):
        load_bundles(path)


def test_a_sidecar_goes_with_its_tractogram(written, grid):
    path = written("a.trk", {})
    points = np.ones((1, 2, 3))
    path.unlink()
    with pytest.raises(FileExistsError, match=r"a\.trk\.json exists"):
        save_bundles(path, points, reference=grid)
    save_bundles(path, points, reference=grid, force=True)
    assert not sidecar_path(path).exists()
    sidecar_path(path).write_text('{"theirs": 1}', encoding="utf-8")
    save_bundles(path, points, reference=grid, force=True)
    assert json.loads(sidecar_path(path).read_bytes()) == {"theirs": 1}


def test_a_body_that_raises_leaves_no_sidecar(tmp_path, monkeypatch, written):
    monkeypatch.setattr("json.dumps", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        written("a.trk", {})
    assert list(tmp_path.iterdir()) == []


def test_sidecars_are_replaced_if_forced(tmp_path):
    write_sidecar(tmp_path / "a.trk", {"x": 1}, force=False)
    with pytest.raises(FileExistsError):
        write_sidecar(tmp_path / "a.trk", {"x": 2}, force=False)
    write_sidecar(tmp_path / "a.trk", {"x": 2}, force=True)
    assert read_sidecar(tmp_path / "a.trk")["x"] == 2


DATES = np.array([20240131, 20240201, 2**24 + 1, 7, 2**31 + 1, 0, 1])


@pytest.mark.parametrize("dtype", ["int64", "float64"])
def test_large_whole_numbers_are_kept_by_a_trx(dtype, written):
    path = written("a.trx", {"scan.date": DATES.astype(dtype)})
    found = read_tractogram(path).data_per_streamline["scan.date"]
    assert found.dtype == dtype
    np.testing.assert_array_equal(found[:, 0], DATES)
    bundles = load_bundles(path, continuous="scan.date")
    np.testing.assert_array_equal(bundles.values["scan.date"], DATES)
    assert load_bundles(path, categorical="scan.date").values["scan.date"][0] in (
        "20240131"
    )


def test_large_numbers_are_warned_of_for_a_trk(written, caplog):
    with caplog.at_level(logging.WARNING, "dipy_tractogen"):
        written("a.trk", {"date": DATES, "x": DATES / 1e4, "n": np.full(7, np.nan)})
    (line,) = caplog.messages
    assert "float32 rounds the numbers of date that are above 16777216" in line
    assert "write a .trx to keep them" in line


NAME = "Bündel"
APART = unicodedata.normalize("NFD", NAME)


def test_letters_and_accents_apart_are_composed():
    assert APART != NAME
    assert normalized_name(APART) == NAME
    assert normalized_name("B\udcfcndel\n") == r"B\xfcndel\n"


def test_categories_are_found_in_either_form():
    for given in ([NAME], [APART], [APART, NAME]):
        one = Condition.of("bundle", np.array(["AF", *given]))
        assert one.categories == ("AF", NAME)
        assert one.codes([NAME, APART]).tolist() == [1, 1]


def test_one_bundle_of_a_name_in_either_form(grid, make_streamlines, tmp_path):
    streamlines = make_streamlines(grid)
    for folder, name in (("linux", NAME), ("macos", APART)):
        save_bundles(tmp_path / folder / f"{name}.tck", streamlines, reference=grid)
    with_groups = tmp_path / "a.trx"
    given = {"labels": [0] * 7, "bundle_names": [APART], "reference": grid}
    columns = {f"sex/{APART}": [APART] * 7}
    save_bundles(with_groups, streamlines, data_per_streamline=columns, **given)
    files = [tmp_path / "linux", tmp_path / "macos", with_groups]
    assert load_bundles(files).counts() == {NAME: 21}
    values = load_bundles(with_groups, categorical=f"sex/{NAME}").values
    assert set(values[f"sex/{NAME}"]) == {NAME}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("AF_L", "CC-2", "Left IFOF", "béta"), ("AF_L", "CC-2", "Left IFOF", "béta")),
        (("a/b", "a.b", "a\\b", "a_b"), ("a_b_2", "a_b_3", "a_b_4", "a_b")),
        (("../x", "", " ", "a\n"), ("___x", "_", "__2", "a_")),
        (("AF", "af", "Af."), ("AF", "af_2", "Af_")),
        (("x" * 101, "x" * 100), ("x" * 98 + "_2", "x" * 100)),
    ],
)
def test_names_of_members_of_a_trx(names, expected):
    assert trx_names(names) == expected


def test_names_of_properties_of_a_trk():
    widths = {
        "rep_sz_1.0": 1,
        "tortuosity of the one": 1,
        "tortuosity of the other": 1,
        "tortuosity of the end": 3,
        "Bündel": 12,
        "": 1,
    }
    assert trk_names(widths) == (
        "rep_sz_1.0",
        "tortuosity of the on",
        "tortuosity of the ot",
        "tortuosity of the ",
        "B_ndel",
        "_",
    )
    assert trk_names({"x" * 21: 1, "x" * 20: 1}) == ("x" * 18 + "_2", "x" * 20)
