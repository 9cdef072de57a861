"""The page of a scored subject."""

from dataclasses import replace

import numpy as np
import pytest

from dipy_tractogen.norms.norms import learn_norms
from dipy_tractogen.norms.scoring import score
from dipy_tractogen.norms.summary import PROFILE, summarise
from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.viz.report.subject_page import (
    SubjectInputs,
    most_unusual,
    write_subject_page,
)

NAME = "<img src=x onerror=alert(1)>"


def draw(rng, age, dip=0.0):
    points = np.cumsum(rng.normal(1, 0.1, (8, 12, 3)), axis=1)
    values = 0.5 - 0.001 * age + 0.02 * rng.standard_normal((8, 1)) - dip
    values = values + 0.01 * rng.standard_normal((8, 30))
    found = summarise(to_sequence(points), {NAME: values}, rng.standard_normal((8, 2)))
    return points, {("A&B", *key): each for key, each in found.items()}


@pytest.fixture(scope="module")
def inputs():
    rng = np.random.default_rng(0)
    ages = rng.uniform(20, 80, 12)
    norms, _ = learn_norms({"age": ages}, [draw(rng, age)[1] for age in ages])
    points, summaries = draw(rng, 85.0, dip=0.2)
    bundles = BundleSet(
        to_sequence(points),
        np.zeros(8, int),
        ("A&B",),
        Reference(np.eye(4), (60, 60, 60)),
    )
    given = {"age": 85.0}
    scores = score(norms, given, summaries)
    return SubjectInputs(NAME, norms, given, scores, bundles, [f"said of {NAME}"])


@pytest.fixture(scope="module")
def page(inputs, tmp_path_factory):
    return write_subject_page(inputs, tmp_path_factory.mktemp("page") / "page.html")


def test_names_are_no_markup(page):
    text = page.read_text(encoding="utf-8")
    assert NAME not in text
    assert "said of &lt;img src=x" in text
    assert "A&amp;B" in text
    assert "no statement about the health" in text


def test_the_most_unusual_comes_first(inputs):
    usual = {
        ("other", *key[1:]): replace(each, p_together=1.0)
        for key, each in inputs.scores.items()
    }
    assert most_unusual({**usual, **inputs.scores}) == ["A&B", "other"]


def test_without_profiles_no_nodes_are_counted(inputs, page, tmp_path):
    scores = {key: each for key, each in inputs.scores.items() if key[1] != PROFILE}
    without = replace(inputs, scores=scores)
    path = write_subject_page(without, tmp_path / "page.html")
    shown = [
        one.read_text(encoding="utf-8").count("of all profiles") for one in (page, path)
    ]
    assert shown == [1, 0]


def test_the_same_inputs_give_the_same_page(inputs, page, tmp_path):
    again = write_subject_page(inputs, tmp_path / "page.html")
    assert again.read_bytes() == page.read_bytes()


def test_a_browser_shows_it_without_a_network(browser, page):
    opened = browser.new_page()
    said, asked = [], []
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("dialog", lambda dialog: said.append(dialog.message))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(page.as_uri())
    assert opened.locator("h1").inner_text() == NAME
    assert opened.locator("img[src=x]").count() == 0
    # A plot has one image for each scheme: two of the profile, four of the shape.
    plots = opened.locator(".plots img:visible")
    assert plots.count() == 6
    for width, nb_columns in {1400: 2, 400: 1}.items():
        opened.set_viewport_size({"width": width, "height": 900})
        lefts = {round(plots.nth(index).bounding_box()["x"]) for index in range(6)}
        assert len(lefts) == nb_columns
    assert opened.locator("#together").count() == 1
    assert not said
    assert all(url.startswith(("file:", "data:", "blob:", "about:")) for url in asked)
    opened.close()
