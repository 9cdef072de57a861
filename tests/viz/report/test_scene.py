from dataclasses import replace
import sys

import numpy as np

from dipy_tractogen.viz.report import ReportInputs, scene, write_report


def scenes_of(monkeypatch):
    """Note what a scene is made of, and make none."""
    calls = []

    def note(panels, **options):
        calls.append((panels, options))
        raise ImportError("no K3D")

    monkeypatch.setattr(scene, "make_scene", note)
    return calls


def test_panels_are_what_is_given_with_as_many_streamlines(inputs, monkeypatch):
    calls = scenes_of(monkeypatch)
    fewer = replace(inputs, generated=inputs.generated.select(np.arange(9)))
    for given, most in ((inputs, 20), (fewer, 20), (inputs, 5000)):
        made = scene.report_scene(given, max_streamlines=most, seed=2)
        assert made == (None, "no K3D")
    titles = [[panel.title for panel in panels] for panels, _ in calls]
    assert titles == 3 * [["real", "generated", "reconstructed"]]
    number = [options.pop("max_streamlines") for _, options in calls]
    assert number == [20, 9, len(inputs.real)]
    assert [options for _, options in calls] == 3 * [{"seed": 2}]


def test_originals_have_the_errors_of_their_reconstructions(inputs, monkeypatch):
    calls = scenes_of(monkeypatch)
    scene.report_scene(inputs, max_streamlines=9, seed=0)
    errors = inputs.reconstructed.values["error_mm"]
    real, generated, made = calls[0][0]
    for panel in (real, made):
        np.testing.assert_array_equal(panel.numbers["error_mm"], errors)
    # Here they are the same streamlines.
    assert "error_mm" in generated.numbers


def test_a_model_alone_has_no_scene(inputs, monkeypatch):
    calls = scenes_of(monkeypatch)
    alone = ReportInputs(inputs.model_file, inputs.model)
    assert scene.report_scene(alone, max_streamlines=9, seed=0) == (None, "")
    assert calls == []


def test_without_k3d_the_pictures_stay_and_a_line_says_so(
    inputs, drawn, monkeypatch, tmp_path
):
    from dipy_tractogen.viz.report import page

    monkeypatch.setattr(page, "report_scene", scene.report_scene)
    monkeypatch.setitem(sys.modules, "k3d", None)
    text = write_report(inputs, tmp_path / "a.html").read_text(encoding="utf-8")
    assert len(drawn) == 3
    assert text.count("<p>An interactive scene needs K3D, from version 3.2 and") == 1
    assert "data-page" not in text
