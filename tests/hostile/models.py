"""Ways to edit the file of a model."""

from functools import partial
import json

from .corruptions import at
from .roles import MODELS

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
RECORD, LATENTS = "assets/record.json", "assets/latents.npz"
TEXTURE = "assets/texture.npz"
NAN, INFINITE = float("nan"), float("inf")
DEEP = b'{"a":' * 100_000
FAST = [role for role in MODELS if role not in ("explore", "report")]
"""Commands that read a model in a fraction of a second."""


def edited(content, member, change):
    """Change the JSON of a member in place."""
    found = json.loads(content[member])
    change(found)
    content[member] = json.dumps(found).encode()


def setting(name, value):
    return partial(
        edited, member=CONFIG, change=at("config", "parameters", name, value=value)
    )


def recorded(*keys, value):
    return partial(edited, member=RECORD, change=at(*keys, value=value))


def whole(member, data):
    return lambda content: content.update({member: data})


def without(member):
    return lambda content: content.pop(member)
