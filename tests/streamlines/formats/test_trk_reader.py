"""TRK files whose headers are odd, or cannot be."""

import logging

from dipy.io.stateful_tractogram import Space, StatefulTractogram
import nibabel as nib
from nibabel.streamlines import TrkFile
from nibabel.streamlines.trk import header_2_dtype
import numpy as np
import pytest

from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.reference import Reference

POINTS = np.arange(18, dtype=np.float32).reshape(3, 2, 3) + 1


def write(path, *, tail=b"", nb_values=0, **fields):
    """Write a TRK of three streamlines, with fields of its header."""
    header = np.zeros((), header_2_dtype)
    whole = {
        **{"magic_number": b"TRACK", "dimensions": (20, 30, 40), "voxel_sizes": 1},
        **{"voxel_to_rasmm": np.eye(4), "voxel_order": b"RAS", "nb_streamlines": 3},
        **{"version": 2, "hdr_size": 1000},
    }
    for name, value in {**whole, **fields}.items():
        header[name] = value
    records = b"".join(
        np.array(2, "<i4").tobytes()
        + line.tobytes()
        + np.arange(nb_values, dtype="<f4").tobytes()
        for line in POINTS
    )
    path.write_bytes(header.tobytes() + records + tail)
    return path


@pytest.mark.filterwarnings("ignore:Voxel order is not specified")
@pytest.mark.parametrize(
    ("given", "order"),
    [(b"", "LPS"), (b"las", "LAS"), (b"LPS ", "LPS"), (b"RPI", "RPI"), (b"ASR", "ASR")],
)
def test_orders_of_voxels(given, order, tmp_path):
    """A blank one is LPS; one that contradicts the affine is that of the points."""
    path = write(tmp_path / "a.trk", voxel_order=given)
    found = read_tractogram(path).streamlines
    write(tmp_path / "clean.trk", voxel_order=order.encode())
    expected = TrkFile.load(tmp_path / "clean.trk").streamlines
    np.testing.assert_allclose(found._data, expected.get_data(), atol=1e-5)
    reference = Reference.from_file(path)
    assert reference.voxel_order == order
    for extension in ("trk", "trx"):
        copy = tmp_path / f"copy.{extension}"
        save_bundles(copy, found, reference=reference)
        again = read_tractogram(copy).streamlines
        np.testing.assert_allclose(again._data, found._data, atol=1e-5)
    assert Reference.from_file(tmp_path / "copy.trk").voxel_order == order


@pytest.mark.filterwarnings("ignore:Voxel order is not specified")
def test_a_blank_order_by_way_of_dipy(tmp_path):
    path = write(tmp_path / "a.trk", voxel_order=b"")
    header = nib.streamlines.load(path).header
    sft = StatefulTractogram(list(POINTS), header, Space.RASMM)
    assert Reference.of(sft).voxel_order == "LPS"
    old = Reference(np.eye(4), (2, 2, 2)).to_dict()
    assert Reference.from_dict({**old, "voxel_order": "b'LPS'"}).voxel_order == "LPS"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"nb_streamlines": 2**31 - 1}, "3 of 2147483647 streamlines"),
        ({"nb_streamlines": -3}, "nb_streamlines is -3"),
        ({"nb_scalars_per_point": 30000}, "cut short"),
        ({"nb_scalars_per_point": -3}, "nb_scalars_per_point is -3"),
        ({"nb_properties_per_streamline": 30000}, "cut short"),
        ({"nb_properties_per_streamline": -1}, "nb_properties_per_streamline is -1"),
        ({"hdr_size": 5}, "hdr_size"),
        ({"version": 9}, "its version is 9"),
        ({"voxel_to_rasmm": np.nan}, "not 4 by 4 finite"),
        ({"voxel_to_rasmm": np.ones((4, 4))}, "vox_to_ras is flat"),
        ({"voxel_to_rasmm": np.diag([1, 1, 0, 1])}, "vox_to_ras is flat"),
        ({"voxel_sizes": 0}, "voxel_sizes are not positive"),
        ({"voxel_sizes": np.inf}, "voxel_sizes are not positive"),
        ({"voxel_order": b"XYZ"}, "the voxel order 'XYZ' is none"),
        ({"voxel_order": b"RRS"}, "the voxel order 'RRS' is none"),
        ({"voxel_order": b"RA"}, "the voxel order 'RA' is none"),
    ],
)
def test_headers_that_cannot_be(fields, reason, tmp_path):
    path = write(tmp_path / "a.trk", **fields)
    with pytest.raises(ValueError, match=reason) as caught:
        read_tractogram(path)
    assert "\n" not in str(caught.value)


def test_what_comes_after_the_streamlines_is_said(tmp_path, caplog):
    path = write(tmp_path / "a.trk", nb_streamlines=2)
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        assert len(read_tractogram(path).streamlines) == 2
    assert "says 2 streamlines, and 28 bytes come after them" in caplog.text


def test_many_streamlines_without_points_come_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "dipy_tractogen.streamlines.formats.trk_reader.POINTS_PER_BLOCK", 10
    )
    path = write(tmp_path / "a.trk", nb_streamlines=0, tail=bytes(400))
    found = read_tractogram(path).streamlines
    assert len(found) == 103
    np.testing.assert_array_equal(found._data, TrkFile.load(path).streamlines._data)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([b"age", b"at\x003"], {"age": [0], "at": [1, 2, 3]}),
        ([b"age", b"age"], {"age": [0], "age_2": [1], "properties": [2, 3]}),
        ([b"age\x0099999999"], {"age": [0, 1, 2, 3]}),
        ([b"age\x00-2", b"x"], {"age": [0], "x": [1], "properties": [2, 3]}),
        ([b"age\x00\xff\x00e"], {"age": [0], "properties": [1, 2, 3]}),
    ],
)
def test_names_of_properties_with_their_widths(names, expected, tmp_path):
    given = np.zeros(10, "S20")
    given[: len(names)] = names
    path = write(
        tmp_path / "a.trk",
        nb_values=4,
        nb_properties_per_streamline=4,
        property_name=given,
    )
    found = read_tractogram(path).data_per_streamline
    assert {name: values[0].tolist() for name, values in found.items()} == expected


def test_vectors_come_after_what_other_software_reads_by_number(tmp_path):
    data = {"a_vector": np.ones((3, 2)), "z": [7, 8, 9], "b": [1, 2, 3]}
    reference = Reference(np.eye(4), (40, 40, 40))
    save_bundles(
        tmp_path / "a.trk", POINTS, reference=reference, data_per_streamline=data
    )
    names = TrkFile.load(tmp_path / "a.trk").header["property_name"]
    assert names[:3].tolist() == [b"b", b"z", b"a_vector\x002"]
    found = read_tractogram(tmp_path / "a.trk").data_per_streamline
    assert found["z"].ravel().tolist() == [7, 8, 9]
    assert found["a_vector"].tolist() == [[1, 1]] * 3


@pytest.mark.parametrize("fields", [{"version": 1}, {"voxel_to_rasmm": 0}])
def test_a_file_without_a_place_is_at_the_origin_and_says_so(fields, tmp_path, caplog):
    path = write(tmp_path / "a.trk", voxel_sizes=2, **fields)
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        found = read_tractogram(path).streamlines
    np.testing.assert_allclose(found._data, POINTS.reshape(-1, 3) / 2 - 0.5)
    assert "voxels of 2 x 2 x 2 mm" in caplog.text


def test_infinite_points_are_read_without_a_word(tmp_path, monkeypatch, caplog):
    points = POINTS.copy()
    points[1, 0] = np.inf
    monkeypatch.setitem(globals(), "POINTS", points)
    found = read_tractogram(write(tmp_path / "a.trk")).streamlines
    assert np.isfinite(found._data).all(axis=1).tolist() == [1, 1, 0, 1, 1, 1]
    assert caplog.text == ""
