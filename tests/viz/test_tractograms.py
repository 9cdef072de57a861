import re

import pytest

from dipy_tractogen.viz import display, grid
from dipy_tractogen.viz.tractograms import render_tractograms


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"view": ["up"]}, "view='up': accepted are auto, all, left"),
        ({"titles": ["a", "b"]}, "titles=('a', 'b'): give one title for each panel, 1"),
        ({"values": [3, 4]}, "values=(3 4): they are the columns of panels='length'"),
        ({"panels": "bundle", "background": "black"}, "background='black' and panels="),
        ({"panels": "bundle", "interactive": True}, "interactive=True and panels="),
        (
            {"panels": "length", "view": ["left", "top"]},
            "panels='length' give one side",
        ),
        ({"size": [300]}, "size=(300,): give a width and a height"),
    ],
)
def test_options_without_effect_are_refused(bundle_files, tmp_path, options, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        render_tractograms(bundle_files, tmp_path / "a.png", **options)
    assert not list(tmp_path.iterdir())


def test_a_row_for_each_bundle(bundle_files, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(display, "_why_not", lambda: None)
    monkeypatch.setattr(grid, "plot_grid", lambda *given, **more: drawn.append(given))
    render_tractograms(bundle_files, tmp_path / "a.png", panels="bundle")
    ((rows, path),) = drawn
    assert [row.name for row in rows] == [file.stem for file in bundle_files]
    assert path == tmp_path / "a.png"
