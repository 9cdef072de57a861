from dataclasses import MISSING, dataclass
import inspect

import pytest

from dipy_tractogen.utils.parameters import Parameters, parameter
from dipy_tractogen.workflows.options.parameters import defaults_of, with_parameters_of


@dataclass
class Shared(Parameters):
    size: int = parameter(3, "A number of things.", within="[1, 9]")
    out_dir: str = parameter("", "A folder.")


class Flow:
    @with_parameters_of(Shared)
    def run(self, files, beta=1.0, **others):
        """Train.

        Parameters
        ----------
        files : string
            What is read.
        beta : float, optional
            A weight.
        """
        return files, beta, others


def test_all_values_arrive_given_or_default():
    assert Flow().run("a") == ("a", 1.0, {"size": 3, "out_dir": ""})
    assert Flow().run("a", 2.0, 5) == ("a", 2.0, {"size": 5, "out_dir": ""})
    assert Flow().run("a", out_dir="b")[2]["out_dir"] == "b"


def test_signature_and_text_hold_all_parameters_in_order():
    names = ["files", "beta", "size", "out_dir"]
    assert list(inspect.signature(Flow().run).parameters) == names
    lines = inspect.getdoc(Flow.run).splitlines()
    assert lines[0] == "Train."
    assert [line.split(" : ")[0] for line in lines if " : " in line] == names


@dataclass
class Required(Parameters):
    folder: str = parameter(MISSING, "Where.")
    depth: int = parameter(2, "How deep.", within="[0, 9]")


def test_required_ones_come_first_and_outputs_last():
    class Both:
        @with_parameters_of(Required, Shared)
        def run(self, beta=1.0, out_file="a.txt", **others):
            """Do both.

            Parameters
            ----------
            beta : float, optional
                A weight,
                in two lines.
            out_file : string, optional
                A file.
            """
            return beta, out_file, others

    names = ["folder", "beta", "depth", "size", "out_file", "out_dir"]
    assert list(inspect.signature(Both().run).parameters) == names
    text = inspect.getdoc(Both.run)
    lines = [line for line in text.splitlines() if " : " in line]
    assert [line.split(" : ")[0] for line in lines] == names
    assert "A weight,\n    in two lines.\ndepth : int" in text
    others = {"folder": "here", "depth": 2, "size": 3, "out_dir": ""}
    assert Both().run("here", 2.0) == (2.0, "a.txt", others)


def test_method_without_parameters_of_its_own():
    class Plain:
        @with_parameters_of(Shared)
        def run(self, **given):
            """Do it."""
            return given

    assert Plain().run() == {"size": 3, "out_dir": ""}
    assert inspect.getdoc(Plain.run).startswith("Do it.\n\nParameters\n")


def test_unknown_parameters_are_refused():
    with pytest.raises(TypeError, match="gamma"):
        Flow().run("a", gamma=1)


def test_a_parameter_in_both_is_a_mistake():
    with pytest.raises(TypeError, match="size"):

        @with_parameters_of(Shared)
        def run(self, size=1, **others):
            """Train."""


def test_one_declaration_in_two_classes_is_one_option():
    @dataclass
    class Again(Parameters):
        size: int = parameter(3, "A number of things.", within="[1, 9]")

    class Twice:
        @with_parameters_of(Shared, Again)
        def run(self, **given):
            """Do it."""
            return given

    assert Twice().run() == defaults_of(Shared)
    assert set(Twice.run.declared) == {"size", "out_dir"}
