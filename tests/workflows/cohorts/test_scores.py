"""The table of the scores of all subjects."""

import csv
import os
import time

from dipy_tractogen.workflows.cohorts.run import open_run
from dipy_tractogen.workflows.cohorts.scores import write_cohort_scores

ENDS = "desc-norms_scores.tsv"
HEAD = "bundle\tof\tvalue\tplace\tz\tp\tq\n"


def score(root, name):
    """Have scores of a subject that were written a while before they are moved."""
    made = root / "made.tsv"
    made.write_text(
        f"{HEAD}A\tprofile\tFA\tall\t3\t.01\t.01\nA\tprofile\tFA\t7\t3\t.01\t.01\n"
    )
    os.utime(made, (1, 1))
    place = root / name / "dwi" / f"{name}_{ENDS}"
    place.parent.mkdir(parents=True)
    made.rename(place)


def subjects(table):
    with open(table, encoding="utf-8", newline="") as stream:
        return [row["participant_id"] for row in csv.DictReader(stream, delimiter="\t")]


def test_scores_that_came_after_the_table_was_begun_are_added(tmp_path):
    table = tmp_path / "scores.tsv"
    with open_run(tmp_path) as mark:
        score(tmp_path, "sub-01")
        time.sleep(0.05)
        write_cohort_scores(table, tmp_path, ENDS, mark)
        assert subjects(table) == ["sub-01"]
        # Those of another process, whose file was whole before.
        score(tmp_path, "sub-02")
        time.sleep(0.05)
        write_cohort_scores(table, tmp_path, ENDS, mark)
        assert subjects(table) == ["sub-01", "sub-02"]
        before = table.stat().st_ino
        write_cohort_scores(table, tmp_path, ENDS, mark)
        assert table.stat().st_ino == before
