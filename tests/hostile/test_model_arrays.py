"""Models whose latents, texture or weights were edited."""

import io

import h5py
import numpy as np
import pytest

from .corruptions import array_bytes, cut, flip, members, npy, packed
from .models import (
    FAST,
    INFINITE,
    LATENTS,
    NAN,
    TEXTURE,
    WEIGHTS,
    whole,
    without,
)
from .roles import in_turn


def arrays_of(content, member):
    with np.load(io.BytesIO(content[member])) as arrays:
        return {f"{name}.npy": array_bytes(array) for name, array in arrays.items()}


def array(member, name, change):
    """Change an array of an archive in a model's file: by a function, or all of it."""

    def edit(content):
        found = arrays_of(content, member)
        if callable(change):
            with np.load(io.BytesIO(content[member])) as arrays:
                found[f"{name}.npy"] = array_bytes(change(arrays[name]))
        elif change is None:
            del found[f"{name}.npy"]
        else:
            found[f"{name}.npy"] = change
        content[member] = packed(found)

    return edit


def filled(value):
    return lambda array: np.full_like(array, value)


LATENT_ARRAYS = ("means", "deviations", "cell_of", "numbers", "shares", "active")
LATENT_ARRAYS += ("cells", "counts", "low", "high", "seed")
TEXTURE_ARRAYS = ("nb_points", "gains", "offsets", "detail_bytes", "units", "counts")
TEXTURE_ARRAYS += ("labels", "lengths", "shapes")
TEXTURE_ARRAYS += ("ends_points", "ends_labels", "ends_blurs", "ends_widths")
ALL_ARRAYS = [(LATENTS, name) for name in LATENT_ARRAYS]
ALL_ARRAYS += [(TEXTURE, name) for name in TEXTURE_ARRAYS]
CHANGES = {
    "gone": None,
    "objects": array_bytes(np.array([{"a": 1}, None], dtype=object)),
    "text": lambda array: np.full(array.shape, "x"),
    "beyond the memory": npy((10**12, 10**6), "<f8"),
    "shape below zero": npy((-5,), "<f4", bytes(20)),
    "cut short": npy((500, 4), "<f4", bytes(12)),
    "another dimension": lambda array: array[None],
    "fewer": lambda array: array[..., :0] if array.ndim else np.zeros(0, array.dtype),
    "complex": lambda array: array.astype(complex),
    "no array": b"\x93NUMPY\x09\x09",
    "code for a header": b"\x93NUMPY\x01\x00\x20\x00"
    + b"__import__('os').getpid()   \n",
}
ARRAYS = [
    (*each, kind)
    for place, each in enumerate(ALL_ARRAYS)
    for turn, kind in enumerate(CHANGES)
    if (place + turn) % 5 == 0
]


@pytest.mark.parametrize(("kind", "role"), in_turn(ARRAYS, FAST))
def test_array(model_refused, good, kind, role):
    member, name, change = kind
    content = members(good.model)
    array(member, name, CHANGES[change])(content)
    model_refused(role, content)


VALUES = {
    "means of NaN": array(LATENTS, "means", filled(NAN)),
    "means that are infinite": array(LATENTS, "means", filled(INFINITE)),
    "deviations below zero": array(LATENTS, "deviations", filled(-1)),
    "cells beyond those there are": array(LATENTS, "cell_of", filled(99)),
    "cells below zero": array(LATENTS, "cell_of", filled(-1)),
    "numbers of NaN": array(LATENTS, "numbers", filled(NAN)),
    "shares below zero": array(LATENTS, "shares", filled(-1)),
    "shares of nothing": array(LATENTS, "shares", filled(0)),
    "codes beyond the categories": array(LATENTS, "cells", filled(99)),
    "codes below zero": array(LATENTS, "cells", filled(-1)),
    "counts of nothing": array(LATENTS, "counts", filled(0)),
    "counts of NaN": array(LATENTS, "counts", filled(NAN)),
    "lowest of NaN": array(LATENTS, "low", filled(NAN)),
    "lowest above the highest": array(LATENTS, "low", filled(1e9)),
    "seed below zero": array(LATENTS, "seed", filled(-1)),
    "latents gone": without(LATENTS),
    "latents of text": whole(LATENTS, b"text"),
    "latents of nothing": whole(LATENTS, packed({})),
    "texture of text": whole(TEXTURE, b"text"),
    "texture of nothing": whole(TEXTURE, packed({})),
    "points below zero": array(TEXTURE, "nb_points", filled(-1)),
    "points beyond the memory": array(TEXTURE, "nb_points", filled(2**60)),
    "gains of NaN": array(TEXTURE, "gains", filled(NAN)),
    "offsets that are infinite": array(TEXTURE, "offsets", filled(INFINITE)),
    "units of NaN": array(TEXTURE, "units", filled(NAN)),
    "no points of a streamline": array(TEXTURE, "counts", filled(0)),
    "points that are not there": array(TEXTURE, "counts", filled(2**30)),
    "labels beyond the bundles": array(TEXTURE, "labels", filled(99)),
    "labels below zero": array(TEXTURE, "labels", filled(-1)),
    "lengths of zero": array(TEXTURE, "lengths", filled(0)),
    "shapes of NaN": array(TEXTURE, "shapes", filled(NAN)),
    "ends of NaN": array(TEXTURE, "ends_points", filled(NAN)),
    "labels of ends beyond the bundles": array(TEXTURE, "ends_labels", filled(99)),
    "widths below zero": array(TEXTURE, "ends_widths", filled(-1)),
    "widths of NaN": array(TEXTURE, "ends_widths", filled(NAN)),
}
VALUES_MAY_BE_READ = {"latents gone", "lengths of zero", "widths below zero"}


@pytest.mark.parametrize(("kind", "role"), in_turn(VALUES, FAST))
def test_values(model_refused, good, kind, role):
    content = members(good.model)
    VALUES[kind](content)
    model_refused(role, content, (0, 1) if kind in VALUES_MAY_BE_READ else (1,))


def weights(change):
    """Change the HDF5 file of the weights."""

    def edit(content):
        buffer = io.BytesIO(content[WEIGHTS])
        with h5py.File(buffer, "r+") as file:
            change(file)
        content[WEIGHTS] = buffer.getvalue()

    return edit


KERNEL = "encoder/layers/dense/vars/0"


def kernel(*arguments, **options):
    """Replace the first weights of the encoder."""

    def change(file):
        del file[KERNEL]
        file.create_dataset(KERNEL, *arguments, **options)

    return weights(change)


def kernel_link(to):
    def change(file):
        del file[KERNEL]
        file[KERNEL] = to

    return weights(change)


def without_group(name):
    return weights(lambda file: file.__delitem__(name))


def fill(value):
    def change(file):
        file[KERNEL][:] = value

    return weights(change)


def many(file):
    for number in range(300):
        file.create_group(f"more/{number}")


def deep(file):
    file.create_group("/".join("a" * 500))


def optimiser(file):
    """Add what files of earlier versions have."""
    file["optimizer/vars/0"] = np.zeros((72, 512), "f4")


WEIGHT_FILES = {
    "no weights": without(WEIGHTS),
    "text": whole(WEIGHTS, b"text"),
    "cut short": lambda content: content.update({WEIGHTS: cut(content[WEIGHTS], 0.4)}),
    "flipped": lambda content: content.update(
        {WEIGHTS: flip(content[WEIGHTS], 0, 200, 0, 4000)}
    ),
    "no encoder": without_group("encoder"),
    "no layer": without_group("encoder/layers/dense"),
    "no variable": without_group(KERNEL),
    "another shape": kernel(data=np.zeros((3, 512), "f4")),
    "another dimension": kernel(data=np.zeros((72, 512, 1), "f4")),
    "a scalar": kernel(data=1.0),
    "text for numbers": kernel(data=np.full((72, 512), b"x")),
    "complex numbers": kernel(data=np.zeros((72, 512), "c8")),
    "arrays for numbers": kernel((72, 512), dtype=h5py.vlen_dtype(np.dtype("f4"))),
    "references for numbers": kernel((72, 512), dtype=h5py.ref_dtype),
    "structures for numbers": kernel(data=np.zeros((72, 512), "f4,i8")),
    "beyond the memory": kernel((10**7, 10**7), "f4", chunks=(100, 100)),
    "NaN": fill(NAN),
    "infinite": fill(INFINITE),
    "link to another file": kernel_link(h5py.ExternalLink("/etc/passwd", "/x")),
    "link to itself": kernel_link(h5py.SoftLink(f"/{KERNEL}")),
    "link to a group": kernel_link(h5py.SoftLink("/encoder")),
    "many groups": weights(many),
    "deep groups": weights(deep),
    "encoder gone": without_group("encoder"),
    "state of an optimiser": weights(optimiser),
}
WEIGHTS_MAY_BE_READ = {
    *("flipped", "many groups", "deep groups", "state of an optimiser"),
}


@pytest.mark.parametrize(("kind", "role"), in_turn(WEIGHT_FILES, FAST))
def test_weights(model_refused, good, kind, role):
    content = members(good.model)
    WEIGHT_FILES[kind](content)
    model_refused(role, content, (0, 1) if kind in WEIGHTS_MAY_BE_READ else (1,))
