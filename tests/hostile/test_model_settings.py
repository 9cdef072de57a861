"""Models whose settings were edited, and their archives."""

from functools import partial

import pytest

from .corruptions import at, cut, flip, members, packed
from .models import (
    CONFIG,
    DEEP,
    FAST,
    LATENTS,
    METADATA,
    NAN,
    RECORD,
    edited,
    setting,
    whole,
    without,
)
from .roles import MODELS, in_turn

TERM = "dipy_tractogen>LabelRegularizer"
CODE = {
    "module": "builtins",
    "class_name": "function",
    "config": "print",
    "registered_name": "function",
}
SYSTEM = {
    "module": "os",
    "class_name": "system",
    "config": {"command": "touch crafted"},
    "registered_name": None,
}
LAMBDA = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wEA"}}},
    "registered_name": None,
}
SETTINGS = {
    "no settings": without(CONFIG),
    "empty": whole(CONFIG, b""),
    "a list": whole(CONFIG, b"[]"),
    "a number": whole(CONFIG, b"1e999"),
    "nested deeply": whole(CONFIG, DEEP),
    "not in UTF-8": whole(CONFIG, b'{"registered_name": "\xff"}'),
    "another class": partial(
        edited, member=CONFIG, change=at("registered_name", value="keras>Sequential")
    ),
    "a class that is none": partial(
        edited, member=CONFIG, change=at("registered_name", value="dipy_tractogen>X")
    ),
    "a list for a class": partial(
        edited, member=CONFIG, change=at("registered_name", value=[["dipy_tractogen"]])
    ),
    "another model": partial(
        edited,
        member=CONFIG,
        change=at("config", "model", value="dipy_tractogen>AAE"),
    ),
    "a model that is none": partial(
        edited, member=CONFIG, change=at("config", "model", value=[["dipy_tractogen"]])
    ),
    "arguments that are none": partial(
        edited, member=CONFIG, change=at("config", "parameters", value="gone")
    ),
    "no arguments": partial(edited, member=CONFIG, change=at("config", value="gone")),
    "a list of arguments": partial(
        edited, member=CONFIG, change=at("config", value=[])
    ),
    "a function": setting("regularizers", [CODE]),
    "a command of the system": setting("regularizers", [SYSTEM]),
    "code in a layer": setting("regularizers", [LAMBDA]),
    "a command for the precision of a term": setting(
        "regularizers",
        [{"registered_name": TERM, "config": {"dtype": SYSTEM}}],
    ),
    "a weight of text": setting(
        "regularizers", [{"registered_name": TERM, "config": {"weight": "x"}}]
    ),
    "a parameter that a term has not": setting(
        "regularizers", [{"registered_name": TERM, "config": {"os": "system"}}]
    ),
    "a command for the optimiser": partial(
        edited, member=CONFIG, change=at("compile_config", "optimizer", value=SYSTEM)
    ),
    "a command for the precision": setting("dtype", SYSTEM),
    "precision unknown": setting("dtype", "float99"),
    "points below zero": setting("nb_points", -1),
    "points beyond the memory": setting("nb_points", 10**12),
    "points of text": setting("nb_points", "many"),
    "half a point": setting("nb_points", 31.5),
    "no points": setting("nb_points", None),
    "latents beyond the memory": setting("latent_dim", 10**10),
    "latents of text": setting("latent_dim", "many"),
    "latents below zero": setting("latent_dim", -2),
    "other latents": setting("latent_dim", 5),
    "backbone unknown": setting("backbone", "os"),
    "backbone of a list": setting("backbone", ["spectral"]),
    "options of a list": setting("backbone_options", [1, 2]),
    "options unknown": setting("backbone_options", {"x": 1}),
    "units beyond the memory": setting(
        "backbone_options", {"hidden_units": [10**9, 10**9]}
    ),
    "units of text": setting("backbone_options", {"hidden_units": "many"}),
    "units below zero": setting("backbone_options", {"hidden_units": [-1]}),
    "coefficients below zero": setting("backbone_options", {"nb_coefficients": -1}),
    "activation that is a command": setting("backbone_options", {"activation": SYSTEM}),
    "conditions of text": setting("conditions", "age"),
    "conditions of numbers": setting("conditions", [1, 2]),
    "seed below zero": setting("seed", -1),
    "seed of text": setting("seed", "x"),
    "seed beyond integers": setting("seed", 10**40),
    "error accepted is zero": setting("sigma_mm", 0),
    "error accepted is NaN": setting("sigma_mm", NAN),
    "beta of text": setting("beta", "x"),
    "beta of a list": setting("beta", [1]),
    "schedule unknown": setting("beta_schedule", "os.system"),
    "setting unknown": setting("unknown", 1),
    "other shape when built": partial(
        edited,
        member=CONFIG,
        change=at("build_config", "input_shape", value={"points": [1, 10**12, 3]}),
    ),
    "name of a list": setting("name", ["x"]),
    "name with a slash": setting("name", "../../x"),
}
SETTINGS_MAY_BE_READ = {
    *("another model", "other shape when built", "name with a slash"),
    *("a command for the precision", "precision unknown"),  # They are not asked for.
    *("a command for the optimiser", "points beyond the memory"),
}


@pytest.mark.parametrize(("kind", "role"), in_turn(SETTINGS, MODELS))
def test_settings(model_refused, good, attempt, kind, role):
    content = members(good.model)
    SETTINGS[kind](content)
    if kind in SETTINGS_MAY_BE_READ and role == "explore":
        role = "encode"
    model_refused(role, content, (0, 1) if kind in SETTINGS_MAY_BE_READ else (1,))


@pytest.mark.parametrize(
    ("share", "role"), in_turn((0, 1e-6, 0.1, 0.5, 0.99, 0.9999), MODELS)
)
def test_cut_short(model_refused, good, share, role):
    model_refused(role, cut(good.model.read_bytes(), share))


@pytest.mark.parametrize(("seed", "role"), in_turn(range(8), FAST))
def test_flipped_bits(model_refused, good, seed, role):
    """In the small members or the directory, where a bit means more than a number."""
    data = good.model.read_bytes()
    first = data.index(b"assets/") if seed % 2 else 0
    last = None if seed % 2 else 3000
    model_refused(role, flip(data, seed, 6, first, last), (0, 1))


ARCHIVES = {
    "metadata gone": lambda content: content.pop(METADATA),
    "metadata of text": whole(METADATA, b"text"),
    "metadata of a list": whole(METADATA, b"[]"),
    "member above the folder": whole("assets/../../../above.txt", b"above"),
    "member from the root": whole("/tmp/tractogen_root.txt", b"above"),
    "member that is a folder": whole("assets/record.json/x", b"above"),
    "asset more": whole("assets/more.json", b"{}"),
}


@pytest.mark.parametrize(("kind", "role"), in_turn(ARCHIVES, FAST))
def test_archive(model_refused, good, kind, role):
    content = members(good.model)
    ARCHIVES[kind](content)
    model_refused(role, content, (0, 1))


@pytest.mark.parametrize("member", [CONFIG, RECORD, LATENTS])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_member_twice(model_refused, good, member):
    content = members(good.model)
    model_refused("generate", packed(content, more=[(member, b"{}")]), (0, 1))
