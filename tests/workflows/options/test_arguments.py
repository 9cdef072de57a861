import logging
import shutil
from types import SimpleNamespace

import pytest

from dipy_tractogen.workflows.options.arguments import (
    check_exclusive,
    check_int,
    check_needs,
    check_options,
    check_room,
)


def test_accepted_values_pass():
    check_int("number", 3)
    check_int("number", 0, low=0, high=0)
    check_exclusive({"a": 1, "b": None}, "a", "b")
    check_needs({"a": 1, "b": None, "c": 0}, {"a": ("b", "c"), "b": ("a",)})


def test_options_that_do_not_go_together():
    with pytest.raises(ValueError, match="--a 1 and --b x are both given: leave out"):
        check_exclusive({"a": 1, "b": "x"}, "a", "b")
    with pytest.raises(ValueError, match="--a is of no use without --b or --c: give"):
        check_needs({"a": 1, "b": None, "c": None}, {"a": ("b", "c")})


@pytest.mark.parametrize("value", [0, -3, 2.5, True, None, 11])
def test_impossible_whole_numbers(value):
    with pytest.raises(ValueError, match="whole number from 1 to 10"):
        check_int("number", value, high=10)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"nb_points": 1}, "--nb_points 1: give a whole number from 2 to 10000."),
        ({"nb_pairs": None}, "--nb_pairs None: give a whole number from 1"),
        ({"dtype": "int8"}, "--dtype int8: accepted are float32, float16."),
        ({"radius": 1e308}, r"--radius 1e\+308: give a number up to 1000000000."),
        ({"betas": [1.0, 1e-300]}, "--betas 1e-300: give a number from 1e-09 to"),
    ],
)
def test_options_that_a_command_documents_itself(given, said):
    check_options({"nb_points": None, "betas": [0.0], "other": "text", "is": True})
    with pytest.raises(ValueError, match=said):
        check_options(given)


@pytest.fixture
def _room(monkeypatch):
    """A disk with room for 5 GB."""
    usage = SimpleNamespace(free=5 * 10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)


@pytest.mark.usefixtures("_room")
def test_the_room_on_the_disk_is_looked_at_first(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "dipy_tractogen"):
        check_room(tmp_path / "new" / "folder", "--nb_streamlines 9", 10**6)
        assert caplog.text == ""
        check_room("", "--nb_streamlines 9", 3 * 10**9)
        assert "Some 3 GB are going to be written" in caplog.text
    said = f"--nb_streamlines 9: some 12 TB are to be written to {tmp_path}, where "
    with pytest.raises(ValueError, match=f"^{said}there is room for 5 GB: ask for few"):
        check_room(tmp_path / "new", "--nb_streamlines 9", 12 * 10**12)
    with pytest.raises(ValueError, match=r"some inf EB are"):
        check_room(tmp_path, "--nb_streamlines 9", 10**400)


@pytest.mark.usefixtures("_room")
def test_numbers_that_cannot_be_are_refused(refused, model_file):
    many = str(10**9)
    for command, *arguments in (
        ("dipy_generate_streamlines", model_file, "--nb_streamlines", many),
        ("dipy_simulate_fibercup", "--nb_streamlines", many),
        ("dipy_simulate_cohort", "--nb_streamlines", many),
    ):
        error = refused(command, *arguments)
        assert f"--nb_streamlines {many}: some " in error
        assert "there is room for 5 GB: ask for fewer" in error
