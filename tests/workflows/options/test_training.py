import pytest

from dipy_tractogen.parameters.model import VAESizes
from dipy_tractogen.workflows.options.arguments import check_options
from dipy_tractogen.workflows.options.parameters import defaults_of
from dipy_tractogen.workflows.options.training import (
    OF_CONDITIONS,
    check_conditions,
    make_regularizers,
    names_to_load,
)


def given(**options):
    """Give the defaults of the command line, and what is told otherwise."""
    return {**defaults_of(VAESizes, *OF_CONDITIONS), **options}


def test_nothing_is_asked_for_by_default():
    check_conditions(given())
    assert make_regularizers(given()) == []
    assert names_to_load(given(), ()) == {"categorical": [], "continuous": []}


def test_options_reach_the_regularisers():
    options = given(
        label_weight=5.0,
        label_schedule="cosine",
        label_length=0.25,
        label_condition="diagnosis",
        attributes=["length", "age"],
        attribute_weight=2.0,
        attribute_form="sign",
        attribute_delta=3.0,
    )
    check_conditions(options)
    label, attribute = make_regularizers(options)
    config = label.get_config()
    expected = {"weight": 5.0, "schedule": "cosine", "length": 0.25}
    expected["condition"] = "diagnosis"
    assert {name: config[name] for name in expected} == expected
    config = attribute.get_config()
    expected = {"attributes": {"length": 0, "age": 1}, "weight": 2.0, "delta": 3.0}
    expected["form"] = "sign"
    assert {name: config[name] for name in expected} == expected


def test_what_is_left_out_has_the_default_of_its_class():
    from dipy_tractogen.nn import AttributeRegularizer, LabelRegularizer

    made = make_regularizers(given(label_weight=10.0, attributes=["length"]))
    defaults = (LabelRegularizer(), AttributeRegularizer({"length": 0}))
    for one, default in zip(made, defaults):
        ours, theirs = one.get_config(), default.get_config()
        assert ours.pop("name")
        assert theirs.pop("name")
        assert ours == theirs


def test_what_a_model_needs_is_loaded():
    options = given(continuous=["age"], label_condition="site", participants="a.tsv")
    assert names_to_load(options, ("site", "age", "dose")) == {
        "categorical": ["site"],
        "continuous": ["age", "dose"],
    }


@pytest.mark.parametrize(
    ("options", "needed", "said"),
    [
        ({"participants": "a.tsv"}, (), "name the columns"),
        ({"participants": "a.tsv", "categorical": ["subject"]}, (), "name the columns"),
        (
            {"categorical": ["age"]},
            ("age",),
            "age is a category, and a number is needed",
        ),
        (
            {"label_condition": "length"},
            ("length",),
            "length is a number, and a category",
        ),
        (
            {"label_condition": "age", "continuous": ["age"]},
            ("age",),
            "age is a number",
        ),
        (
            {"attributes": ["bundle"]},
            ("bundle",),
            "bundle is a category, and a number is needed",
        ),
    ],
)
def test_names_that_cannot_be_loaded_are_refused(options, needed, said):
    with pytest.raises(ValueError, match=said):
        names_to_load(given(**options), needed)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"categorical": []}, "--categorical: give one or more"),
        ({"continuous": ["age", "age"]}, "--continuous: age is given twice"),
        ({"label_weight": -1.0}, "--label_weight -1"),
        ({"label_length": 0.5}, "--label_length 0.5 goes with --label_weight above 0"),
        ({"label_condition": "bundle"}, "goes with --label_weight"),
        ({"label_weight": 1.0, "label_schedule": "linear"}, "sigmoid, cosine"),
        ({"label_weight": 1.0, "label_length": 0.0}, "--label_length 0"),
        ({"attribute_weight": 1.0}, "goes with --attributes"),
        ({"attribute_form": "sign"}, "goes with --attributes"),
        ({"attributes": ["a"], "attribute_form": "square"}, "sign, difference"),
        ({"attributes": ["a"], "attribute_delta": 1.0}, "with --attribute_form sign"),
        ({"attributes": ["a"], "attribute_weight": float("nan")}, "weight nan"),
        ({"attributes": ["a", "b", "c"]}, "there are 2 latent dimensions"),
    ],
)
def test_options_without_effect_or_sense_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        checked(given(latent_dim=2, **options))


def checked(every):
    """Check options as a training does."""
    for each in OF_CONDITIONS:
        check_options(every, each.options())
    check_conditions(every)
