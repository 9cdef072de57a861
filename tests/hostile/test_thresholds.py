"""Thresholds of a filter and studies of a search, edited before they are read."""

import json
import shutil

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


def operation(code, **change):
    """Change the operations of a kind in a journal."""

    def edit(path):
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        lines = [{**one, **change} if one["op_code"] == code else one for one in lines]
        path.write_text("".join(f"{json.dumps(one)}\n" for one in lines))

    return edit


def rewritten(change):
    return lambda path: path.write_bytes(change(path.read_bytes()))


CODE = '{"name": "os.system", "attributes": {"command": "touch crafted"}}'
# A search may begin with none, and a line that is cut was not written whole.
WHOLE_STUDIES = ("empty", "cut by a byte")
STUDIES = {
    **{kind: rewritten(FILES[kind]) for kind in FILES if kind not in WHOLE_STUDIES},
    "parameters of text": operation(5, param_value_internal="x"),
    "distributions of text": operation(5, distribution="x"),
    "a distribution of code": operation(5, distribution=CODE),
    "attributes of a list": operation(8, user_attr={"measures": [1]}),
    "settings of a list": operation(2, user_attr={"settings": [1]}),
    "no settings": operation(2, study_id=17),
    "state unknown": operation(6, state="GONE"),
    "operation unknown": operation(5, op_code="GONE"),
    "dates of text": operation(6, datetime_complete="x"),
    "objects of Python": operation(5, param_name={"py/object": "os.system"}),
}
# The rest of a journal, without its end or some of its operations, is a journal.
STUDIES_MAY_BE_READ = {"no settings", "cut short"}


def measures(*_):
    """Measure a trial without a training."""
    names = ("point_error_mm", "kl_nats", "quality", "active_units", "seconds")
    return dict.fromkeys(names, 1.0)


@pytest.mark.parametrize("kind", STUDIES)
def test_study(attempt, good, kind, monkeypatch):
    monkeypatch.setattr("dipy_tractogen.tuning.trial.run_trial", measures)
    monkeypatch.setattr("dipy_tractogen.tuning.study._POLL_SECONDS", 0.01)
    monkeypatch.setattr("dipy_tractogen.tuning.storage.SECONDS_OF_SILENCE", 0.2)
    attempt.out.mkdir()
    path = attempt.out / "sweep.journal"
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
