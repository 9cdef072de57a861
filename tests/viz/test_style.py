"""Names of users and settings of users in figures."""

import logging

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.text import Text
import numpy as np
import pytest

from dipy_tractogen.viz import style
from dipy_tractogen.viz.evaluation import plot_measures
from dipy_tractogen.viz.latent.plots import (
    Colouring,
    plot_correlations,
    plot_projection,
)
from dipy_tractogen.viz.plots import plot_history, plot_tradeoff
from dipy_tractogen.viz.style import (
    LONGEST_LABEL,
    default_style,
    save_figure,
    short_label,
)

NAMES = ("$x^2_{a", "a$b\\frac{$", "100% {0} %s", "<i>&\"'", "_AF", "two\nlines")
HISTORY = {"epoch": [1, 2], "loss": [1e4, 1.0], "$extra_{": [1.0, 2.0]}
OF_USER = {
    "text.usetex": True,
    "font.size": 30,
    "savefig.bbox": "tight",
    "savefig.dpi": 20,
    "axes.facecolor": "yellow",
}


def projection(path):
    values = np.array(NAMES)[np.arange(60) % len(NAMES)]
    by = [Colouring("$na_me", values), Colouring("a$ge$", np.arange(60.0), "$y")]
    return plot_projection(np.eye(60)[:, :2], ("first", "second"), by, path)


def measures(path):
    shares = dict.fromkeys(("precision", "recall", "density", "coverage"), 0.5)
    entry = {"generated": shares, "real": shares}
    report = {"overall": entry, "bundles": dict.fromkeys(NAMES, entry)}
    return plot_measures(report, path)


def correlations(path):
    return plot_correlations(["z0"], NAMES, np.zeros((1, len(NAMES))), path)


def trials(path):
    row = dict.fromkeys(("kl_nats", "active_units", "quality"), 1.0)
    row |= {"beta": 1e-3, "state": "complete", "pareto": True, "recommended": True}
    return plot_tradeoff([{**row, "point_error_mm": 1.0}], path)


PLOTS = (projection, measures, correlations, trials)


def texts_of(monkeypatch, draw, path):
    """What a plot writes, without drawing it."""
    found = []

    def look(figure, file, **options):
        figure.canvas.draw()
        found.extend(figure.findobj(Text))
        file.write_bytes(b"")

    monkeypatch.setattr(Figure, "savefig", look)
    draw(path)
    return found


@pytest.mark.parametrize("draw", [*PLOTS, lambda path: plot_history(HISTORY, path)])
def test_no_text_is_taken_for_mathematics(draw, tmp_path, monkeypatch):
    texts = texts_of(monkeypatch, draw, tmp_path / "a.png")
    assert texts
    assert not any(text.get_parse_math() or text.get_usetex() for text in texts)
    said = [text.get_text() for text in texts]
    # Ticks of matplotlib's own would be formulas.
    assert not [text for text in said if "mathdefault" in text or "\n" in text]


def test_names_are_written_as_they_are(tmp_path, monkeypatch):
    said = [t.get_text() for t in texts_of(monkeypatch, projection, tmp_path / "a.png")]
    assert {"$x^2_{a", "a$b\\frac{$", "100% {0} %s", " _AF", "two\\nlines"} <= {*said}


@pytest.mark.parametrize("draw", [measures, trials])
def test_settings_of_the_user_change_nothing(draw, tmp_path):
    draw(tmp_path / "plain.png")
    with mpl.rc_context(OF_USER):
        draw(tmp_path / "theirs.png")
        assert mpl.rcParams["font.size"] == 30
    assert not mpl.rcParams["text.usetex"]
    one, two = ((tmp_path / n).read_bytes() for n in ("plain.png", "theirs.png"))
    assert one == two


def test_colours_chosen_within_our_style_hold():
    with default_style(), mpl.rc_context({"text.color": "red"}), default_style():
        assert mpl.rcParams["text.color"] == "red"


def test_labels_are_one_short_line():
    assert short_label("AF_L") == "AF_L"
    assert short_label("a\nb") == "a\\nb"
    assert short_label("caf\udce9") == "caf\\xe9"
    assert short_label("_AF") == " _AF"
    assert short_label("x" * 300) == f"{'x' * (LONGEST_LABEL - 1)}…"


def test_characters_without_a_glyph_are_told_once(tmp_path, caplog):
    from dipy_tractogen.viz.style import make_figure

    figure = make_figure(2)
    for axes in figure.axes:
        axes.set_title("\u8111 and \u6b63")
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        save_figure(figure, tmp_path / "a.png")
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("a.png: boxes stand for characters")
    assert "\u8111" in told
    assert "\u6b63" in told


def test_text_of_a_window_is_no_formula():
    rendering = pytest.importorskip("vtkmodules.vtkRenderingCore")

    from dipy_tractogen.viz.interactive import _text

    written = _text("$a^{2}$\nb", (0, 0, 0), 12, 0)
    assert written.GetInput() == "$a^{2}$\\nb"
    renderer = rendering.vtkTextRenderer.GetInstance()
    assert renderer.GetDefaultBackend() == rendering.vtkTextRenderer.FreeType


@pytest.mark.parametrize("name", ["a.png", "a.b.JPG", "a.svg", "a.pdf", "a.tif"])
def test_figures_have_any_extension_of_matplotlib(name):
    style.check_figure_name(name)


@pytest.mark.parametrize("name", ["a", "a.xyz", "png"])
def test_a_figure_of_another_extension_is_refused(name):
    with pytest.raises(ValueError, match=f"^{name}: a figure has .*pdf.*png"):
        style.check_figure_name(name)
