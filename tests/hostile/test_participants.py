"""Tables of participants that are none, and what describes them."""

import shutil

import pytest

from .corruptions import TEXTS
from .roles import SMALL

TABLES = {
    "empty": b"",
    "zeros": bytes(1000),
    "not in UTF-8": b"participant_id\tage\tdiagnosis\nsub-001\t\xff\tx\n",
    "UTF-16": "participant_id\tage\n".encode("utf-16"),
    "no rows": b"participant_id\tage\tdiagnosis\n",
    "no subjects": b"name\tage\tdiagnosis\nsub-001\t3\tx\n",
    "no column": b"participant_id\tage\nsub-001\t3\n",
    "columns twice": b"participant_id\tage\tage\tdiagnosis\nsub-001\t3\t4\tx\n",
    "subject twice": b"participant_id\tage\tdiagnosis\n" + b"sub-001\t3\tx\n" * 2,
    "ragged": b"participant_id\tage\tdiagnosis\nsub-001\t3\n",
    "a quote": b'participant_id\tage\tdiagnosis\nsub-001\t"3\tx\nsub-002\t4\ty\n',
    "a field beyond the memory": b"participant_id\tage\n" + b"x" * 200_000,
    "commas": b"participant_id,age,diagnosis\nsub-001,3,x\n",
    "ages of text": b"participant_id\tage\tdiagnosis\nsub-001\told\tx\n",
    "ages that are infinite": b"participant_id\tage\tdiagnosis\nsub-001\tinf\tx\n",
    "ages of 1e400": b"participant_id\tage\tdiagnosis\nsub-001\t1e400\tx\n",
    "ages of 1e308": b"participant_id\tage\tdiagnosis\n"
    + b"".join(b"sub-00%d\t%d1e308\tx\n" % (k, k % 2) for k in range(1, 5)),
    "other subjects": b"participant_id\tage\tdiagnosis\nsub-x\t3\tx\n",
    "one diagnosis": b"participant_id\tage\tdiagnosis\n"
    + b"".join(b"sub-00%d\t%d\tx\n" % (k, k) for k in range(1, 5)),
    "markup": b"participant_id\tage\tdiagnosis\n"
    + b"".join(b"sub-00%d\t%d\t<b>%d$\\x\n" % (k, k, k % 2) for k in range(1, 5)),
    "controls": b"participant_id\tage\tdiagnosis\n"
    + b"".join(b"sub-00%d\t%d\t\x1b[31m%d\x07\n" % (k, k, k % 2) for k in range(1, 5)),
}
TABLES_MAY_BE_READ = {"one diagnosis", "markup", "controls", "a quote"}
CONDITIONS = ["--categorical", "diagnosis", "--continuous", "age", *SMALL]


# Some that may be read are left to the model, which takes a tenth of the time.
TRAINED_ON = [kind for kind in TABLES if kind not in TABLES_MAY_BE_READ - {"markup"}]


@pytest.mark.parametrize("kind", TRAINED_ON)
def test_participants(attempt, good, kind):
    path = attempt.given / "participants.tsv"
    path.write_bytes(TABLES[kind])
    codes = (0, 1) if kind in TABLES_MAY_BE_READ else (1,)
    options = ["--participants", path, *CONDITIONS]
    attempt("dipy_train_cvae", *good.cohort_files, *options, codes=codes)


@pytest.mark.parametrize("kind", TABLES)
def test_participants_of_a_model(attempt, good, kind):
    path = attempt.given / "participants.tsv"
    path.write_bytes(TABLES[kind])
    options = [good.conditional, *good.cohort_files, "--participants", path]
    codes = (0, 1) if kind == "a quote" else (1,)
    attempt("dipy_reconstruct_streamlines", *options, codes=codes)


UNITS = {
    **{kind: text for kind, text in TEXTS.items() if kind != "nothing in it"},
    "a list for a column": b'{"age": [1]}',
    "a number for a unit": b'{"age": {"Units": 7}}',
    "a unit with controls": b'{"age": {"Units": "\\u001b[31m\\n<b>$"}}',
}


@pytest.mark.parametrize("kind", UNITS)
def test_units(attempt, good, kind):
    path = attempt.given / "participants.tsv"
    shutil.copy(good.participants, path)
    path.with_suffix(".json").write_bytes(UNITS[kind])
    options = [good.conditional, *good.cohort_files, "--participants", path]
    attempt("dipy_reconstruct_streamlines", *options, codes=(0, 1))
