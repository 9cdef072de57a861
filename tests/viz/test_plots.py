from matplotlib.image import imread
import numpy as np
import pytest

from dipy_tractogen.viz import plot_history, plots

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
