import copy

from matplotlib.image import imread
import numpy as np
from numpy.testing import assert_array_equal
import pytest

from dipy_tractogen.viz.evaluation import plot_distributions, plot_measures

MEASURES = ("precision", "recall", "density", "coverage")


def entry(value, interval):
    kinds = {kind: dict.fromkeys(MEASURES, value) for kind in ("generated", "real")}
    intervals = {kind: dict.fromkeys(MEASURES, interval) for kind in kinds}
    return {**kinds, "intervals": intervals}


@pytest.fixture
def report():
    shares = {"generated": [0.2, 0.8], "real": [0.5, 0.5]}
    found = {"unit": "mm", "edges": [0.0, 10.0, 20.0], "overall": shares}
    other = {"generated": [1.0, 0.0], "real": [0.0, 1.0]}
    return {
        "overall": entry(0.9, [0.8, 0.95]),
        "bundles": {"AF_L": entry(0.5, [0.3, 0.6]), "b_$1$": entry(None, None)},
        "distributions": {"length": {**found, "bundles": {"AF_L": other}}},
    }


def pixels(path):
    return imread(path)


def test_distributions_are_those_of_the_bundle(tmp_path, report):
    whole = plot_distributions(report, tmp_path / "all.png")
    bundle = plot_distributions(report, tmp_path / "one.png", bundle="AF_L")
    assert not np.array_equal(pixels(whole), pixels(bundle))
    report["distributions"]["length"]["overall"] = report["distributions"]["length"][
        "bundles"
    ]["AF_L"]
    same = plot_distributions(report, tmp_path / "same.png")
    assert_array_equal(pixels(same), pixels(bundle))


def test_measures_have_a_line_a_bundle_and_intervals(tmp_path, report):
    drawn = pixels(plot_measures(report, tmp_path / "a.png"))
    fewer = copy.deepcopy(report)
    del fewer["bundles"]["b_$1$"]
    assert len(pixels(plot_measures(fewer, tmp_path / "b.png"))) < len(drawn)
    # A report of an older version has no intervals.
    for each in (report["overall"], *report["bundles"].values()):
        del each["intervals"]
    assert not np.array_equal(pixels(plot_measures(report, tmp_path / "c.png")), drawn)


def test_a_bundle_may_have_the_name_of_the_first_line(tmp_path, report):
    one = plot_measures(report, tmp_path / "one.png")
    report["bundles"]["all bundles"] = report["bundles"].pop("AF_L")
    two = plot_measures(report, tmp_path / "two.png")
    assert pixels(one).shape[0] == pixels(two).shape[0]


def test_measures_that_are_not_there_are_left_out(tmp_path, report):
    report["overall"]["generated"] = {}
    report["bundles"]["AF_L"]["intervals"] = {"real": {"recall": [None, None]}}
    assert plot_measures(report, tmp_path / "a.png").exists()


def test_what_cannot_be_drawn_is_refused(tmp_path, report):
    with pytest.raises(ValueError, match=r"CST.*AF_L"):
        plot_distributions(report, tmp_path / "a.png", bundle="CST")
    del report["distributions"]
    with pytest.raises(ValueError, match="no distributions"):
        plot_distributions(report, tmp_path / "a.png")
    report["overall"] = entry(None, None)
    report["bundles"] = {}
    with pytest.raises(ValueError, match="nothing to draw"):
        plot_measures(report, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_a_figure_is_replaced_only_by_force(tmp_path, report):
    path = plot_measures(report, tmp_path / "a.png")
    with pytest.raises(FileExistsError):
        plot_distributions(report, path)
    before = path.read_bytes()
    plot_distributions(report, path, force=True)
    assert path.read_bytes() != before
