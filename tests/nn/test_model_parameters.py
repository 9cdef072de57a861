"""Parameters of a model as attributes."""

import pytest

from dipy_tractogen.nn import AAE, RVAE, VAE


@pytest.mark.parametrize(
    ("model_class", "parameters"),
    [
        (VAE, {"beta": 0.5, "sigma_mm": 2.0}),
        (RVAE, {"attribute": "age", "beta": 0.5}),
        (AAE, {"reduction": "mean"}),
    ],
)
def test_parameters_are_read_and_not_set(model_class, parameters):
    model = model_class(8, 3, backbone_options={"hidden_units": (4,)}, **parameters)
    for name, value in parameters.items():
        assert getattr(model, name) == value
        assert name in dir(model)
        with pytest.raises(AttributeError, match=f"{name} is fixed .*make another"):
            setattr(model, name, value)


def test_what_is_not_there_says_where_it_is():
    model = VAE(8, 3, backbone_options={"hidden_units": (4,)})
    with pytest.raises(AttributeError, match=r"model\.network\.get_weights"):
        model.get_weights()
    with pytest.raises(AttributeError, match=r"VAE has no attribute 'no_such'\.$"):
        model.no_such  # noqa: B018
