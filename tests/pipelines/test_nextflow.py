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


def text_of(module, name="main.nf"):
    return (module / name).read_text(encoding="utf-8")


def scripts_of(module):
    """Give the text of the script and of its stub."""
    return re.findall(r'"""\n(.*?)"""', text_of(module), re.DOTALL)


def filled(script):
    """Give a script with its variables filled in, each by its own name."""
    text = re.sub(r"(?<!\\)\$\{?([\w.]+)\}?", lambda v: VALUES.get(v[1], v[1]), script)
    return text.replace("\\\\\n", " ").replace("\\$", "$")


def test_there_are_modules():
    assert [module.name for module in MODULES] == ["filter", "generate", "label"]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_command_of_a_module_has_the_options_that_it_gives(module):
    script, stub = map(filled, scripts_of(module))
    command, *words = shlex.split(script)
    if module.name != "generate":
        words.remove("--seed")
        words.remove("3")
    parser = build_parser(command, load_flow(command)())
    given = vars(parser.parse_args(words))
    written = {value for name, value in given.items() if name.startswith("out_")}
    written.discard(None)
    assert written
    assert set(shlex.split(stub)) == {"touch", *written}
    assert f"eval(\"{command} --version | cut -d ' ' -f 2\")" in text_of(module)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_descriptions_are_those_of_the_module(module):
    text = text_of(module)
    meta = yaml.safe_load(text_of(module, "meta.yml"))
    process = f"{module.parent.name}_{module.name}"
    assert meta["name"] == process
    assert f"process {process.upper()} {{" in text
    assert set(meta) == {
        *("name", "description", "keywords", "tools", "input", "output", "topics"),
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
    test = text_of(module, "tests/main.nf.test")
    assert f'process "{process.upper()}"' in test
    assert test.count("process.out.") == len(meta["output"])


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_layout_is_that_of_nf_core(module):
    """What nf-core modules lint asks for, which needs a clone of nf-core/modules."""
    meta = yaml.safe_load(text_of(module, "meta.yml"))
    places = {"homepage", "documentation", "tool_dev_url", "doi"}
    assert all(places & set(*tool.values()) for tool in meta["tools"])
    versions = meta["output"]["versions_dipytractogen"]
    assert meta["topics"] == {"versions": versions}
    (expression,) = (name for one in versions[0] for name in one if "|" in name)
    line = re.search(r".*topic: versions.*", text_of(module))[0]
    assert re.findall(r"(?:val|eval)\((.*?)\)(?=,)", line) == [
        *('"${task.process}"', "'dipy_tractogen'", f'"{expression}"')
    ]
    environment = yaml.safe_load(text_of(module, "environment.yml"))
    assert environment["channels"] == ["conda-forge", "bioconda"]
    *pinned, by_pip = environment["dependencies"]
    assert pinned == sorted(pinned)
    assert all(re.fullmatch(r"conda-forge::\w+=[\d.]+", one) for one in pinned)
    assert by_pip == {"pip": [f"dipy_tractogen=={__version__}"]}
    tags = re.findall(r'^    tag "(.*)"$', text_of(module, "tests/main.nf.test"), re.M)
    group = module.parent.name
    assert tags == ["modules", "modules_local", group, f"{group}/{module.name}"]
