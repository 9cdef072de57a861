"""Norms of bundles: summaries of subjects, scores, and what a file may hold."""

import json

import numpy as np
import pytest

from dipy_tractogen.norms.norms import learn_norms
from dipy_tractogen.norms.scoring import outside, score
from dipy_tractogen.norms.shape import MEASURES, shape_measures
from dipy_tractogen.norms.storage import load_norms, save_norms
from dipy_tractogen.norms.summary import LATENT, PROFILE, SHAPE, Summary, summarise
from dipy_tractogen.streamlines.conversion import to_sequence

NB_SUBJECTS = 24


def tube(rng, nb_streamlines, radius=3.0, length=60.0):
    """Draw straight streamlines (n, 20, 3) across a disc."""
    angle = rng.uniform(0, 2 * np.pi, nb_streamlines)
    away = radius * np.sqrt(rng.random(nb_streamlines))
    points = np.zeros((nb_streamlines, 20, 3))
    points[..., 0] = np.linspace(0, length, 20)
    points[..., 1] = (away * np.cos(angle))[:, None]
    points[..., 2] = (away * np.sin(angle))[:, None]
    return points


def subject(rng, age, shift=0.0):
    """Draw what a subject has of one bundle."""
    n = 30
    own = 0.5 - 0.001 * age + 0.02 * rng.standard_normal() + shift
    profiles = own + 0.02 * rng.standard_normal((n, 1)) + np.zeros((n, 100))
    profiles += 0.01 * rng.standard_normal((n, 100))
    size = np.exp(0.05 * rng.standard_normal(2))
    points = tube(rng, n, radius=3 * size[0], length=60 * size[1])
    bend = np.linspace(-1, 1, 20) ** 2
    points[..., 2] += (8 + rng.standard_normal()) * bend + rng.normal(
        0, 1, (n, 1)
    ) * bend
    latents = rng.standard_normal((n, 3)) + 0.5 * rng.standard_normal(3)
    return summarise(to_sequence(points), {"FA": profiles}, latents)


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(0)
    ages = rng.uniform(20, 80, NB_SUBJECTS)
    found = [
        {("A<b>", *key): each for key, each in subject(rng, age).items()}
        for age in ages
    ]
    return {"age": ages, "sex": np.array(["F", "M"] * (NB_SUBJECTS // 2))}, found


@pytest.fixture(scope="module")
def norms(cohort):
    return learn_norms(*cohort, units={"age": "year"}, reference_group={"d": "x"})[0]


@pytest.fixture
def others():
    rng = np.random.default_rng(5)
    return {
        shift: {("A<b>", *key): one for key, one in subject(rng, 50, shift).items()}
        for shift in (0.0, -0.2)
    }


def test_shape_of_a_tube():
    measured, _ = shape_measures(tube(np.random.default_rng(0), 4000))
    found = dict(zip(MEASURES, np.exp(measured)))
    assert found["length"] == pytest.approx(60)
    assert found["volume"] == pytest.approx(60 * np.pi * 9, rel=0.03)
    assert found["spread"] == pytest.approx(3 / np.sqrt(2), rel=0.03)
    assert found["curvature"] < 1e-5


def test_shape_does_not_grow_with_the_number_of_streamlines():
    rng = np.random.default_rng(0)
    few = [shape_measures(tube(rng, 30))[0][:3] for _ in range(100)]
    many, covariance = shape_measures(tube(rng, 800))
    np.testing.assert_allclose(np.mean(few, axis=0), many[:3], atol=0.12)
    # Axes of a disc have a kurtosis of 2, and squares with a covariance of -1/3.
    assert np.sqrt(covariance[1, 1]) == pytest.approx(np.sqrt(1 / 3), rel=0.25)
    assert np.std(few, axis=0)[1] == pytest.approx(np.sqrt(1 / 90), rel=0.35)


def test_nodes_that_are_missing():
    rng = np.random.default_rng(0)
    values = rng.random((10, 100))
    values[:, 0], values[:8, 2], values[:2, 5] = np.nan, np.nan, np.nan
    given = {"FA": values, "MD": values * np.nan}
    found = summarise(to_sequence(tube(rng, 10)), given, values[:, 6:8])
    assert (PROFILE, "MD") not in found
    mean = found[PROFILE, "FA"].mean
    assert np.flatnonzero(np.isnan(mean)).tolist() == [0]
    assert mean[2] == pytest.approx(values[8:, 2].mean())
    covariance = found[PROFILE, "FA"].covariance
    assert covariance.shape == (100, 100)
    # Of those that most streamlines have, the nearest.
    np.testing.assert_array_equal(covariance[0], covariance[1])
    assert covariance[50, 60] == pytest.approx(
        np.cov(values[2:, 50], values[2:, 60])[0, 1]
    )


def test_a_usual_and_an_unusual_subject(norms, others):
    given = {"age": 50.0, "sex": "F"}
    usual, unusual = (score(norms, given, one) for one in others.values())
    key = ("A<b>", PROFILE, "FA")
    assert (usual[key].q > 0.05).all()
    assert (unusual[key].q < 0.01).all()
    assert (unusual[key].z < -4).all()
    assert (unusual[key].centiles < 1).all()
    assert unusual[key].q_together < 0.01 < usual[key].q_together


@pytest.mark.parametrize("shift", [0.0, -0.2])
def test_nodes_are_tested_within_what_is_found_together(norms, others, shift):
    from scipy.stats import false_discovery_control

    scores = score(norms, {"age": 50.0, "sex": "F"}, others[shift])
    found = [each for each in scores.values() if each.q_together <= 0.05]
    assert bool(found) == (shift < 0)
    for (_, kind, _), each in scores.items():
        if kind != LATENT:
            q = false_discovery_control(each.p) * len(scores) / max(len(found), 1)
            q = np.clip(q, each.q_together, 1)
            np.testing.assert_allclose(each.q, q)
            assert each.q_together <= 0.05 or (each.q > 0.05).all()
    together = [each.p_together for each in scores.values()]
    np.testing.assert_allclose(
        [each.q_together for each in scores.values()],
        false_discovery_control(together),
    )
    assert len(together) == 3


def test_numbers_out_of_the_range(norms):
    assert outside(norms, {"age": 50.0, "sex": "F"}) == []
    (said,) = outside(norms, {"age": 95.0, "sex": "F"})
    assert "age=95 is out of the range" in said
    assert "extrapolation" in said
    with pytest.raises(ValueError, match="by more than its width"):
        outside(norms, {"age": 200.0, "sex": "F"})


def test_a_condition_that_is_missing(norms, others):
    with pytest.raises(ValueError, match="sex is missing"):
        score(norms, {"age": 50.0}, others[0.0])


def test_what_too_few_subjects_have_has_no_norms(cohort):
    conditions, summaries = cohort
    fewer = [
        one if i < 2 else {key: each for key, each in one.items() if key[1] != SHAPE}
        for i, one in enumerate(summaries)
    ]
    norms, left_out = learn_norms(conditions, fewer)
    assert set(left_out) == {("A<b>", SHAPE, "")}
    assert "at least are needed" in left_out["A<b>", SHAPE, ""]
    assert set(norms.models) == {
        ("A<b>", PROFILE, "FA"),
        ("A<b>", LATENT, ""),
    }


def test_nothing_to_learn(cohort):
    conditions = {name: each[:1] for name, each in cohort[0].items()}
    with pytest.raises(ValueError, match="1 subject: "):
        learn_norms(conditions, cohort[1][:1])


def test_constants_are_said(cohort):
    conditions, summaries = cohort
    flat = Summary(np.full(100, 0.4), np.zeros((100, 100)), 30)
    constant = [{**one, ("A<b>", PROFILE, "FA"): flat} for one in summaries]
    _, left_out = learn_norms(conditions, constant)
    assert "all have the same values" in left_out["A<b>", PROFILE, "FA"]


def test_norms_are_the_same_from_a_file(norms, others, tmp_path):
    assert load_norms(tmp_path) is None
    save_norms(tmp_path, norms)
    read = load_norms(tmp_path)
    assert (
        read.describe()
        == norms.describe()
        == "norms of 24 subjects of d x, by sex, age"
    )
    given = {"age": 50.0, "sex": "F"}
    before, after = (score(one, given, others[-0.2]) for one in (norms, read))
    assert list(before) == list(after)
    for key, each in before.items():
        np.testing.assert_array_equal(after[key].z, each.z)
        assert after[key].p_together == each.p_together


def spoil_kind(plain, _):
    plain["blocks"][0]["kind"] = "<script>"


def spoil_knots(plain, _):
    plain["knots"]["other"] = [0.5]


def spoil_bundles(plain, _):
    plain["blocks"][0]["bundles"] = ["a", "b"]


def spoil_components(plain, _):
    plain["blocks"][0]["nb_components"] = 5


def spoil_size(_, arrays):
    arrays["0_effects"] = arrays["0_effects"][:, :-1]


def spoil_number(_, arrays):
    arrays["0_mixing"] = arrays["0_mixing"] * np.nan


def spoil_freedom(_, arrays):
    arrays["0_freedom"] = -arrays["0_freedom"]


def spoil_missing(_, arrays):
    del arrays["1_unit"]


def spoil_type(_, arrays):
    arrays["0_known"] = np.array([["a"] * 100])


@pytest.mark.parametrize(
    "spoil",
    [
        *(spoil_kind, spoil_knots, spoil_bundles, spoil_components, spoil_size),
        *(spoil_number, spoil_freedom, spoil_missing, spoil_type),
    ],
)
def test_a_file_that_does_not_fit(norms, tmp_path, spoil):
    save_norms(tmp_path, norms)
    plain = json.loads((tmp_path / "norms.json").read_text(encoding="utf-8"))
    with np.load(tmp_path / "norms.npz") as found:
        arrays = dict(found)
    spoil(plain, arrays)
    (tmp_path / "norms.json").write_text(json.dumps(plain), encoding="utf-8")
    np.savez(tmp_path / "norms.npz", **arrays)
    with pytest.raises(ValueError):  # noqa: PT011
        load_norms(tmp_path)
