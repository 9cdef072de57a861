"""Trainings whose streamlines are not held in memory."""

import keras
import numpy as np
import pytest

from dipy_tractogen.nn import CVAE, VAE
from dipy_tractogen.nn.training.dataset import (
    ConditionTable,
    TrainingData,
    TrainingSet,
)
from dipy_tractogen.streamlines import resampled
from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.utils import memmap as store
from dipy_tractogen.utils.memmap import PointBuffer

from ..batches import taken

SMALL = {"hidden_units": (8,)}


@pytest.fixture
def nothing_in_memory(monkeypatch):
    """Treat every array as a large one, and streamlines in small blocks."""
    monkeypatch.setattr(store, "LARGE", 0)
    monkeypatch.setattr(resampled, "BLOCK", 16)


@pytest.fixture(scope="module")
def on_disk(phantom, tmp_path_factory):
    """The streamlines of the phantom, with their own points, in a mapped file."""
    points = PointBuffer(tmp_path_factory.mktemp("points"))
    lengths = np.asarray(phantom.streamlines._lengths)
    for streamline in phantom.streamlines:
        points.append(np.asarray(streamline, dtype=np.float32))
    return as_sequence(points.since(0), lengths)


def assert_same_batches(one, other):
    for first, second in zip(one, other, strict=True):
        assert first.keys() == second.keys()
        for name in first:
            np.testing.assert_array_equal(first[name], second[name])


@pytest.fixture(scope="module")
def inputs():
    """Features and conditions of 30 streamlines of unequal bundles."""
    labels = np.repeat([0, 1, 2], [20, 9, 1])
    values = {"bundle": np.array(["a", "b", "c"])[labels], "age": np.arange(30.0)}
    features = np.arange(30 * 4 * 3, dtype=np.float32).reshape(30, 4, 3)
    table = ConditionTable(Conditions.of(values), values)
    return {"features": features, "conditions": table}, labels


@pytest.mark.parametrize("is_balanced", [False, True])
def test_batches_of_files_are_those_of_memory(inputs, is_balanced, monkeypatch):
    inputs, labels = inputs
    options = {"balanced": labels if is_balanced else None}
    expected = taken(inputs, 12, 7, **options)
    assert expected[0]["features"].shape == (7, 4, 3)
    assert expected[0]["conditions"].shape == (7, 4)
    monkeypatch.setattr(store, "LARGE", 0)
    assert_same_batches(taken(inputs, 12, 7, **options), expected)
    assert_same_batches(taken(inputs, 7, 7, start_step=5, **options), expected[5:])


def test_table_of_conditions_is_what_the_networks_read(inputs):
    table = inputs[0]["conditions"]
    whole = table[:]
    assert whole.shape == table.shape
    assert whole.nbytes == table.nbytes
    rows = np.array([29, 3, 3])
    np.testing.assert_array_equal(table[rows], whole[rows])
    assert whole[:, :3].argmax(axis=1)[[0, 20, 29]].tolist() == [0, 1, 2]


def test_balanced_bundles_give_as_many(inputs):
    inputs, labels = inputs
    rows = np.concatenate(
        [batch["features"][:, 0, 0] for batch in taken(inputs, 60, 7, balanced=labels)]
    )
    rows = (rows / 12).astype(int)
    # Fourteen passes of ten streamlines a bundle.
    assert np.bincount(labels[rows]).tolist() == [140, 140, 140]
    for one_pass in rows.reshape(14, 30):
        seen = np.bincount(one_pass, minlength=30)
        assert seen[:20].max() == 1
        assert set(seen[20:29]) == {1, 2}
        assert seen[29] == 10
    assert (np.bincount(rows, minlength=30) > 0).all()
    assert not np.array_equal(rows[:30], rows[30:60])


def test_all_that_is_read_is_the_same(on_disk, phantom, nothing_in_memory):
    names = phantom.bundle_names
    given = {
        "disk": TrainingData(on_disk, phantom.labels, names),
        "memory": TrainingData(resample(on_disk, 24), phantom.labels, names),
    }
    disk, memory = (
        TrainingSet(CVAE(24, 2, backbone_options=SMALL), data)
        for data in given.values()
    )
    assert isinstance(disk.inputs["features"], np.memmap)
    assert disk.digest == memory.digest
    np.testing.assert_array_equal(disk.directions, memory.directions)
    for name in ("features", "conditions"):
        one, other = disk.inputs[name][:], memory.inputs[name][:]
        np.testing.assert_array_equal(one, other)
    rows = np.array([40, 2, 33, 2])
    np.testing.assert_array_equal(disk.points(rows), memory.points(slice(None))[rows])


def test_training_from_files_is_the_one_from_memory(
    on_disk, phantom, tmp_path, monkeypatch, caplog
):
    """Weights, record and what is generated, whatever is in memory."""
    held_out, labels = on_disk[:20], phantom.labels[:20]
    caplog.set_level("INFO", "dipy_tractogen")

    def trained(streamlines, held_out):
        model = VAE(24, 2, backbone_options=SMALL)
        model.fit(
            streamlines,
            phantom.labels,
            phantom.bundle_names,
            held_out=held_out,
            held_out_labels=labels,
            epochs=2,
            batch_size=20,
            balanced=True,
            checkpoint_dir=tmp_path / str(len(list(tmp_path.iterdir()))),
        )
        return model

    expected = trained(resample(on_disk, 24), resample(held_out, 24))
    keras.utils.clear_session(free_memory=True)
    monkeypatch.setattr(store, "LARGE", 0)
    model = trained(on_disk, held_out)
    for one, two in zip(
        model.network.get_weights(), expected.network.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, two)
    record = model.record
    assert record.held_out_mm == expected.record.held_out_mm
    assert record.truncation_mm == expected.record.truncation_mm
    assert record.bundle_counts == np.bincount(phantom.labels).tolist()
    assert record.parameters["balanced"] is True
    assert 0 < record.parameters["seconds_to_first_step"] < 300
    assert "First training step after" in caplog.text
    assert [path.name for path in (tmp_path / "1").iterdir()] == ["checkpoint.npz"]
