import json

import pytest

from dipy_tractogen.streamlines.participants import (
    read_participants,
    session_rows,
    subject_of,
)

TABLE = "participant_id\tage\tsex\nsub-01\t71.5\tF\nsub-02\tn/a\tM\n"


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a table, and what describes its columns."""

    def write(text, described=None, encoding="utf-8"):
        path = tmp_path / "participants.tsv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        if described is not None:
            text = described if isinstance(described, str) else json.dumps(described)
            (tmp_path / "participants.json").write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("sub-01_tractogram.trx", "sub-01"),
        ("/data/sub-01/dwi/sub-02_ses-1_tractogram.trk", "sub-02"),
        ("/data/sub-01/ses-1/AF_L.trk", "sub-01"),
        ("/data/sub-01/sub-02/AF_L.trk", "sub-02"),
        ("/data/group_sub-P1/AF_L.trk", "sub-P1"),
        ("/data/AF_L_sub-003.v2.trk", "sub-003"),
        ("/data/sub-01.trk", "sub-01"),
        ("/data/sub-/mysub-01_x.trk", None),
        ("/data/sub-01-2_x.trk", None),
        ("/data/AF_L.trk", None),
    ],
)
def test_subject_of_a_path(path, subject):
    assert subject_of(path) == subject


def test_subject_of_the_folder_one_is_in(tmp_path, monkeypatch):
    folder = tmp_path / "sub-07" / "dwi"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert subject_of("AF_L.trk") == "sub-07"


def test_table_by_subject_and_column(write):
    table = read_participants(write(TABLE))
    assert table.columns == ("age", "sex")
    assert list(table.rows) == ["sub-01", "sub-02"]
    assert table.text("sub-01", "sex") == "F"
    assert table.number("sub-01", "age") == 71.5
    assert table.units == {}


def test_values_that_are_missing(write):
    text = "age\tparticipant_id\tsex\nn/a\tsub-1\t\nNaN\tsub-2\t N/A \n"
    table = read_participants(write(text))
    for subject in ("sub-1", "sub-2", "sub-3"):
        assert table.number(subject, "age") is None
        assert table.text(subject, "sex") is None


@pytest.mark.parametrize("text", ["89+", "seventy", "inf", "-inf", "7,5"])
def test_text_that_is_no_number(write, text):
    table = read_participants(write(f"participant_id\tage\nsub-1\t{text}\n"))
    assert table.text("sub-1", "age") == text
    with pytest.raises(ValueError, match="the age of sub-1 is ") as caught:
        table.number("sub-1", "age")
    assert repr(text) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_and_ends_of_lines(write, encoding, newline):
    text = 'participant_id\tgruppe\n01\tGlück\n\nsub-02\t"a b"\n\t\n'
    table = read_participants(write(text.replace("\n", newline), encoding=encoding))
    assert table.text("sub-01", "gruppe") == "Glück"
    assert table.text("sub-02", "gruppe") == '"a b"'
    assert len(table.rows) == 2


def test_a_quote_is_a_character_as_any_other(write):
    text = 'participant_id\theight\tnote\n1\t5"\t"x\n2\t6"\ty"\n3\t7\tx\x1by\n'
    table = read_participants(write(text))
    assert [row["note"] for row in table.rows.values()] == ['"x', 'y"', "x\\x1by"]
    assert table.text("sub-1", "height") == '5"'


def test_units_of_the_columns(write):
    described = {
        "age": {"Description": "Age", "Units": "year"},
        "sex": {"Levels": {"F": "female"}, "Units": " "},
        "height": {"Units": "m"},
        "participant_id": "text",
    }
    assert read_participants(write(TABLE, described)).units == {"age": "year"}


@pytest.mark.parametrize("described", ["{", "[1]", "[" * 100_000])
def test_units_that_cannot_be_read(write, described):
    with pytest.raises(ValueError, match=r"participants\.json, which describes"):
        read_participants(write(TABLE, described))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (b"\xff\xfe\x00p", "line 1: the text is not UTF-8"),
        (b"participant_id\tx\n1\tGl\xfcck\n", "line 2: the text is not UTF-8"),
        ('"participant_id"\t"x"\n"1"\t"y"\n', "stand without quotes"),
        ("participant_id\tage\n", "no rows"),
        ("subject\tage\nsub-1\t7\n", "no column participant_id.* subject, age"),
        ("participant_id,age\nsub-1,7\n", "separated by tabs"),
        ("participant_id\tage\tage\nsub-1\t7\t8\n", "several columns age"),
        ("participant_id\tage\nsub-1\n", "line 2: 1 fields where the header has 2"),
        ("participant_id\tage\n\nsub-1\t7\t8\n", "line 3: 3 fields"),
        ("participant_id\tage\nsub-1\t7\n1\t8\n", "line 3: sub-1 comes twice"),
        ("participant_id\tage\nn/a\t7\n", "line 2: the participant_id is missing"),
    ],
)
def test_tables_that_are_refused(write, text, said):
    with pytest.raises(ValueError, match=f"participants.tsv.*{said}") as caught:
        read_participants(write(text))
    assert "\n" not in str(caught.value)


def test_table_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"participants\.tsv cannot be read"):
        read_participants(tmp_path / "participants.tsv")


def test_rows_of_sessions_come_before_those_of_subjects(tmp_path):
    path = tmp_path / "participants.tsv"
    path.write_text("participant_id\tage\tsex\nsub-01\t40\tF\nsub-02\t50\tM\n")
    (tmp_path / "sub-01").mkdir()
    (tmp_path / "sub-01" / "sub-01_sessions.tsv").write_text(
        "session_id\tage\tscanner\nses-1\t41\tA\nses-2\tn/a\tB\n"
    )
    table = read_participants(path)
    assert session_rows(table, "sub-01") == {
        "ses-1": {"age": "41", "sex": "F", "scanner": "A"},
        "ses-2": {"age": "40", "sex": "F", "scanner": "B"},
    }
    assert session_rows(table, "sub-02") == {"": {"age": "50", "sex": "M"}}
