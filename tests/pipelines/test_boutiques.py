import json
from pathlib import Path
import subprocess
import sys

import pytest

from dipy_tractogen.workflows.cli import cli_flows

SCRIPT = Path(__file__).parents[2] / "pipelines" / "boutiques" / "describe.py"


@pytest.fixture(scope="module")
def describe():
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("describe", SCRIPT)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.describe


def test_descriptor_has_the_options_of_the_command(describe):
    found = describe("dipy_generate_streamlines")
    inputs = {one["id"]: one for one in found["inputs"]}
    assert inputs["model_file"]["type"] == "File"
    assert not inputs["model_file"]["optional"]
    assert inputs["nb_streamlines"]["integer"]
    assert inputs["nb_streamlines"]["command-line-flag"] == "--nb_streamlines"
    assert inputs["balanced"]["type"] == inputs["force"]["type"] == "Flag"
    assert inputs["bundles"]["list"]
    assert "out_tractogram_file" in {one["id"] for one in found["output-files"]}


def test_descriptors_are_valid(describe, tmp_path):
    boutiques = pytest.importorskip("boutiques", reason="needs Boutiques")
    for command in cli_flows:
        path = tmp_path / f"{command}.json"
        path.write_text(json.dumps(describe(command)))
        boutiques.validate(str(path))


def test_another_command_is_refused():
    line = [sys.executable, str(SCRIPT), "dipy_nothing"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR: dipy_nothing: the commands are")
