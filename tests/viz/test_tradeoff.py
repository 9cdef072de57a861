import numpy as np
import pytest

from dipy_tractogen.viz import tradeoff
from dipy_tractogen.viz.tradeoff import plot_tradeoff


def rows():
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
    make = tradeoff.make_figure
    monkeypatch.setattr(
        tradeoff, "make_figure", lambda number: made.append(make(number)) or made[-1]
    )
    return made


def test_trials_and_the_chosen_one_are_drawn(figures, tmp_path):
    path = plot_tradeoff(rows(), tmp_path / "sweep.png")
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
    plot_tradeoff([*rows(), failed], tmp_path / "sweep.png")
    assert len(figures[0].axes[0].lines[0].get_xdata()) == 4


def test_nothing_but_failures_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no trial"):
        plot_tradeoff([{"state": "fail"}], tmp_path / "sweep.png")
