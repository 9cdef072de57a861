from collections.abc import Sequence
from dataclasses import MISSING, dataclass
import math

import pytest

from dipy_tractogen.utils.parameters import Parameters, parameter, schema_of
from dipy_tractogen.utils.schema import SchemaError


@dataclass(kw_only=True)
class Smoothing(Parameters):
    share: float = parameter(0.5, "Share that is smoothed.", within="(0, 1]")
    sigma: float | None = parameter(
        None, "Width of the kernel. Wider is smoother.", unit="mm", within="[0, 1e12]"
    )
    kernel: str = parameter("box", "Shape: box or normal.", choices=("box", "normal"))
    units: Sequence[int] = parameter(
        (3, 2), "Sizes of the layers.", unset=True, within="[1, 9]"
    )
    padded: bool = parameter(
        True, "Pad the ends.", option="bare", negated="Leave the ends as they are."
    )
    limit: float = parameter(
        1.0, "Largest slope.", may_be_infinite=True, option=None, within="[0, 1e12]"
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"share": 0}, "share=0: give a number more than 0 and at most 1."),
        ({"share": True}, "share=True: give a number"),
        ({"share": "a"}, "share='a': give a number"),
        ({"share": math.nan}, "share=nan: give a number"),
        ({"share": 1e-300}, "share=1e-300: give a number from 1e-12 to 1"),
        ({"share": None}, "share=None: give a number"),
        ({"sigma": math.inf}, "sigma=inf: give a number at least 0 and at most"),
        ({"kernel": "cone"}, "kernel='cone': accepted are box, normal."),
        ({"kernel": ["box"]}, r"kernel=\['box'\]: accepted are"),
        ({"units": [2.5]}, "units=2.5: give a whole number from 1 to 9."),
        ({"units": [3, 10]}, "units=10: give a whole number"),
        ({"units": 3}, "units=3: give a sequence"),
        ({"limit": -1}, "limit=-1: give a number at least 0"),
        ({"limit": 1e308}, r"limit=1e\+308: give a number at least 0 and at most"),
    ],
)
def test_what_is_not_accepted_is_named_with_what_is(given, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        Smoothing(**given)


def test_limits_that_are_accepted():
    some = Smoothing(share=1, sigma=0, limit=math.inf, units=())
    assert (some.share, some.sigma, some.limit, some.units) == (1, 0, math.inf, ())


def test_options_of_a_command():
    options = Smoothing.options()
    assert list(options) == ["share", "sigma", "kernel", "units", "bare"]
    assert [one.option_default for one in options.values()] == [
        *(0.5, None, "box", None, False)
    ]
    assert options["units"].entry(option=True) == (
        "units : variable int, optional\n    Sizes of the layers; by default 3 2.\n"
    )
    assert "Leave the ends" in options["bare"].entry(option=True)
    given = {"share": 1.0, "sigma": None, "kernel": "box", "units": None, "bare": True}
    taken = Smoothing.from_options({**given, "other": 1})
    assert taken == {"share": 1.0, "sigma": None, "kernel": "box", "padded": False}


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("share", 0.0, "--share 0.0: give a number more than 0 and at most 1."),
        ("kernel", "cone", "--kernel cone: accepted are box, normal."),
        ("units", [], "--units: give one or more, or leave it out."),
        ("units", [0], "--units 0: give a whole number from 1 to 9."),
    ],
)
def test_messages_are_in_the_words_of_the_command_line(option, value, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        Smoothing.options()[option].check(value, option=True)


def test_some_of_the_parameters():
    some = Smoothing.only("kernel", "sigma")
    assert list(some.options()) == ["sigma", "kernel"]
    assert some.declared()["sigma"] == Smoothing.declared()["sigma"]
    with pytest.raises(ValueError, match="accepted are box, normal"):
        some(kernel="cone")


def test_one_without_a_default_is_needed():
    @dataclass
    class Needed(Parameters):
        files: str = parameter(MISSING, "What is read.")

    (one,) = Needed.options().values()
    assert one.is_needed
    assert one.entry(option=True) == "files : string\n    What is read.\n"


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("share", 0.25, 2),
        ("sigma", None, -1),
        ("kernel", "box", "cone"),
        ("units", [1, 9], [10]),
        ("padded", False, 0),
    ],
)
def test_what_a_file_may_hold(name, right, wrong):
    check = schema_of(Smoothing)[name]
    check(right, name)
    with pytest.raises(SchemaError, match=name):
        check(wrong, name)
