"""Model files that were edited or damaged are refused in one line, before any work."""

import contextlib
import io
import json
import struct
import tracemalloc
from types import SimpleNamespace
import zipfile

import h5py
import keras
import numpy as np
import pytest

from dipy_tractogen.nn import VAE, load_model
from dipy_tractogen.streamlines.reference import Reference

from ..conftest import NB_POINTS

WEIGHTS = "model.weights.h5"


@pytest.fixture(scope="module")
def parts(arrays, tmp_path_factory):
    """Members of the file of a model that was hardly trained."""
    model = VAE(NB_POINTS, 3, backbone_options={"hidden_units": (8,)})
    given = {name: arrays[name][::8] for name in ("points", "labels")}
    model.fit(**given, bundle_names=arrays["bundle_names"], epochs=1)
    path = tmp_path_factory.mktemp("whole") / "model.keras"
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def write(parts, tmp_path):
    """Write the file with other members."""

    def write(compression=zipfile.ZIP_STORED, **changed):
        path = tmp_path / "edited.keras"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in {**parts, **changed}.items():
                if content is not None:
                    archive.writestr(name, content)
        return path

    return write


def refused(path):
    """Give the one line that a file is refused with."""
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        load_model(path)
    said = str(raised.value)
    assert said.startswith(str(path))
    assert len(said.splitlines()) == 1
    assert len(said) < 900
    assert "could not be loaded" not in said
    return said


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
def test_an_edited_record(parts, write, entry, value):
    name = "assets/record.json"
    path = write(**{name: changed_json(parts[name], [entry], value)})
    assert entry in refused(path).lower()


def edited_record(content, **changes):
    return json.dumps({**json.loads(content), **changes})


def test_a_record_without_lengths(parts, write):
    """Latents are drawn by them."""
    name = "assets/record.json"
    conditions = json.loads(parts[name])["conditions"]
    others = [one for one in conditions if one["name"] != "length"]
    path = write(**{name: edited_record(parts[name], conditions=others)})
    assert "without the number length" in refused(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"affine": np.zeros((4, 4)).tolist()}, "flat"), ({"voxel_order": "XYZ"}, "XYZ")],
)
def test_a_record_whose_grid_is_none(parts, write, change, said):
    name = "assets/record.json"
    grid = Reference(np.eye(4), (9, 9, 9)).to_dict()
    assert load_model(
        write(**{name: edited_record(parts[name], reference=grid)})
    ).record.reference
    path = write(**{name: edited_record(parts[name], reference={**grid, **change})})
    assert said in refused(path)


@pytest.mark.parametrize(
    "name", ["assets/record.json/x", "assets/../../x", "/x", "assets/" + "a" * 300]
)
def test_members_that_are_no_files_of_a_model(write, tmp_path, monkeypatch, name):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    refused(write(**{name: "more"}))
    assert not list((tmp_path / "temporary").iterdir())


def test_nothing_is_extracted_where_there_is_no_room(write, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(OSError, match=r"temporary files cannot be written in .*TMPDIR"):
        load_model(write())
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("content", ["", "[]", "[" * 10**5, "\xff", "NaN", None])
def test_a_record_that_is_none(write, content):
    refused(write(**{"assets/record.json": content}))


def edited(content, change):
    with np.load(io.BytesIO(content)) as stored:
        arrays = dict(stored)
    change(arrays)
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def put(name, value):
    return lambda arrays: arrays.update({name: value(arrays[name])})


LATENT_EDITS = [
    *(lambda arrays, n=n: arrays.pop(n) for n in ("means", "cells", "seed", "low")),
    put("means", lambda old: old[:, :2]),
    put("means", lambda old: old[:5]),
    put("means", lambda old: old.astype("U5")),
    put("means", lambda old: old.astype(complex)),
    put("means", lambda old: old * np.nan),
    put("means", lambda old: old * 0 + 1e30),
    put("means", lambda old: old.ravel()),
    put("deviations", lambda old: -1 - old),
    put("cell_of", lambda old: old + 1000),
    put("cell_of", lambda old: old - 1),
    put("cell_of", lambda old: old * 0),
    put("cell_of", lambda old: old[::-1]),
    put("numbers", lambda old: np.column_stack([old, old])),
    put("shares", lambda old: old * 0),
    put("active", lambda old: old.astype(int)),
    put("active", lambda old: np.ones(7, bool)),
    put("cells", lambda old: old + 100),
    put("cells", lambda old: old * 0),
    put("counts", lambda old: old * np.inf),
    put("low", lambda old: old + 1e6),
    put("seed", lambda old: np.array([1, 2])),
    put("seed", lambda old: np.array(-1)),
]


@pytest.mark.parametrize("change", LATENT_EDITS)
def test_edited_latents(parts, write, change):
    name = "assets/latents.npz"
    refused(write(**{name: edited(parts[name], change)}))


TEXTURE_EDITS = [
    *(lambda arrays, n=n: arrays.pop(n) for n in ("labels", "lengths", "ends_points")),
    put("nb_points", lambda old: old + 1),
    put("nb_points", lambda old: np.array([16])),
    put("coefficients", lambda old: old[..., :2]),
    put("coefficients", lambda old: np.concatenate([old] * 9, axis=1)),
    put("coefficients", lambda old: old[:, :0]),
    put("labels", lambda old: old + 1),
    put("labels", lambda old: old * 0),
    put("lengths", lambda old: old * 0),
    put("shapes", lambda old: old.astype(bool)),
    put("ends_labels", lambda old: old + 1),
    put("ends_blurs", lambda old: old[:1]),
    put("ends_widths", lambda old: old * np.nan),
]


@pytest.mark.parametrize("change", TEXTURE_EDITS)
def test_an_edited_texture(parts, write, change):
    name = "assets/texture.npz"
    refused(write(**{name: edited(parts[name], change)}))


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
def test_an_edited_configuration(parts, write, keys, value):
    content = changed_json(parts["config.json"], keys, value)
    refused(write(**{"config.json": content}))


@pytest.mark.parametrize("model", ["CVAE", "AAE"])
def test_categories_beyond_the_file_take_no_memory(parts, write, model):
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
    path = write(**{"config.json": json.dumps(config)})
    assert "layers for the" in refused(path)


def test_last_layer_of_a_classifier_is_counted(parts, write):
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
    path = write(**{"config.json": json.dumps(config)})
    assert "layers for the" in refused(path)


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
def test_a_configuration_that_is_none(write, content):
    refused(write(**{"config.json": content}))


def weights(change):
    """Give what makes other weights."""

    def edit(content):
        stream = io.BytesIO(content)
        with h5py.File(stream, "r+") as stored:
            change(stored)
        return stream.getvalue()

    return edit


def replaced(make):
    place = "encoder/layers/dense/vars/0"

    def change(stored):
        shape = stored[place].shape
        del stored[place]
        make(stored, place, shape)

    return weights(change)


WEIGHT_EDITS = [
    lambda content: b"",
    lambda content: content[: len(content) // 2],
    lambda content: b"\x89HDF\r\n\x1a\n" + bytes(200),
    lambda content: None,
    replaced(lambda f, at, shape: None),
    replaced(lambda f, at, shape: f.create_dataset(at, data=np.zeros(3, "f4"))),
    replaced(lambda f, at, shape: f.create_dataset(at, data=np.full(shape, np.nan))),
    replaced(lambda f, at, shape: f.create_dataset(at, data=np.full(shape, 1e30))),
    replaced(lambda f, at, shape: f.create_dataset(at, shape, dtype="S3")),
    replaced(
        lambda f, at, shape: f.create_dataset(at, (10**6, 10**6), chunks=(1000, 1000))
    ),
    replaced(
        lambda f, at, shape: f.create_dataset(
            at, shape, external=[("/etc/passwd", 0, 9**4)]
        )
    ),
    replaced(lambda f, at, shape: f.update({at: h5py.ExternalLink("/tmp/a.h5", "/a")})),
    replaced(lambda f, at, shape: f.update({at: h5py.SoftLink("/vars/0")})),
    replaced(lambda f, at, shape: f.create_group(at)),
    weights(lambda f: f.update({"encoder/again": f["encoder"]})),
]


@pytest.mark.parametrize("edit", WEIGHT_EDITS)
def test_edited_weights(parts, write, edit):
    refused(write(**{WEIGHTS: edit(parts[WEIGHTS])}))


def test_a_header_of_petabytes_takes_no_memory(write):
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (10**15,), }"
    text = text.replace(b"10**15", b"1000000000000000") + b"\n"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        header = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
        archive.writestr("means.npy", header)
    path = write(**{"assets/latents.npz": stream.getvalue()})
    tracemalloc.start()
    refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**25


def test_a_bomb_is_refused(write):
    path = write(zipfile.ZIP_DEFLATED, **{"assets/more.bin": bytes(2**26)})
    assert "not much more" in refused(path)


def test_bits_that_are_flipped(write):
    path = write()
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(len(whole), size=60):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        # Not every bit matters.
        with contextlib.suppress(ValueError):
            load_model(path)
