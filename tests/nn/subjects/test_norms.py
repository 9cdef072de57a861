"""Norms of subjects in a model's file, and a subject that is scored."""

from dataclasses import replace

import numpy as np
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.nn.subjects.norms import (
    Subject,
    fit_norms,
    score_subject,
    summarise_subject,
)
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

NB_SUBJECTS = 7


def make_subject(seed, *, age=50.0, dip=0.0):
    """Draw a subject of six streamlines in each bundle, with FA."""
    rng = np.random.default_rng(seed)
    bundles = simulate_fibercup(6, nb_points=16, seed=seed)
    values = 0.5 - 0.001 * age + 0.01 * rng.standard_normal()
    values = values + 0.02 * rng.standard_normal((len(bundles), 16))
    values[bundles.labels == 2] -= dip
    data = {"FA": values.reshape(-1, 1).astype(np.float32)}
    bundles = replace(bundles, data_per_point=data)
    return Subject(bundles, {"age": age, "sex": "FM"[seed % 2]}, f"sub-{seed}")


@pytest.fixture(scope="module")
def model(model_file):
    """A model of three bundles, with norms."""
    made = load_model(model_file)
    ages = np.linspace(20, 80, NB_SUBJECTS)
    subjects = (make_subject(i, age=float(age)) for i, age in enumerate(ages))
    fit_norms(made, subjects, ["age", "sex"], values=["FA"], units={"age": "year"})
    return made


def test_a_subject_that_differs_is_told(model, caplog):
    usual, said = score_subject(model, make_subject(20))
    unusual, _ = score_subject(model, make_subject(20, dip=0.3))
    key = ("bundle_3", "profile", "FA")
    assert len(usual) == 3 * 3
    assert unusual[key].p_together < 0.01 < usual[key].p_together
    assert (unusual[key].z < usual[key].z).all()
    assert "7 subjects: with fewer than 20" in said[0]


def test_norms_are_in_the_file_and_not_without(model, tmp_path):
    model.save(tmp_path / "model.keras")
    read = load_model(tmp_path / "model.keras")
    subject = make_subject(21)
    before, after = (score_subject(one, subject)[0] for one in (model, read))
    for key, each in before.items():
        np.testing.assert_allclose(after[key].z, each.z, atol=1e-3)
    plain = replace(model.record, norms=None)
    plain.save(tmp_path)
    assert not list(tmp_path.glob("norms*"))
    assert "norms" not in (tmp_path / "record.json").read_text(encoding="utf-8")


def test_directions_do_not_matter(model):
    subject = make_subject(22)
    turned = subject.bundles
    points = np.asarray(turned.streamlines._data).reshape(-1, 16, 3)
    values = turned.data_per_point["FA"].reshape(-1, 16, 1)
    turned = replace(
        turned,
        streamlines=points[:, ::-1],
        data_per_point={"FA": values[:, ::-1].reshape(-1, 1)},
    )
    found = [
        summarise_subject(model, replace(subject, bundles=one), ["FA"])[0]
        for one in (subject.bundles, turned)
    ]
    for key, one in found[0].items():
        np.testing.assert_allclose(one.mean, found[1][key].mean, atol=1e-3)


def test_what_is_lacking_is_said(model):
    subject = make_subject(23)
    fewer = subject.bundles.select(np.arange(2, len(subject.bundles)))
    values = fewer.data_per_point["FA"].reshape(-1, 16)
    values[fewer.labels == 1, 0] = np.nan
    values[fewer.labels == 2] = np.nan
    fewer = replace(fewer, data_per_point={"FA": values.reshape(-1, 1)})
    scores, said = score_subject(model, replace(subject, bundles=fewer))
    said = " ".join(said)
    assert "bundle_1 (4) left out: fewer than 5 streamlines" in said
    assert "bundle_7 left out: the norms have no such bundle" in said
    assert "bundle_2: FA is missing at 7 of 100 nodes" in said
    assert "bundle_3: FA is missing at too many points" in said
    assert np.isnan(scores["bundle_2", "profile", "FA"].z[[0, -1]]).sum() == 1
    assert ("bundle_3", "profile", "FA") not in scores
    assert ("bundle_3", "shape", "") in scores
    assert {key[0] for key in scores} == {"bundle_2", "bundle_3"}


def test_bundles_of_the_model_without_norms_are_not_few(model_file):
    other = load_model(model_file)
    subjects = [make_subject(each) for each in range(3)]
    for each in subjects:
        each.bundles = each.bundles.select(each.bundles.labels != 1)
    fit_norms(other, subjects)
    scores, said = score_subject(other, make_subject(5))
    assert {key[0] for key in scores} == {"bundle_1", "bundle_3"}
    assert not any("fewer than 5 streamlines" in each for each in said)
    assert any("bundle_2" in each and "the norms have no such" in each for each in said)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"age": 50.0}, "sub-1 has no sex"),
        ({"age": 300.0, "sex": "F"}, "by more than its width"),
        ({"age": 50.0, "sex": "X"}, "sex X is not in the model"),
    ],
)
def test_wrong_conditions(model, conditions, message):
    subject = replace(make_subject(1), conditions=conditions)
    with pytest.raises(ValueError, match=message):
        score_subject(model, subject)


def test_an_age_beyond_the_range_is_said(model):
    _, said = score_subject(model, make_subject(1, age=85.0))
    assert "age=85 is out of the range" in said[0]


def test_subjects_without_values_or_bundles(model):
    subject = make_subject(1)
    without = replace(subject.bundles, data_per_point={})
    with pytest.raises(ValueError, match="no values of FA at its points"):
        score_subject(model, replace(subject, bundles=without))
    few = subject.bundles.select(np.arange(3))
    with pytest.raises(ValueError, match="no bundle of the norms with 5"):
        score_subject(model, replace(subject, bundles=few))


def test_one_subject_is_no_norm(model):
    with pytest.raises(ValueError, match="norms need several"):
        fit_norms(model, [make_subject(1)], ["age"], values=["FA"])


def test_a_model_without_norms(model_file):
    other = load_model(model_file)
    with pytest.raises(ValueError, match="has no norms"):
        score_subject(other, make_subject(1))
