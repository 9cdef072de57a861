from matplotlib.image import imread
import numpy as np
import pytest

from dipy_tractogen.viz import plot_history, plots
from dipy_tractogen.viz.plots import plot_tradeoff

ROWS = [
    {"kl": i, "loss": 9.0 / i, "val_loss": 10.0 / i, "step": 10 * i, "seconds": 1.0}
    for i in range(1, 6)
]
COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}


@pytest.mark.parametrize("history", [ROWS, COLUMNS], ids=["rows", "columns"])
def test_a_plot_for_each_quantity_with_held_out_beside_training(
    history, tmp_path, monkeypatch
):
    figures = []
    make = plots.make_figure
    monkeypatch.setattr(
        plots,
        "make_figure",
        lambda number: figures.append(make(number)) or figures[-1],
    )
    path = plot_history(history, tmp_path / "history.png")
    assert imread(path)[..., :3].std() > 0
    loss, kl = figures[0].axes
    assert loss.get_title() == "Loss (nats)"
    training, held_out = loss.get_lines()
    np.testing.assert_array_equal(training.get_xdata(), COLUMNS["step"])
    np.testing.assert_array_equal(held_out.get_ydata(), COLUMNS["val_loss"])
    assert len(kl.get_lines()) == 1
    assert kl.get_xlabel() == "step"


def test_epochs_are_counted_where_there_is_no_step(tmp_path):
    assert plot_history({"loss": [3.0, np.nan, 1.0]}, tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ({}, "no curve"),
        ([], "no curve"),
        ({"step": [1, 2]}, "no curve"),
        ({"loss": [1, 2], "kl": [1]}, "loss 2, kl 1"),
    ],
)
def test_bad_history(history, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        plot_history(history, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_existing_file_is_kept(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        plot_history(ROWS, path)
    assert path.read_text(encoding="utf-8") == "mine"
    plot_history(ROWS, path, force=True)
    assert imread(path).ndim == 3


def trials():
    betas = [0.0, 0.5, 1.0, 4.0]
    return [
        {
            "trial": number,
            "state": "complete",
            "beta": beta,
            "point_error_mm": 0.3 + 0.1 * beta,
            "kl_nats": 30 / (1 + beta),
            "active_units": 8 - number,
            "quality": 0.7 + 0.05 * beta,
            "pareto": beta != 1,
            "recommended": beta == 0.5,
        }
        for number, beta in enumerate(betas)
    ]


@pytest.fixture
def figures(monkeypatch):
    made = []
    make = plots.make_figure
    monkeypatch.setattr(
        plots, "make_figure", lambda number: made.append(make(number)) or made[-1]
    )
    return made


def test_trials_and_the_chosen_one_are_drawn(figures, tmp_path):
    path = plot_tradeoff(trials(), tmp_path / "sweep.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    over_beta, active, by_divergence, by_quality, *_ = figures[0].axes
    np.testing.assert_allclose(over_beta.lines[0].get_ydata(), [0.3, 0.35, 0.4, 0.7])
    np.testing.assert_allclose(active.lines[0].get_ydata(), [8, 7, 6, 5])
    assert over_beta.get_xscale() == active.get_xscale() == "symlog"
    for axes in (by_divergence, by_quality):
        assert [text.get_text() for text in axes.texts] == ["0", "0.5", "1", "4"]
        drawn = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
        assert drawn == {
            "Pareto front": [0.3, 0.35, 0.7],
            "other trials": [0.4],
            "recommended": [0.35],
        }


def test_failed_trials_are_left_out(figures, tmp_path):
    failed = {"trial": 4, "state": "fail", "beta": 8.0, "reason": "nan"}
    plot_tradeoff([*trials(), failed], tmp_path / "sweep.png")
    assert len(figures[0].axes[0].lines[0].get_xdata()) == 4


def test_nothing_but_failures_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no trial"):
        plot_tradeoff([{"state": "fail"}], tmp_path / "sweep.png")
