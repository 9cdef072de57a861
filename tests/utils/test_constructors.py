from collections.abc import Sequence
from dataclasses import dataclass
import inspect

import pytest

from dipy_tractogen.utils.constructors import documented, takes
from dipy_tractogen.utils.parameters import Parameters, parameter


@dataclass(kw_only=True)
class Smoothing(Parameters):
    sigma: float | None = parameter(
        None, "Width of the kernel. Wider is smoother.", unit="mm", within="[0, 1e12]"
    )
    kernel: str = parameter("box", "Shape: box or normal.", choices=("box", "normal"))
    units: Sequence[int] = parameter(
        (3, 2), "Sizes of the layers.", unset=True, within="[1, 9]"
    )


class Base:
    def __init__(self, name="base"):
        self.name = name

    def get_config(self):
        return {"name": self.name}


@takes(Smoothing)
class Layer(Base):
    """Smooth.

    Parameters
    ----------
    {parameters}
    """


@takes(Smoothing)
class Model:
    """Smooth, too.

    Parameters
    ----------
    size : int
        Size.
    {parameters}
    """

    def __init__(self, size, *, more=(), **given):
        self.given = size, more, given


DEFAULTS = {"sigma": None, "kernel": "box", "units": (3, 2)}


def test_a_layer_has_them_as_attributes_and_in_its_configuration():
    layer = Layer(sigma=2.0, units=[4], name="first")
    expected = {**DEFAULTS, "sigma": 2.0, "units": (4,)}
    assert {name: getattr(layer, name) for name in DEFAULTS} == expected
    config = layer.get_config()
    assert config == {"name": "first", **expected, "units": [4]}
    assert Layer(**config).get_config() == config


def test_a_constructor_gets_them_given_or_default():
    assert Model(7, kernel="normal").given == (7, (), {**DEFAULTS, "kernel": "normal"})
    assert Model(size=7, more=(1,)).given == (7, (1,), DEFAULTS)


@pytest.mark.parametrize("made", [Layer, Model])
def test_unknown_parameters_are_refused(made):
    with pytest.raises(TypeError, match="depth"):
        made(*(() if made is Layer else (7,)), depth=1)


def test_signature_and_docstring_have_them():
    names = ["size", "more", *DEFAULTS]
    assert list(inspect.signature(Model).parameters) == names
    assert list(inspect.signature(Layer).parameters) == [*DEFAULTS, "kwargs"]
    text = inspect.getdoc(Layer)
    assert "sigma : float, optional\n    Width of the kernel, in mm. Wider is" in text
    assert 'kernel : {"box", "normal"}, optional\n    Shape: box or normal.\n' in text
    assert "units : sequence of int, optional\n    Sizes of the layers.\n" in text
    assert "**kwargs" in text
    assert "Raises\n------\nValueError\n" in text


def test_a_class_may_document_parameters_of_its_own():
    @documented()
    @dataclass
    class Options(Smoothing):
        """Options.

        Attributes
        ----------
        {parameters}
        """

    assert "Sizes of the layers.\n\nRaises\n" in Options.__doc__


def test_values_are_checked():
    with pytest.raises(ValueError, match="kernel='cone': accepted are box, normal"):
        Layer(kernel="cone")
    with pytest.raises(ValueError, match="units=0: give a whole number"):
        Model(7, units=[0])


def test_a_function_takes_declared_parameters():
    @takes(Smoothing)
    def smooth(values, **given):
        """Smooth values.

        Parameters
        ----------
        values : list
            The values.
        {parameters}
        """
        return values, given["sigma"], given["kernel"]

    assert smooth([1]) == ([1], None, "box")
    assert smooth([1], sigma=3.0, kernel="normal") == ([1], 3.0, "normal")
    assert "sigma : float, optional" in smooth.__doc__
    with pytest.raises(ValueError, match=r"sigma=-1\.0"):
        smooth([1], sigma=-1.0)
    with pytest.raises(TypeError, match=r"smooth\(\)"):
        smooth([1], other=1.0)
