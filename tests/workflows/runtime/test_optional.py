"""Outputs that others do not depend on cost neither these nor the exit code 3."""

import json

import pytest

from dipy_tractogen.utils.messages import ThresholdsNotMet
from dipy_tractogen.viz import evaluation
from dipy_tractogen.workflows import cli
from dipy_tractogen.workflows.cli import main
from dipy_tractogen.workflows.flows.base import OutputsMissing, TractogenFlow

FAILURES = [
    OSError("full"),
    ValueError("no"),
    RuntimeError("of a library"),
    KeyError(1),
]


class DrawFlow(TractogenFlow):
    """Write a file, and a figure that may not be."""

    short_name = "draw"
    failure = None

    def run(self, verdict, out_dir="", out_file="a.json", out_png="a.png"):
        """Write a file and a figure.

        Parameters
        ----------
        verdict : string
            What is raised in the end.
        out_dir : string, optional
            Output folder.
        out_file : string, optional
            File.
        out_png : string, optional
            Figure.
        """
        paths = self.outputs(out_dir, out_file=out_file, out_png=out_png)
        with self.optional(paths["out_png"]):
            if self.failure:
                raise self.failure
            paths["out_png"].write_text("figure")
        paths["out_file"].write_text("file")
        self.log_written(paths.values())
        if verdict == "missed":
            raise ThresholdsNotMet("coverage")
        if verdict == "interrupt":
            raise KeyboardInterrupt


@pytest.fixture
def draw(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(cli, "load_flow", lambda command: DrawFlow)

    def run(verdict, failure=None):
        monkeypatch.setattr(DrawFlow, "failure", failure)
        code = main("dipy_draw", [verdict, "--out_dir", str(tmp_path)])
        return code, capsys.readouterr().err.splitlines()

    return run


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(
    ("verdict", "code"), [("good", 1), ("missed", 3), ("interrupt", 130)]
)
def test_failure_is_a_line_and_the_verdict_stands(
    draw, tmp_path, failure, verdict, code
):
    obtained, said = draw(verdict, failure)
    assert obtained == code
    errors = [line for line in said if line.startswith("ERROR: ")]
    assert errors[0].startswith(f"ERROR: {tmp_path}/a.png is not written: ")
    assert len(errors) == (1 if verdict == "good" else 2)
    assert f"INFO: Wrote {tmp_path}/a.json" in said
    assert f"INFO: Wrote {tmp_path}/a.png" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_run_without_failure_is_good(draw, tmp_path):
    code, said = draw("good")
    assert code == 0
    assert f"INFO: Wrote {tmp_path}/a.png" in said


def test_in_python_the_end_of_the_run_raises(tmp_path, monkeypatch):
    monkeypatch.setattr(DrawFlow, "failure", OSError("full"))
    flow = DrawFlow()
    with pytest.raises(OutputsMissing, match=r"a\.png is not written: full"):
        flow.run("good", out_dir=str(tmp_path))
    assert (tmp_path / "a.json").exists()
    monkeypatch.setattr(DrawFlow, "failure", None)
    DrawFlow(force=True).run("good", out_dir=str(tmp_path))


def fail(*_, **__):
    raise RuntimeError("no figure")


@pytest.mark.parametrize(("limit", "code"), [("each:coverage>=2", 3), (None, 1)])
def test_evaluation_keeps_its_verdict(
    bundle_files, tmp_path, monkeypatch, capsys, limit, code
):
    for name in ("plot_measures", "plot_distributions"):
        monkeypatch.setattr(evaluation, name, fail)
    file = str(bundle_files[0])
    options = ["--nb_bootstrap", "0", "--figures", "--out_dir", str(tmp_path)]
    if limit:
        options += ["--require", limit]
    assert main("dipy_evaluate_streamlines", [file, file, *options]) == code
    said = capsys.readouterr().err
    for name in ("measures.png", "distributions.png"):
        assert f"ERROR: {tmp_path}/{name} is not written: no figure" in said
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"metrics.json", "metrics.tsv"}
    assert json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
