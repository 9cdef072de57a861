import json

import pytest

from dipy_tractogen.viz.report.inputs import read_generation, read_latent, read_metrics

ENTRY = {"generated": {}, "real": {}}


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_the_record_of_a_generation_is_beside_it(tmp_path, caplog):
    write(tmp_path / "b.json", {"command": "dipy", "model": {}})
    write(tmp_path / "c.json", {"EchoTime": 0.1})
    a, b, c = (tmp_path / f"{name}.trx" for name in "abc")
    assert read_generation([a, b])["command"] == "dipy"
    assert read_generation([a]) == {}
    assert caplog.text == ""
    assert read_generation([c]) == {}
    assert "c.json is no JSON file of dipy_generate_streamlines" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[1]",
        {"overall": ENTRY},
        {"overall": ENTRY, "bundles": [1]},
        {"overall": ENTRY, "bundles": {"a": {"generated": {}}}},
        {"overall": 1, "bundles": {}},
        "[" * 100_000,
    ],
)
def test_other_files_are_refused_as_metrics(content, tmp_path):
    path = write(tmp_path / "metrics.json", content)
    with pytest.raises(ValueError, match="no JSON file of dipy_evaluate_streamlines"):
        read_metrics(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"metrics\.json does not exist"):
        read_metrics(tmp_path / "metrics.json")


@pytest.mark.parametrize("name", ["../a.png", "/etc/passwd", "", 7])
def test_figures_elsewhere_are_refused(name, tmp_path):
    path = write(tmp_path / "latent.json", {"figures": [{"file": name}]})
    with pytest.raises(ValueError, match="name of a file of this folder"):
        read_latent(path)


def test_figures_beside_it_are_taken(tmp_path):
    latent = {"figures": [{"file": "a.png"}], "active": 3}
    assert read_latent(write(tmp_path / "latent.json", latent)) == latent
