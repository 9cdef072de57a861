"""What goes into the page, and what may not."""

from dataclasses import replace
from html.parser import HTMLParser
import re

import numpy as np
import pytest

from dipy_tractogen.nn.archive.record import TrainingRecord
from dipy_tractogen.viz.display import RenderingUnavailable
from dipy_tractogen.viz.report import ReportInputs, pictures, write_report

from .conftest import NAMES


class Page(HTMLParser):
    """Elements of a page with their attributes, and its text."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def values(self, tag, name):
        return [
            attributes.get(name) for each, attributes in self.elements if each == tag
        ]


@pytest.mark.usefixtures("drawn")
def test_same_inputs_give_the_same_bytes(inputs, tmp_path):
    first, second = (
        write_report(inputs, tmp_path / name).read_bytes()
        for name in ("a.htm", "b.htm")
    )
    assert first == second


@pytest.mark.usefixtures("drawn")
def test_nothing_from_files_becomes_markup(inputs, tmp_path):
    page = Page(write_report(inputs, tmp_path / "report.html"))
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert "b" not in [tag for tag, _ in page.elements]
    assert "<b>bold</b> warning" in page.text
    assert "Ünïcode \"quoted\" & 'single'" in page.text
    assert 'A "given" picture' in page.values("img", "alt")


@pytest.mark.usefixtures("drawn")
def test_everything_is_in_the_page(inputs, tmp_path):
    page = Page(write_report(inputs, tmp_path / "report.html"))
    assert all(source.startswith("data:") for source in page.values("img", "src"))
    assert all(target.startswith("#") for target in page.values("a", "href"))
    assert page.values("link", "href") == ["data:,"]
    policy = page.values("meta", "content")[1]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    attributes = {name for _, each in page.elements for name in each}
    assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_what_is_drawn(inputs, drawn, tmp_path):
    options = {"max_streamlines": 9, "mask": "brain.nii", "seed": 3}
    write_report(inputs, tmp_path / "report.html", **options)
    (pair, given), (rows, in_rows), (panels, last) = drawn
    assert [panel.title for panel in pair] == ["real", "generated"]
    assert given == options
    assert [row.name for row in rows] == sorted(NAMES)
    assert [[len(cell) for cell in row.cells] for row in rows] == [[12, 12]] * 3
    in_each = {"column_titles": ["real", "generated"], "max_streamlines": 3, "seed": 3}
    assert in_rows == in_each
    assert [panel.title for panel in panels] == ["original", "reconstructed"]
    assert last["color_by"] == "value"
    errors = inputs.reconstructed.values["error_mm"]
    assert all((panel.values == errors).all() for panel in panels)


def test_bundles_that_only_one_has(inputs, drawn, tmp_path):
    fewer = inputs.real.select(inputs.real.labels == 1)
    write_report(replace(inputs, real=fewer), tmp_path / "report.html")
    rows = drawn[1][0]
    assert [[len(cell) for cell in row.cells] for row in rows] == [
        *([0, 12], [12, 12], [0, 12])
    ]
    assert rows[0].texts == ["none", "12 streamlines"]


@pytest.mark.parametrize("chosen", [slice(12), slice(None, None, -1)])
def test_other_originals_have_no_error(inputs, drawn, tmp_path, chosen):
    """Fewer of them, or as many in another order."""
    rows = np.arange(len(inputs.real))[chosen]
    others = replace(inputs, real=inputs.real.select(rows), generated=None)
    page = Page(write_report(others, tmp_path / "report.html"))
    (alone, _), (panels, _) = drawn
    assert [panel.title for panel in alone] == ["real"]
    assert panels[0].values is None
    assert any(", in grey." in (alt or "") for alt in page.values("img", "alt"))


def test_a_model_alone_is_enough(inputs, drawn, tmp_path):
    alone = ReportInputs(inputs.model_file, inputs.model)
    page = Page(write_report(alone, tmp_path / "report.html"))
    assert drawn == []
    targets = page.values("a", "href")
    assert "#training" in targets
    assert not {"#evaluation", "#scenes", "#generation", "#latent"} & set(targets)
    assert len(page.values("img", "src")) == 2


def test_weights_from_elsewhere(inputs, tmp_path):
    model = type(inputs.model)(TrainingRecord(data={"checkpoint": {"a.pt": "0" * 64}}))
    alone = ReportInputs(inputs.model_file, model)
    page = Page(write_report(alone, tmp_path / "report.html"))
    assert "VAE of weights from elsewhere" in page.text
    assert "a.pt" in page.text
    assert page.values("img", "src") == []


@pytest.mark.usefixtures("drawn")
def test_without_rendering_the_report_says_why(inputs, monkeypatch, tmp_path):
    def fail(*_, **__):
        raise RenderingUnavailable("Rendering needs Xvfb: install xvfb.")

    monkeypatch.setattr(pictures, "render_bundles", fail)
    page = Page(write_report(inputs, tmp_path / "report.html"))
    assert "Pictures are missing. Rendering needs Xvfb: install xvfb." in page.text


@pytest.mark.usefixtures("drawn")
def test_existing_report_is_kept(inputs, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write_report(inputs, path)
    assert path.read_text(encoding="utf-8") == "mine"
    assert re.match(
        "<!DOCTYPE html>",
        write_report(inputs, path, force=True).read_text(encoding="utf-8"),
    )


@pytest.mark.parametrize("kind", ["pictures", "latent"])
def test_what_is_no_picture_is_refused_before_others_are_drawn(
    inputs, monkeypatch, tmp_path, kind
):
    monkeypatch.setattr(pictures, "render_bundles", pytest.fail)
    monkeypatch.setattr(pictures, "plot_history", pytest.fail)
    (tmp_path / "a.png").write_text("none")
    given = {"pictures": [tmp_path / "a.png"]}
    if kind == "latent":
        given = {"latent": {"figures": [{"file": "a.png"}]}, "latent_dir": tmp_path}
    with pytest.raises(ValueError, match=r"a\.png is no picture"):
        write_report(replace(inputs, **given), tmp_path / "report.html")
