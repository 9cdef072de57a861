"""Model files that were edited or damaged are refused in one line, before any work."""

import contextlib
import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.streamlines.reference import Reference


def changed_json(content, keys, value):
    plain = json.loads(content)
    *where, last = keys
    inner = plain
    for key in where:
        inner = inner[key]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return json.dumps(plain)


def test_the_whole_file_is_loaded(write):
    assert load_model(write()).record.density is not None


DEEP = json.loads("[" * 200 + "]" * 200)
RECORD_EDITS = [
    ("bundle_names", "AF"),
    ("bundle_names", ["AF"]),
    ("bundle_names", [["a"], ["b"]]),
    ("bundle_counts", [1.5, 2]),
    ("bundle_counts", []),
    ("length_ranges", [[1, 2], [4, 3]]),
    ("length_ranges", [[1], [2]]),
    ("length_ranges", [[1, 1e400], [1, 2]]),
    ("directions", None),
    ("directions", [[1.0], [1.0, 2.0]]),
    ("conditions", []),
    ("conditions", [3]),
    ("conditions", [{"name": ""}]),
    ("conditions", [{"name": "bundle", "categories": ["a", "b"], "more": 1}]),
    ("conditions", [{"name": "length"}, {"name": "length"}]),
    ("conditions", [{"name": "length", "deviation": 0}]),
    ("reference", {}),
    ("reference", {"affine": [[1]]}),
    ("truncation_mm", "small"),
    ("truncation_mm", -1),
    ("held_out_mm", {"mean": 1.0}),
    ("held_out_mm", [1]),
    ("active_units", 10**30),
    ("parameters", []),
    ("parameters", {"command": 1}),
    ("parameters", {"warnings": "text"}),
    ("parameters", {"other": DEEP}),
    ("data", {"files": ["a"]}),
    ("data", {"held_out_counts": {"a": -1}}),
    ("history", {}),
    ("history", [{"step": "1", "seconds": 0, "loss": 1}]),
    ("history", [{"loss": 1}]),
    ("history", [1, 2]),
    ("versions", {"keras": 3}),
]


@pytest.mark.parametrize(("entry", "value"), RECORD_EDITS)
def test_an_edited_record(parts, refused, entry, value):
    name = "assets/record.json"
    assert entry in refused(**{name: changed_json(parts[name], [entry], value)}).lower()


def edited_record(content, **changes):
    return json.dumps({**json.loads(content), **changes})


def test_a_record_without_lengths(parts, refused):
    """Latents are drawn by them."""
    name = "assets/record.json"
    conditions = json.loads(parts[name])["conditions"]
    others = [one for one in conditions if one["name"] != "length"]
    assert "without the number length" in refused(
        **{name: edited_record(parts[name], conditions=others)}
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [({"affine": np.zeros((4, 4)).tolist()}, "flat"), ({"voxel_order": "XYZ"}, "XYZ")],
)
def test_a_record_whose_grid_is_none(parts, write, change, said, refused):
    name = "assets/record.json"
    grid = Reference(np.eye(4), (9, 9, 9)).to_dict()
    assert load_model(
        write(**{name: edited_record(parts[name], reference=grid)})
    ).record.reference
    assert said in refused(
        **{name: edited_record(parts[name], reference={**grid, **change})}
    )


@pytest.mark.parametrize(
    "name", ["assets/record.json/x", "assets/../../x", "/x", "assets/" + "a" * 300]
)
def test_members_that_are_no_files_of_a_model(refused, tmp_path, monkeypatch, name):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    refused(**{name: "more"})
    assert not list((tmp_path / "temporary").iterdir())


def test_nothing_is_extracted_where_there_is_no_room(write, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(OSError, match=r"temporary files cannot be written in .*TMPDIR"):
        load_model(write())
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("content", ["", "[]", "[" * 10**5, "\xff", "NaN", None])
def test_a_record_that_is_none(refused, content):
    refused(**{"assets/record.json": content})


PARAMETERS = ("config", "parameters")
CONFIG_EDITS = [
    ([*PARAMETERS, "nb_points"], 10**9),
    ([*PARAMETERS, "nb_points"], "24"),
    ([*PARAMETERS, "latent_dim"], 10**9),
    ([*PARAMETERS, "latent_dim"], 5),
    ([*PARAMETERS, "latent_dim"], None),
    ([*PARAMETERS, "latent_dim"], ...),
    ([*PARAMETERS, "seed"], -1),
    ([*PARAMETERS, "sigma_mm"], 1e-300),
    ([*PARAMETERS, "sigma_mm"], "one"),
    ([*PARAMETERS, "beta"], [1]),
    ([*PARAMETERS, "unknown"], 1),
    ([*PARAMETERS, "backbone"], "transformer"),
    ([*PARAMETERS, "backbone_options", "hidden_units"], [60_000, 60_000]),
    ([*PARAMETERS, "backbone_options", "hidden_units"], [10**9]),
    ([*PARAMETERS, "backbone_options", "hidden_units"], 8),
    (
        ["config", "parameters", "backbone_options", "activation"],
        {"class_name": "Lambda"},
    ),
    ([*PARAMETERS, "backbone_options", "more"], 1),
    (
        ["config", "parameters", "regularizers"],
        [{"class_name": "Lambda", "config": {}}],
    ),
    ([*PARAMETERS, "conditions"], [{"name": 1}]),
    ([*PARAMETERS, "conditions"], [{"name": "age"}]),
    ([*PARAMETERS, "extra"], DEEP),
    (["config"], []),
    (["config", "parameters"], []),
    (["config", "model"], 5),
    (["config", "model"], "keras>Sequential"),
    (["registered_name"], 5),
    (["registered_name"], "keras>Sequential"),
]


@pytest.mark.parametrize(("keys", "value"), CONFIG_EDITS)
def test_an_edited_configuration(parts, refused, keys, value):
    content = changed_json(parts["config.json"], keys, value)
    refused(**{"config.json": content})


@pytest.mark.parametrize("model", ["CVAE", "AAE"])
def test_categories_beyond_the_file_take_no_memory(parts, refused, model):
    """A few bytes for each would make rows of several layers."""
    config = json.loads(parts["config.json"])
    config["config"]["model"] = f"dipy_tractogen>{model}"
    kept = ("nb_points", "latent_dim", "backbone", "regularizers")
    plain = {name: config["config"]["parameters"][name] for name in kept}
    plain["backbone_options"] = {"hidden_units": [512], "nb_coefficients": 24}
    plain["conditions"] = [
        {"name": "bundle", "categories": [str(number) for number in range(50_000)]},
        {"name": "length"},
    ]
    config["config"]["parameters"] = plain
    assert "layers for the" in refused(**{"config.json": json.dumps(config)})


def test_last_layer_of_a_classifier_is_counted(parts, refused):
    labels = {"hidden_units": [4000], "condition": "group"}
    regularizer = {
        "registered_name": "dipy_tractogen>LabelRegularizer",
        "config": labels,
    }
    keys = [*PARAMETERS, "regularizers"]
    config = json.loads(changed_json(parts["config.json"], keys, [regularizer]))
    config["config"]["parameters"]["conditions"] = [
        {"name": "group", "categories": [str(number) for number in range(10_000)]}
    ]
    assert "layers for the" in refused(**{"config.json": json.dumps(config)})


@keras.saving.register_keras_serializable(package="tests")
class Trap:
    """Notes that Keras made one of what a file says."""

    sprung = False

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        cls.sprung = True
        return cls()


@pytest.mark.parametrize("name", ["dtype", "weight", "schedule"])
def test_no_object_is_made_of_the_parameters_of_a_term(parts, write, name):
    trap = {
        "module": __name__,
        "class_name": "Trap",
        "config": {},
        "registered_name": "tests>Trap",
    }
    regularizer = {
        "registered_name": "dipy_tractogen>LabelRegularizer",
        "config": {name: trap},
    }
    keys = [*PARAMETERS, "regularizers"]
    content = changed_json(parts["config.json"], keys, [regularizer])
    with contextlib.suppress(ValueError):
        load_model(write(**{"config.json": content}))
    assert not Trap.sprung


@pytest.mark.parametrize("content", ["", "[]", "[" * 10**5, "{}", None])
def test_a_configuration_that_is_none(refused, content):
    refused(**{"config.json": content})


def test_bits_that_are_flipped(write):
    path = write()
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    nb_refused = 0
    for place in rng.integers(len(whole), size=60):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            load_model(path)
        except ValueError:
            nb_refused += 1
    # Not every bit matters.
    assert nb_refused > 40
