import logging
from pathlib import Path

import numpy as np
import pytest

from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.formats.readers import TractogramContents
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.participants import Participants
from dipy_tractogen.streamlines.simulation.cohort import (
    simulate_cohort,
    simulate_participants,
)
from dipy_tractogen.streamlines.values import ValueReader, missing_values

TABLE = Participants(
    Path("participants.tsv"),
    ("age", "sex", "group"),
    {
        "sub-1": {"age": "71.5", "sex": "F", "group": "1"},
        "sub-2": {"age": None, "sex": None, "group": "2"},
        "sub-3": {"age": "89+", "sex": "M", "group": "2"},
    },
    {"age": "year", "group": "none"},
)
ONE, TWO, THREE = (Path(f"sub-{number}_AF.trx") for number in (1, 2, 3))


def read(path, data=None, n=3, participants=TABLE, **names):
    reader = ValueReader([path], participants=participants, **names)
    contents = TractogramContents(to_sequence(np.zeros((n, 2, 3))), data or {})
    return reader.read(contents, path)


def test_values_of_the_subject():
    values = read(ONE, categorical=["sex", "group", "subject"], continuous="age")
    assert {name: given.tolist() for name, given in values.items()} == {
        "sex": ["F"] * 3,
        "group": ["1"] * 3,
        "subject": ["sub-1"] * 3,
        "age": [71.5] * 3,
    }
    assert values["age"].dtype == np.float64


def test_units_are_those_of_numbers_of_the_table():
    names = {"categorical": ["group"], "continuous": ["age", "score"]}
    assert ValueReader([ONE], participants=TABLE, **names).units == {"age": "year"}
    assert ValueReader([ONE], participants=TABLE, categorical=["group"]).units == {}


def test_the_table_comes_before_the_file():
    data = {"age": np.zeros((3, 1)), "score": np.array([[0.5], [2], [3]], np.float32)}
    values = read(ONE, data, continuous=["age", "score"])
    assert values["age"].tolist() == [71.5] * 3
    assert values["score"].tolist() == [0.5, 2, 3]
    assert values["score"].dtype == np.float64


def test_where_a_streamline_is_from():
    files = [Path("b.trx"), Path("a.trx")]
    reader = ValueReader(files, continuous=["file number", "index in file"])
    contents = TractogramContents(to_sequence(np.zeros((3, 2, 3))))
    values = reader.read(contents, files[1])
    assert values["file number"].tolist() == [1, 1, 1]
    assert values["index in file"].tolist() == [0, 1, 2]


def test_values_of_the_file_need_no_subject():
    data = {"site": np.array([7, 10, 7], np.uint8)}
    values = read(Path("/data/AF.trk"), data, categorical="site")
    assert values["site"].tolist() == ["7", "10", "7"]


def test_file_without_streamlines_has_no_values():
    for data in ({}, {"site": np.zeros((0, 1)), "score": np.zeros((0, 1))}):
        values = read(ONE, data, n=0, categorical=["site", "sex"], continuous="score")
        kinds = {name: (len(given), given.dtype.kind) for name, given in values.items()}
        assert kinds == {"site": (0, "U"), "sex": (0, "U"), "score": (0, "f")}


def test_what_is_known_in_other_ways_is_skipped():
    names = ["length", "tortuosity", "curvature"]
    values = read(Path("/data/AF.trk"), categorical=["bundle"], continuous=names)
    assert values == {}


def test_missing_values_are_marked():
    data = {
        "score": np.array([1, np.nan, 3], np.float32),
        "site": np.array([np.nan, 2, 30], np.float32),
        "none": np.full(3, np.nan),
    }
    values = read(
        TWO, data, categorical=["sex", "site", "none"], continuous=["age", "score"]
    )
    assert values["site"].tolist() == ["", "2", "30"]
    assert {
        reason: mark.tolist() for reason, mark in missing_values(values).items()
    } == {
        "without a value of sex": [True] * 3,
        "without a value of site": [True, False, False],
        "without a value of none": [True] * 3,
        "without a value of age": [True] * 3,
        "without a value of score": [False, True, False],
    }


def test_subject_that_is_not_in_the_table(caplog):
    path = Path("sub-9_AF.trk")
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        assert read(path, categorical="subject")["subject"].tolist() == ["sub-9"] * 3
        assert caplog.text == ""
        values = read(path, categorical="sex", continuous="age")
    assert all(mark.all() for mark in missing_values(values).values())
    assert "sub-9_AF.trk: sub-9 is not in participants.tsv" in caplog.text


def test_number_that_is_none_is_refused_only_where_asked():
    assert read(THREE, categorical=["age"])["age"].tolist() == ["89+"] * 3
    assert read(THREE, categorical=["sex"])["sex"].tolist() == ["M"] * 3
    with pytest.raises(ValueError, match=r"the age of sub-3 is '89\+'"):
        read(THREE, continuous=["age"])


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"categorical": ["age"], "continuous": ["age"]}, "age is given as cat"),
        ({"categorical": ["length"]}, "length is a number"),
        ({"categorical": ["curvature"]}, "curvature is a number"),
        ({"continuous": ["bundle"]}, "bundle is no number"),
        ({"continuous": "subject"}, "subject is no number"),
        ({"categorical": "file number"}, "file number is a number"),
    ],
)
def test_names_of_the_wrong_kind(names, said):
    with pytest.raises(ValueError, match=said):
        ValueReader([ONE], **names)


@pytest.mark.parametrize("name", ["sex", "subject"])
def test_file_that_tells_no_subject(name):
    with pytest.raises(ValueError, match=rf"AF\.trk: the {name} of.*sub-001_AF\.trk"):
        read(Path("/data/AF.trk"), categorical=name)
    assert read(Path("/data/AF.trk")) == {}


@pytest.mark.parametrize(
    ("participants", "data", "said"),
    [
        (None, {}, r"'iq' \(it has none\).*give a table"),
        (None, {"b": np.ones(3), "a": np.ones(3)}, r"'iq' \(it has a, b\)"),
        (TABLE, {}, r"column 'iq' \(it has age, sex, group\).*AF\.trx .*has none"),
    ],
)
def test_name_that_is_found_nowhere(participants, data, said):
    with pytest.raises(ValueError, match=said) as caught:
        read(ONE, data, participants=participants, continuous=["iq"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [(np.ones((3, 2)), "has 2 numbers a streamline"), ([1, np.inf, 2], "infinite")],
)
@pytest.mark.parametrize("kind", ["categorical", "continuous"])
def test_values_of_the_file_that_make_no_sense(kind, values, said):
    with pytest.raises(ValueError, match=rf"AF\.trx: .*'iq' .*{said}"):
        read(ONE, {"iq": np.asarray(values)}, **{kind: ["iq"]})


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Write four subjects as `dipy_simulate_cohort` does."""
    folder = tmp_path_factory.mktemp("cohort")
    people = simulate_participants(4)
    rows = ["participant_id\tage\tdiagnosis"]
    for one, bundles in simulate_cohort(people, nb_streamlines=2, nb_points=12):
        name = one.participant_id
        rows.append(f"{name}\t{one.age:g}\t{one.diagnosis}")
        save_bundles(
            folder / name / "dwi" / f"{name}_tractogram.trx",
            bundles.streamlines,
            reference=bundles.reference,
            labels=bundles.labels,
            bundle_names=bundles.bundle_names,
        )
    (folder / "participants.tsv").write_text("\n".join(rows))
    (folder / "participants.json").write_text('{"age": {"Units": "year"}}')
    return folder, people


CONDITIONS = {"categorical": ["diagnosis", "subject"], "continuous": ["age"]}


def test_age_and_diagnosis_of_a_cohort(cohort):
    folder, people = cohort
    bundles = load_bundles(
        folder / "**" / "*.trx",
        participants=folder / "participants.tsv",
        **CONDITIONS,
    )
    of_subject = {one.participant_id: one for one in people}
    expected = [of_subject[name] for name in bundles.values["subject"]]
    assert bundles.values["age"].tolist() == [one.age for one in expected]
    assert bundles.values["diagnosis"].tolist() == [one.diagnosis for one in expected]
    assert bundles.units == {"age": "year"}
    assert bundles.counts() == {f"bundle_{number}": 8 for number in range(1, 8)}
    _, counts = np.unique(bundles.values["subject"], return_counts=True)
    assert counts.tolist() == [14] * 4


def test_subjects_without_a_value_are_left_out(cohort, tmp_path, caplog):
    table = tmp_path / "participants.tsv"
    table.write_text(
        "participant_id\tage\tdiagnosis\n"
        "sub-001\tn/a\tcontrol\nsub-002\t30\t\n003\t40\tpatient\n"
    )
    files = cohort[0] / "**" / "*.trx"
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        bundles = load_bundles(files, participants=table, **CONDITIONS)
    assert set(bundles.values["subject"]) == {"sub-003"}
    assert bundles.report.dropped == {
        "without a value of age": 14,
        "without a value of diagnosis": 28,
    }
    assert "sub-001_tractogram.trx: kept 0 of 14 streamlines" in caplog.text
    assert "sub-004 is not in" in caplog.text


def test_nothing_left_for_want_of_values(cohort, tmp_path):
    table = tmp_path / "participants.tsv"
    table.write_text("participant_id\tage\nsub-009\t30\n")
    with pytest.raises(ValueError, match="56 without a value of age") as caught:
        load_bundles(cohort[0] / "**" / "*.trx", participants=table, continuous="age")
    assert "give a table that has it for all" in str(caught.value)
    assert "\n" not in str(caught.value)
