"""Files of thresholds are held against themselves before they are used."""

import numpy as np
import pytest

from dipy_tractogen.segment.reference import read_thresholds

WHOLE = {
    "kind": np.array("LatentFilter"),
    "model": np.array("0" * 64),
    "bundle_names": np.array(["a", "b", "c"]),
    "factor": np.eye(3, dtype=np.float32),
    "reference": np.ones((5, 4), dtype=np.float32),
    "bundles": np.array([0, 0, 1, 1, 1], dtype=np.int32),
    "thresholds": np.array([1.0, 2.0]),
    "place": np.ones(10),
}


def test_a_whole_file_is_read(tmp_path):
    np.savez(tmp_path / "a.npz", **WHOLE)
    read = read_thresholds(tmp_path / "a.npz")
    assert read.keys() == WHOLE.keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", np.array(3)),
        ("kind", np.array(["a"])),
        ("model", None),
        ("bundle_names", np.array(["a"])),
        ("bundle_names", np.array([1, 2, 3])),
        ("factor", np.eye(2)),
        ("factor", np.ones((3, 2))),
        ("factor", np.full((3, 3), np.nan)),
        ("reference", np.ones((4, 4))),
        ("reference", np.ones((5, 3))),
        ("reference", np.ones(5)),
        ("reference", np.full((5, 4), np.inf)),
        ("reference", np.ones((5, 4), dtype=object)),
        ("bundles", np.array([0, 0, 1, 1, 2])),
        ("bundles", np.array([0, 0, 1, 1, -1])),
        ("bundles", np.ones(5)),
        ("thresholds", np.array([1.0, -1.0])),
        ("thresholds", np.array([[1.0, 1.0]])),
        ("thresholds", np.array([1.0])),
        ("place", np.ones(9)),
    ],
)
def test_an_edited_file_is_refused(tmp_path, name, value):
    arrays = {**WHOLE, name: value}
    arrays = {key: each for key, each in arrays.items() if each is not None}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match="expected"):
        read_thresholds(tmp_path / "a.npz")
