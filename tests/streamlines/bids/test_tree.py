import pytest

from dipy_tractogen.streamlines.bids.tree import (
    Session,
    find_sessions,
    find_tractograms,
)


@pytest.fixture
def tree(tmp_path):
    for name in (
        "sub-02/dwi/sub-02_space-A_tractogram.trx",
        "sub-02/dwi/sub-02_space-B_tractogram.TCK",
        "sub-02/dwi/.sub-02_hidden.trx",
        "sub-02/anat/sub-02_T1w.nii.gz",
        "sub-01/ses-2/dwi/sub-01_ses-2_tractogram.trk",
        "sub-01/ses-1/dwi/sub-01_ses-1_dwi.nii.gz",
        "sub-1_2/a.trx",
        "derivatives/sub-03/a.trx",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "sub-04").touch()
    return tmp_path


def test_sessions_are_folders_of_subjects(tree):
    assert find_sessions(tree) == [
        Session("sub-01", "ses-1"),
        Session("sub-01", "ses-2"),
        Session("sub-02"),
    ]
    assert find_sessions(tree, ["02"]) == find_sessions(tree, ["sub-02"])
    assert Session("sub-01", "ses-1").name == "sub-01_ses-1"
    assert Session("sub-01", "ses-1").folder.parts == ("sub-01", "ses-1")


def test_tractograms_of_a_session(tree):
    def names(*arguments):
        return [path.name for path in find_tractograms(tree, *arguments)]

    assert names(Session("sub-02")) == [
        "sub-02_space-A_tractogram.trx",
        "sub-02_space-B_tractogram.TCK",
    ]
    assert names(Session("sub-02"), "*_space-B*") == ["sub-02_space-B_tractogram.TCK"]
    assert names(Session("sub-01", "ses-1")) == []


def test_what_is_missing_is_named(tree):
    with pytest.raises(ValueError, match="no folder sub-05, sub-06"):
        find_sessions(tree, ["05", "06", "01"])
    with pytest.raises(ValueError, match="no folder sub-<label>"):
        find_sessions(tree / "sub-02")
    with pytest.raises(FileNotFoundError):
        find_sessions(tree / "none")


@pytest.mark.parametrize("names", [("01",), ("sub-a/b",), ("sub-1", "1"), ("sub-",)])
def test_other_names_are_refused(names):
    with pytest.raises(ValueError, match="is no name of a subject or session"):
        Session(*names)
