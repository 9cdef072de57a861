from matplotlib.figure import Figure
import numpy as np
import pytest

from dipy_tractogen.viz.latent.plots import (
    Colouring,
    plot_correlations,
    plot_projection,
    plot_units,
)

RNG = np.random.default_rng(0)
PLACES = RNG.normal(size=(60, 2))
BUNDLES = Colouring("bundle", np.repeat(["AF_L", "AF_R", "CST_L"], 20))
LENGTHS = Colouring("length", np.linspace(40, 90, 60), "mm")
AXES = ("PC 1 (60 %)", "PC 2 (20 %)")


@pytest.fixture
def figures(monkeypatch):
    """Figures that are saved, as they are at that time."""
    saved = []
    save = Figure.savefig

    def note(figure, *args, **kwargs):
        saved.append(figure)
        return save(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", note)
    return saved


def test_a_projection_has_a_legend_and_a_colour_bar(figures, tmp_path):
    path = plot_projection(PLACES, AXES, [BUNDLES, LENGTHS], tmp_path / "a.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    by_bundle, by_length, bar = figures[0].axes
    texts = [text.get_text() for text in by_bundle.get_legend().get_texts()]
    assert texts == ["AF_L", "AF_R", "CST_L"]
    assert by_bundle.get_xlabel() == by_length.get_xlabel() == AXES[0]
    assert bar.get_ylabel() == "length (mm)"
    (points,) = by_bundle.collections
    assert sorted(map(tuple, points.get_offsets())) == sorted(map(tuple, PLACES))
    # Three colours, each of a bundle: 20 points of each.
    _, counts = np.unique(points.get_facecolors(), axis=0, return_counts=True)
    assert counts.tolist() == [20, 20, 20]
    low, high = by_length.collections[0].get_clim()
    assert 40 < low < 42
    assert 88 < high < 90


def test_places_without_a_scale_have_no_numbers(figures, tmp_path):
    plot_projection(PLACES, AXES, [LENGTHS], tmp_path / "a.png", has_scale=False)
    assert len(figures[0].axes[0].get_xticks()) == 0


def test_a_long_legend_is_cut(figures, tmp_path):
    many = Colouring("subject", np.array([f"sub-{n % 50:02d}" for n in range(60)]))
    plot_projection(PLACES, AXES, [many], tmp_path / "a.png")
    texts = [text.get_text() for text in figures[0].axes[0].get_legend().get_texts()]
    assert len(texts) == 41
    assert texts[-1] == "and 10 more"


def test_impossible_projections_are_refused(tmp_path):
    path = tmp_path / "a.png"
    with pytest.raises(ValueError, match="nothing to colour by"):
        plot_projection(PLACES, AXES, [], path)
    with pytest.raises(ValueError, match=r"length: there are values of the shape \(60"):
        plot_projection(PLACES[:9], AXES, [LENGTHS], path)
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        plot_projection(PLACES, AXES, [LENGTHS], path)
    assert path.read_text(encoding="utf-8") == "mine"


def test_dimensions_are_sorted_and_those_not_active_are_grey(figures, tmp_path):
    units = {"variance": np.array([0.5, 0.001, 0.9]), "kl": np.array([1.0, 0.0, 2.0])}
    active = units["variance"] > 0.01
    names = ["z0", "z1", "z2"]
    plot_units(names, units, active, tmp_path / "a.png", threshold=0.01)
    variance, kl = figures[0].axes
    for axes, key in ((variance, "variance"), (kl, "kl")):
        ticks = [tick.get_text() for tick in axes.get_xticklabels()]
        assert ticks == ["z2", "z0", "z1"]
        heights = {round(bar.get_x() + 0.4): bar.get_height() for bar in axes.patches}
        assert [heights[n] for n in range(3)] == units[key][[2, 0, 1]].tolist()
    colours = [bar.get_facecolor() for bar in variance.patches]
    assert colours[0] == colours[1] != colours[2]
    legend = [text.get_text() for text in variance.get_legend().get_texts()]
    assert legend == ["threshold", "active", "not active"]


def test_without_posterior_or_threshold_there_are_only_variances(figures, tmp_path):
    units = {"variance": np.array([0.5, 3.0])}
    plot_units(["z0", "z1"], units, np.ones(2, bool), tmp_path / "a.png")
    (axes,) = figures[0].axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["active"]


def test_correlations_are_written_into_their_cells(figures, tmp_path):
    found = np.array([[1.0, -0.25], [-0.001, 0.5]])
    plot_correlations(["z0", "z1"], ["length", "x"], found, tmp_path / "a.png")
    axes, bar = figures[0].axes
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["1.00", "\N{MINUS SIGN}0.25", "0.00", "0.50"]
    assert axes.images[0].get_clim() == (-1, 1)
    assert bar.get_ylabel() == "Spearman's rank correlation"
