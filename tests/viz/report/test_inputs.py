import json

import pytest

from dipy_tractogen.viz.report.inputs import read_generation, read_latent, read_metrics

ENTRY = {"generated": {}, "real": {}}


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_the_record_of_a_generation_is_beside_it(tmp_path, caplog):
    said = {"tractogram": "b.trx", "command": "dipy", "model": {}}
    write(tmp_path / "b.trx.json", said)
    write(tmp_path / "b.trk.json", {**said, "command": "other"})
    write(tmp_path / "d.trk.json", {"tractogram": "d.trk", "categories": {}})
    a, b, d = (tmp_path / name for name in ("a.trx", "b.trx", "d.trk"))
    assert read_generation([a, d, b])["command"] == "dipy"
    assert read_generation([b.with_suffix(".trk"), b])["command"] == "other"
    assert read_generation([a, d]) == {}
    assert caplog.text == ""
    write(tmp_path / "a.trx.json", {"EchoTime": 0.1})
    assert read_generation([a]) == {}
    assert "a.trx.json is no JSON file of dipy_generate_streamlines" in caplog.text


def test_the_older_name_of_a_record_is_read_where_it_names_the_file(tmp_path):
    write(tmp_path / "a.json", {"tractogram": "a.trx", "command": "c", "model": {}})
    assert read_generation([tmp_path / "a.trx"])["command"] == "c"
    assert read_generation([tmp_path / "a.trk"]) == {}


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
