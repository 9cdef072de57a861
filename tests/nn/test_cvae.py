"""Lines whose conditions say where they are and how long."""

import numpy as np
import pytest

from dipy_tractogen.nn import CVAE, load_model
from dipy_tractogen.streamlines.geometry import lengths

NETWORK = {"hidden_units": (32, 32)}


@pytest.fixture(scope="module")
def cvae(lines):
    model = CVAE(24, 3, backbone_options=NETWORK)
    model.fit(**lines, epochs=400, learning_rate=5e-3)
    return model


def centres(points):
    return points.mean(axis=1)


def test_all_that_is_asked_is_given(cvae):
    asked = {"age": 55, "length": (45, 70), "group": "patient"}
    points, labels, values = cvae.generate(
        200, "y", conditions=asked, return_values=True
    )
    assert set(labels) == {1}
    assert centres(points)[:, 2].mean() == pytest.approx(55, abs=0.5)
    assert centres(points)[:, 1].mean() == pytest.approx(5, abs=0.7)
    np.testing.assert_allclose(values["age"], 55, rtol=1e-6)
    assert (values["group"] == 1).all()
    np.testing.assert_allclose(lengths(points), values["length"])
    np.testing.assert_allclose(values["asked_length"], values["length"], atol=1)
    assert values["asked_length"].min() >= 45 - 1e-3
    assert values["asked_length"].max() <= 70 + 1e-3


@pytest.mark.parametrize("age", [42, 50, 58])
def test_asked_number_moves_what_it_should(cvae, age):
    smooth = cvae.generate(100, conditions={"age": age}, smooth=True)[0]
    assert centres(smooth)[:, 2].mean() == pytest.approx(age, abs=0.7)


def test_what_no_condition_says_varies_as_it_did(cvae, lines):
    """No constant shape: the place along x, for one age, length, bundle and group."""
    asked = {"age": 50, "length": 60, "group": "control"}
    made = centres(cvae.generate(300, "y", conditions=asked, seed=1)[0])[:, 0]
    assert made.std() == pytest.approx(3, abs=1)


def test_latents_do_not_repeat_the_conditions(cvae, lines, of_held_out):
    """The decoder is told the age, so that the latents need not say it."""
    z = cvae.encode(lines["held_out"], of_held_out)
    age = np.abs([np.corrcoef(column, of_held_out["age"])[0, 1] for column in z.T])
    place = centres(lines["held_out"])[:, 0]
    along = np.abs([np.corrcoef(column, place)[0, 1] for column in z.T])
    assert along.max() > 0.9
    assert age.max() < 0.5


def test_held_out_lines_are_reconstructed_with_their_conditions(
    cvae, lines, of_held_out
):
    points = lines["held_out"]

    def error(values):
        made = cvae.reconstruct(points, values)
        return np.linalg.norm(made - points, axis=-1).mean()

    assert error(of_held_out) < 1.5
    others = {**of_held_out, "age": of_held_out["age"][::-1]}
    assert error(others) > 2 * error(of_held_out)


def test_question_outside_of_the_training_is_answered_with_a_warning(cvae, caplog):
    points, _ = cvae.generate(20, conditions={"age": 75})
    assert "age=75 is requested" in caplog.text
    assert "years: the result is an extrapolation" in caplog.text
    assert np.isfinite(points).all()


def test_trained_again_it_keeps_its_conditions(lines, tmp_path):
    """From a file, on fewer streamlines; other categories are refused."""
    first = CVAE(24, 2, backbone_options={"hidden_units": (8,)})
    first.fit(**lines, epochs=2)
    first.save(tmp_path / "first.keras")
    again = load_model(tmp_path / "first.keras")
    few = {**lines, "points": lines["points"][:40], "labels": lines["labels"][:40]}
    few["values"] = {name: each[:40] for name, each in lines["values"].items()}
    again.fit(**few, epochs=2)
    assert again.conditions == first.conditions
    assert again.record.bundle_counts == [20, 20]
    assert again.generate(7)[0].shape == (7, 24, 3)
    for changes in (
        {"bundle_names": ("y", "x")},
        {"values": {**few["values"], "group": np.repeat("control", 40)}},
        {"values": {"age": few["values"]["age"]}},
    ):
        with pytest.raises(ValueError, match="made for bundle: x, y; group: control"):
            again.fit(**{**few, **changes}, epochs=1)
