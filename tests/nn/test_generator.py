"""Generation from any model, by what is asked of it."""

import numpy as np
import pytest

from dipy_tractogen.streamlines.geometry import lengths


@pytest.fixture
def agreements(trained, monkeypatch):
    """Let every other streamline disagree with the length asked; count the looks."""
    looks = []

    def agrees(means, labels, target_lengths):
        looks.append(len(means))
        return np.arange(len(means)) % 2 == 0

    monkeypatch.setattr(trained.record.texture, "agrees", agrees)
    return looks


def middle(model, label):
    return float(np.mean(model.record.length_ranges[label]))


def test_latents_of_another_length_are_drawn_again(trained, agreements):
    name, length = trained.record.bundle_names[0], middle(trained, 0)
    trained.generate(40, name, conditions={"length": length})
    assert agreements == [40] * 4


def test_nothing_is_drawn_again_where_no_length_is_asked(trained, agreements):
    trained.generate(40)
    name = trained.record.bundle_names[0]
    trained.generate(40, name, conditions={"length": middle(trained, 0)}, smooth=True)
    assert agreements == []


def test_asked_lengths_are_obtained(trained):
    name, length = trained.record.bundle_names[1], middle(trained, 1)
    points, labels, values = trained.generate(
        30, name, conditions={"length": length}, return_values=True
    )
    assert set(labels) == {1}
    np.testing.assert_allclose(values["length"], length, rtol=1e-5)
    obtained = lengths(points)
    assert np.median(np.abs(obtained - length)) < 0.5
    low, high = 0.95 * length, 1.05 * length
    *_, values = trained.generate(
        30, name, conditions={"length": (low, high)}, return_values=True
    )
    assert low <= values["length"].min() < values["length"].max() <= high


def test_smooth_streamlines_are_those_decoded(trained):
    name = trained.record.bundle_names[2]
    rough, smooth = (
        trained.generate(30, name, smooth=smooth, seed=4)[0] for smooth in (False, True)
    )
    assert not np.array_equal(rough, smooth)
    assert np.linalg.norm(rough - smooth, axis=-1).mean() < 5


def test_bundle_asked_twice_is_refused(trained):
    name = trained.record.bundle_names[0]
    with pytest.raises(ValueError, match="both given"):
        trained.generate(3, name, conditions={"bundle": name})
