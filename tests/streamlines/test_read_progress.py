import logging

import pytest

from dipy_tractogen.streamlines.read_progress import MOST_NAMED, ReadProgress
from dipy_tractogen.streamlines.screening import ScreeningReport

FLAWED = ScreeningReport(10, 8, {"one point": 2})
WHOLE = ScreeningReport(5, 5)


@pytest.fixture
def read(tmp_path, caplog):
    """Read empty files of which some are flawed; give the messages."""
    caplog.set_level(logging.INFO, "dipy_tractogen")

    def run(nb_files, nb_flawed):
        files = [tmp_path / f"{number:03}.trk" for number in range(nb_files)]
        for file in files:
            file.write_bytes(bytes(1000))
        progress = ReadProgress(files)
        for number, file in enumerate(progress.iterate()):
            progress.add(file, FLAWED if number < nb_flawed else WHOLE)
        progress.finish()
        said = [(record.levelname, record.getMessage()) for record in caplog.records]
        return progress, said

    return run


def test_few_files_are_named_with_what_is_dropped(read):
    progress, said = read(3, 1)
    first, second, third = progress.files
    assert said == [
        ("INFO", f"Reading {first}"),
        ("WARNING", f"{first}: kept 8 of 10 streamlines; dropped: 2 one point"),
        ("INFO", f"Reading {second}"),
        ("INFO", f"Reading {third}"),
    ]
    assert (progress.report.total, progress.report.kept) == (20, 18)


def test_many_files_are_summed_up(read):
    _, said = read(200, 50)
    assert said[0] == ("INFO", "Reading 200 files, 200kB")
    assert len(said) == MOST_NAMED + 2
    assert said[-1] == (
        "WARNING",
        "50 of 200 files: kept 1,150 of 1,250 streamlines; dropped: 100 one point",
    )
