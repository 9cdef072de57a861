"""What the disk has no room for is refused beforehand."""

import logging
import shutil
from types import SimpleNamespace

import pytest

from dipy_tractogen.workflows.runtime.room import check_room


@pytest.fixture(autouse=True)
def _room(monkeypatch):
    """A disk with room for 5 GB."""
    usage = SimpleNamespace(free=5 * 10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)


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


MANY = str(10**12)


def test_numbers_that_cannot_be_are_refused(refused, model_file):
    for command, *arguments in (
        ("dipy_generate_streamlines", model_file, "--nb_streamlines", MANY),
        ("dipy_simulate_fibercup", "--nb_streamlines", MANY),
        ("dipy_simulate_cohort", "--nb_streamlines", MANY),
    ):
        error = refused(command, *arguments)
        assert f"--nb_streamlines {MANY}: some " in error
        assert "there is room for 5 GB: ask for fewer" in error
