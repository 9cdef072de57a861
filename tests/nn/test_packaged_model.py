"""The model that comes with the package."""

import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.nn.archive.card import CARD_TEXTS, MEASURES, OVERALL
from dipy_tractogen.utils.model_names import find_model, model_names


@pytest.fixture(scope="module")
def model():
    return load_model("human20")


def test_it_is_small_and_known_by_name():
    assert "human20" in model_names()
    assert find_model("human20").stat().st_size <= 4_000_000


def test_it_holds_no_training_streamlines(model):
    assert model.record.is_shared
    assert not model.record.data
    assert not model.record.parameters


def test_it_says_what_it_is(model):
    card = dict(model.record.card)
    measures = card.pop("measures")
    assert card.keys() == CARD_TEXTS.keys()
    assert measures.keys() == {OVERALL, *model.record.bundle_names}
    assert all(measures[OVERALL][name][0] > 0.75 for name in MEASURES)
    assert model.record.space == "MNI"


def test_it_generates_every_bundle(model):
    points, labels = model.generate(40, balanced=True, seed=0)
    assert set(labels) == set(range(20))
    assert len(points) == 40
