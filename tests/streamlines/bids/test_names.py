from pathlib import Path

import pytest

from dipy_tractogen.streamlines.bids.names import (
    as_label,
    begin_name,
    bundle_entities,
    common_entities,
)
from dipy_tractogen.streamlines.bids.tree import Session


@pytest.mark.parametrize(
    ("bundle", "entities"),
    [
        ("AF_L", {"tract": "AF", "hemi": "L"}),
        ("CST_right", {"tract": "CST", "hemi": "R"}),
        ("SLF_I_R", {"tract": "SLFI", "hemi": "R"}),
        ("CC_ForcepsMajor", {"tract": "CCForcepsMajor"}),
        ("MCP", {"tract": "MCP"}),
    ],
)
def test_a_bundle_has_a_tract_and_a_side(bundle, entities):
    assert bundle_entities([bundle]) == entities
    assert bundle_entities([bundle, "other"]) == {}


def test_labels_have_letters_and_digits():
    assert as_label("MNI 152, NLin-2009_ç") == "MNI152NLin2009"


def test_names_begin_with_the_entities_in_their_order():
    session = Session("sub-01", "ses-2")
    entities = {"hemi": "L", "tract": "AF", "space": "MNI", "run": ""}
    assert begin_name(session, entities) == "sub-01_ses-2_space-MNI_tract-AF_hemi-L"
    assert begin_name(Session("sub-01"), {}) == "sub-01"


def test_entities_that_all_files_have_in_common():
    paths = [
        Path(f"sub-01_run-1_space-MNI_tract-{one}_desc-a_x.trx") for one in ("AF", "UF")
    ]
    assert common_entities(paths) == {"run": "1", "space": "MNI"}
    assert common_entities(paths[:1])["tract"] == "AF"
    assert common_entities([]) == {}
