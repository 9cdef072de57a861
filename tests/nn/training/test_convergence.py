import pytest

from dipy_tractogen.nn.training.convergence import describe_shortness


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
