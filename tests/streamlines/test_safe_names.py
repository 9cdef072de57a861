import pytest

from dipy_tractogen.streamlines.safe_names import trk_names, trx_names


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
