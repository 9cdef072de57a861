import csv
import sys
from types import SimpleNamespace

import keras
import pytest

from dipy_tractogen.nn.training import history as following
from dipy_tractogen.nn.training.history import (
    EventFiles,
    HistoryTable,
    StepProgress,
    describe_shortness,
)

ROUNDS = [
    {"step": 10, "loss": 4.0, "val_loss": 5.0},
    {"step": 20, "loss": 2.0, "val_loss": 3.0},
]


def follow(callback, rounds):
    callback.set_model(keras.Sequential())
    callback.on_train_begin()
    for number, logs in enumerate(rounds):
        callback.on_epoch_end(number, logs)
    callback.on_train_end()


def rows_of(path):
    with open(path, encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [{name: float(value) for name, value in row.items()} for row in rows]


def test_table_can_be_read_after_every_round(tmp_path):
    callback = HistoryTable(tmp_path / "history.csv")
    follow(callback, ROUNDS[:1])
    assert rows_of(callback.path) == ROUNDS[:1]
    callback.on_epoch_end(1, ROUNDS[1])
    assert rows_of(callback.path) == ROUNDS


def test_table_of_a_resumed_training_begins_with_what_was(tmp_path):
    callback = HistoryTable(tmp_path / "history.csv")
    callback.path.write_text("step,loss,val_loss\n10,4,5\n20,2,3\n30,1,2\n")
    callback.rows = ROUNDS[:1]
    follow(callback, ROUNDS[1:])
    assert rows_of(callback.path) == ROUNDS


def test_tensorboard_sees_two_runs_by_step(tmp_path):
    event_file_loader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_file_loader"
    )
    make_ndarray = pytest.importorskip("tensorboard.util.tensor_util").make_ndarray
    follow(EventFiles(tmp_path), ROUNDS)
    seen = {}
    for run in ("training", "held_out"):
        (path,) = (tmp_path / run).iterdir()
        for event in event_file_loader.EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                number = float(make_ndarray(value.tensor))
                seen[run, value.tag, event.step] = number
    assert seen == {
        ("training", "loss", 10): 4.0,
        ("training", "loss", 20): 2.0,
        ("held_out", "loss", 10): 5.0,
        ("held_out", "loss", 20): 3.0,
    }


def test_trainings_of_one_second_have_files_of_their_own(tmp_path):
    pytest.importorskip("tensorboard")
    for _ in range(2):
        follow(EventFiles(tmp_path), ROUNDS)
    assert len(list((tmp_path / "training").iterdir())) == 2


def test_events_that_cannot_be_written_are_said_once(tmp_path, monkeypatch, caplog):
    pytest.importorskip("tensorboard")
    path = tmp_path / "events"
    callback = EventFiles(path)

    def full(folder):
        return open("/dev/full", "wb")

    monkeypatch.setattr(following, "_open_event_file", full)
    follow(callback, ROUNDS)
    assert "events cannot be written (No space left on device)" in callback.failure
    (said,) = [each.getMessage() for each in caplog.records]
    assert said == f"{callback.failure}; the training goes on"


def test_folder_of_events_that_cannot_be_made_is_said(tmp_path, caplog):
    pytest.importorskip("tensorboard")
    (tmp_path / "events").write_text("a file")
    callback = EventFiles(tmp_path / "events")
    follow(callback, ROUNDS)
    assert "events cannot be written" in callback.failure
    assert len(caplog.records) == 1


def test_absence_of_tensorboard_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ValueError, match="pip install tensorboard"):
        EventFiles(tmp_path)


def test_time_left_is_that_of_steps_without_the_compilation(monkeypatch, caplog):
    caplog.set_level("INFO", "dipy_tractogen")
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    budget = SimpleNamespace(spent=0.0)
    callback = StepProgress(budget, show_bar=False)
    callback.on_train_begin()
    for seconds, budget.spent in [(30, 0.01), (2, 0.02)]:
        now[0] += seconds
        callback.on_train_batch_end(0)
    callback.close()
    assert caplog.messages == ["Training: 2 %, about 3 min left"]


def course(*errors, every=100, name="val_reconstruction_mm"):
    """Looks at a training, one every so many steps."""
    return [
        {"step": float((n + 1) * every), "reconstruction_mm": 9.0, name: error}
        for n, error in enumerate(errors)
    ]


def test_few_steps_are_too_short():
    said = describe_shortness(course(6.9, every=20))
    assert said.startswith("The training was too short: 20 steps are few")


def test_trained_weights_may_need_few_steps():
    assert describe_shortness(course(6.9, every=20), from_scratch=False) is None


def test_error_that_still_falls_is_too_short():
    """As 300 steps on 20 human bundles."""
    said = describe_shortness(course(3.69, 2.27, 1.95))
    assert "in its second half the error of held-out streamlines" in said
    assert "still fell from 3.69 to 1.95 mm" in said


@pytest.mark.parametrize(
    "errors",
    [
        (4.1, 3.09, 2.35, 2.22, 1.73, 1.75, 1.48, 1.39, 1.32, 1.31),
        (4.07, 2.11, 1.8, 1.67, 1.57, 1.39, 1.27, 1.22, 1.18),
        (1.0, 1.0, 1.0, 1.0),
        (1.0, 2.0, 3.0),
    ],
)
def test_error_that_is_settled_is_long_enough(errors):
    """The first two are of 950 and of 2,700 steps on 20 human bundles."""
    assert describe_shortness(course(*errors)) is None


def test_error_of_the_training_counts_where_none_is_held_out():
    said = describe_shortness(course(8.0, 5.0, 2.0, name="reconstruction_mm"))
    assert "error of training streamlines" in said


@pytest.mark.parametrize("history", [[], course(5.0), course(5.0, 1.0)])
def test_what_is_not_known_is_not_said(history):
    assert describe_shortness(history) is None
