"""Thresholds of a filter and studies of a search, edited before they are read."""

import shutil
import sqlite3

import numpy as np
import pytest

from .corruptions import FILES, array_bytes, npy, packed
from .roles import SWEEP, in_turn

NAN = float("nan")

THRESHOLDS = {
    "factor": [None, npy((10**9, 10**9), "<f4"), np.full((4, 4), NAN), np.ones((9, 4))],
    "reference": [None, np.full((36, 5), NAN), np.zeros((0, 5)), np.ones((36, 2))],
    "bundles": [None, np.full(36, 99), np.full(36, -1), np.full(36, 0.5), np.zeros(3)],
    "thresholds": [
        None,
        np.full(3, NAN),
        np.full(3, "x"),
        np.ones(99),
        np.ones((3, 3)),
    ],
    "kind": [None, np.array("Nope"), np.array(7), array_bytes(np.array([{}]))],
    "model": [None, np.array("x"), np.array([1, 2]), array_bytes(np.array([None]))],
    "bundle_names": [None, np.array(["a", "a", "a"]), np.array("x"), np.array([1, 2])],
}
CHANGED = [(name, k) for name, some in THRESHOLDS.items() for k in range(len(some))]


def with_thresholds(good, path, role):
    options = [good.model, good.bundles[0], "--thresholds_file", path]
    return f"dipy_{role}_streamlines", *options


@pytest.mark.parametrize(("kind", "role"), in_turn(CHANGED, ("filter", "label")))
def test_thresholds(attempt, good, kind, role):
    name, number = kind
    with np.load(good.thresholds) as arrays:
        found = {f"{key}.npy": array_bytes(value) for key, value in arrays.items()}
    change = THRESHOLDS[name][number]
    if change is None:
        del found[f"{name}.npy"]
    else:
        changed = change if isinstance(change, bytes) else array_bytes(change)
        found[f"{name}.npy"] = changed
    path = attempt.given / "thresholds.npz"
    path.write_bytes(packed(found))
    attempt(*with_thresholds(good, path, role))


@pytest.mark.parametrize(("kind", "role"), in_turn(FILES, ("label", "filter")))
def test_thresholds_that_are_none(attempt, good, kind, role):
    path = attempt.given / "thresholds.npz"
    path.write_bytes(FILES[kind](good.thresholds.read_bytes()))
    codes = (0, 1) if kind.startswith("flipped") else (1,)
    attempt(*with_thresholds(good, path, role), codes=codes)


def statement(text):
    def change(path):
        with sqlite3.connect(path) as database:
            database.executescript(text)
        database.close()

    return change


def rewritten(change):
    return lambda path: path.write_bytes(change(path.read_bytes()))


# The last byte of a database may be anything, and a search may begin with none.
WHOLE_STUDIES = ("empty", "cut by a byte")
STUDIES = {
    **{kind: rewritten(FILES[kind]) for kind in FILES if kind not in WHOLE_STUDIES},
    "no tables": statement(
        "drop table trials; drop table studies; drop table trial_values;"
    ),
    "no studies": statement("delete from studies;"),
    "values of text": statement("update trial_values set value = 'x';"),
    "parameters of text": statement("update trial_params set param_value = 'x';"),
    "distributions of text": statement(
        "update trial_params set distribution_json = 'x';"
    ),
    "a distribution of code": statement(
        "update trial_params set distribution_json = "
        '\'{"name": "os.system", "attributes": {"command": "touch crafted"}}\';'
    ),
    "attributes of text": statement("update trial_user_attributes set value_json='x';"),
    "attributes of a list": statement(
        "update trial_user_attributes set value_json = '[1]';"
    ),
    "settings of text": statement("update study_user_attributes set value_json='x';"),
    "settings of a list": statement(
        "update study_user_attributes set value_json = '[1]';"
    ),
    "no settings": statement("delete from study_user_attributes;"),
    "state unknown": statement("update trials set state = 'GONE';"),
    "numbers of text": statement("update trials set number = 'x';"),
    "dates of text": statement("update trials set datetime_start = 'x';"),
    "no values": statement("delete from trial_values;"),
    "another version": statement("update version_info set schema_version = 99;"),
    "no version": statement("delete from version_info;"),
}
# The measures of a trial are kept elsewhere as well.
STUDIES_MAY_BE_READ = {"values of text", "no values", "another version", "no version"}
STUDIES_MAY_BE_READ |= {"no settings"}


@pytest.mark.parametrize("kind", STUDIES)
def test_study(attempt, good, kind):
    attempt.out.mkdir()
    path = attempt.out / "sweep.db"
    shutil.copy(good.sweep, path)
    STUDIES[kind](path)
    may = kind in STUDIES_MAY_BE_READ or kind.startswith("flipped")
    done = attempt(
        *("dipy_sweep_beta", *good.bundles, *SWEEP, "--resume"),
        codes=(0, 1) if may else (1,),
    )
    assert done.code == 0 or path.name in done.error


def test_a_sweep_that_fails_leaves_no_folder(attempt, good):
    attempt("dipy_sweep_beta", good.bundles[0], *SWEEP, "--held_out", "1e-9")
    assert not attempt.out.exists()
