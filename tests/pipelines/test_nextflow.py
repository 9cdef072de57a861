"""The commands of the Nextflow modules; Nextflow itself is not of Python."""

from pathlib import Path
import re
import shlex

import pytest

from dipy_tractogen import __version__
from dipy_tractogen.workflows.cli import build_parser, load_flow

yaml = pytest.importorskip("yaml", reason="needs PyYAML")
MODULES = sorted(
    (Path(__file__).parents[2] / "pipelines" / "nextflow").glob("modules/local/*/*")
)
VALUES = {"args": "--seed 3", "prefix": "sub-01", "task.process": "P"}


def scripts_of(module):
    """Give the text of the script and of its stub."""
    text = (module / "main.nf").read_text(encoding="utf-8")
    return re.findall(r'"""\n(.*?)"""', text, re.DOTALL)


def filled(script):
    """Give a script with its variables filled in, each by its own name."""
    text = re.sub(r"(?<!\\)\$\{?([\w.]+)\}?", lambda v: VALUES.get(v[1], v[1]), script)
    return text.replace("\\\\\n", " ").replace("\\$", "$")


def test_there_are_modules():
    assert [module.name for module in MODULES] == ["filter", "generate", "label"]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_command_of_a_module_has_the_options_that_it_gives(module):
    script, stub = map(filled, scripts_of(module))
    command, *words = shlex.split(script.split("\n\n")[0])
    if module.name != "generate":
        words.remove("--seed")
        words.remove("3")
    parser = build_parser(command, load_flow(command)())
    given = vars(parser.parse_args(words))
    written = {value for name, value in given.items() if name.startswith("out_")}
    written.discard(None)
    assert written
    assert set(shlex.split(stub.split("\n\n")[0])) == {"touch", *written}
    for text in (script, stub):
        assert f"$({command} --version | cut -d ' ' -f 2)" in text


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_descriptions_are_those_of_the_module(module):
    text = (module / "main.nf").read_text(encoding="utf-8")
    meta = yaml.safe_load((module / "meta.yml").read_text(encoding="utf-8"))
    process = f"{module.parent.name}_{module.name}"
    assert meta["name"] == process
    assert f"process {process.upper()} {{" in text
    assert set(meta) == {
        *("name", "description", "keywords", "tools", "input", "output"),
        *("authors", "maintainers"),
    }
    read, written = re.search(
        r"input:\n(.*?)output:\n(.*?)when:", text, re.DOTALL
    ).groups()
    described = [
        name
        for channel in meta["input"]
        for entry in (channel if isinstance(channel, list) else [channel])
        for name in entry
    ]
    assert described == re.findall(r"(?:val\(|path\(|path )(\w+)", read)
    assert list(meta["output"]) == re.findall(r"emit: (\w+)", written)
    environment = yaml.safe_load((module / "environment.yml").read_text())
    assert environment["dependencies"][-1] == {
        "pip": [f"dipy_tractogen=={__version__}"]
    }
    test = (module / "tests" / "main.nf.test").read_text(encoding="utf-8")
    assert f'process "{process.upper()}"' in test
    assert test.count("process.out.") == len(meta["output"])
