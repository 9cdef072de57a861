import unicodedata

import numpy as np
import pytest

from dipy_tractogen.streamlines.condition import Condition
from dipy_tractogen.streamlines.formats.safe_names import (
    trk_names,
    true_name,
    trx_names,
)
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles

NAME = "Bündel"
APART = unicodedata.normalize("NFD", NAME)


def test_letters_and_accents_apart_are_composed():
    assert APART != NAME
    assert true_name(APART) == NAME
    assert true_name("B\udcfcndel\n") == r"B\xfcndel\n"


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
