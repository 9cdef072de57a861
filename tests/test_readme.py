"""What the README shows is so."""

from pathlib import Path
import re
import textwrap

from dipy_tractogen.workflows.cli import cli_flows

README = Path(__file__).resolve().parents[1] / "README.rst"


def test_commands_are_the_registry():
    table = re.findall(
        r"^``(dipy_\w+)`` ", README.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert table == list(cli_flows)


def test_python_runs(tmp_path, monkeypatch):
    text = README.read_text(encoding="utf-8")
    block = re.search(r"code-block:: python\n\n((?:    .*\n|\n)+)", text)[1]
    source = textwrap.dedent(block)
    quick = source.replace("max_minutes=1", "epochs=2")
    assert quick != source
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(quick, names)
    assert names["points"].shape == (1000, 20, 3)
    assert names["z"].shape == (len(names["held_out"]), 16)
    bundles = names["load_bundles"]("synthetic.trx", out_of_bounds="keep")
    counts = bundles.counts()
    assert counts["AF_L"] + counts["CST_R"] == len(bundles) == 1000
