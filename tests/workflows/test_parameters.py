import inspect

import pytest

from dipy_tractogen.workflows.parameters import with_parameters_of


def shared(size=3, out_dir=""):
    """Do something.

    Parameters
    ----------
    size : int, optional
        A number of things.
    out_dir : string, optional
        A folder.
    """


class Flow:
    @with_parameters_of(shared)
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


def test_unknown_parameters_are_refused():
    with pytest.raises(TypeError, match="gamma"):
        Flow().run("a", gamma=1)


def test_a_parameter_in_both_is_a_mistake():
    with pytest.raises(TypeError, match="size"):

        @with_parameters_of(shared)
        def run(self, size=1, **others):
            """Train."""
