"""Arrays and weights that were edited, in the file of a model."""

import io
import struct
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest

WEIGHTS = "model.weights.h5"


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
def test_edited_latents(parts, refused, change):
    name = "assets/latents.npz"
    refused(**{name: edited(parts[name], change)})


TEXTURE_EDITS = [
    *(lambda arrays, n=n: arrays.pop(n) for n in ("labels", "lengths", "ends_points")),
    put("nb_points", lambda old: old + 1),
    put("nb_points", lambda old: np.array([16])),
    *(lambda arrays, n=n: arrays.pop(n) for n in ("gains", "detail_bytes", "counts")),
    put("gains", lambda old: old + 1),
    put("gains", lambda old: old[:0]),
    put("offsets", lambda old: old[..., :2]),
    put("detail_bytes", lambda old: old[..., 1:]),
    put("detail_bytes", lambda old: old[..., :0]),
    put("detail_bytes", lambda old: old[:1]),
    put("detail_bytes", lambda old: old.astype(np.int16)),
    put("units", lambda old: -old),
    put("counts", lambda old: old + 1),
    put("counts", lambda old: old * 0),
    lambda arrays: arrays.update(coefficients=np.zeros((2, 4, 3), np.float16)),
    lambda arrays: arrays.update(coefficients=np.zeros((0, 4, 3), np.float16)),
    put("labels", lambda old: old + 1),
    put("labels", lambda old: old * 0),
    put("lengths", lambda old: old * 0),
    put("shapes", lambda old: old.astype(bool)),
    put("ends_labels", lambda old: old + 1),
    put("ends_blurs", lambda old: old[:1]),
    put("ends_widths", lambda old: old * np.nan),
    *(lambda arrays, n=n: arrays.pop(n) for n in ("conditions", "effects")),
    put("effects", lambda old: old[1:]),
    put("ends_effects", lambda old: old[:, :, :1]),
    put("ends_effects", lambda old: np.zeros((len(old), 1, 2, 3))),
    # The model has no condition but bundle and length.
    lambda arrays: arrays.update(
        conditions=np.zeros((len(arrays["labels"]), 1)),
        effects=np.zeros((len(arrays["effects"]), 1, len(arrays["gains"]), 3)),
    ),
]


@pytest.mark.parametrize("change", TEXTURE_EDITS)
def test_an_edited_texture(parts, refused, change):
    name = "assets/texture.npz"
    refused(**{name: edited(parts[name], change)})


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
def test_edited_weights(parts, refused, edit):
    refused(**{WEIGHTS: edit(parts[WEIGHTS])})


def test_a_header_of_petabytes_takes_no_memory(refused):
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (10**15,), }"
    text = text.replace(b"10**15", b"1000000000000000") + b"\n"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        header = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
        archive.writestr("means.npy", header)
    tracemalloc.start()
    refused(**{"assets/latents.npz": stream.getvalue()})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**25


def test_a_bomb_is_refused(refused):
    assert "not much more" in refused(
        zipfile.ZIP_DEFLATED, **{"assets/more.bin": bytes(2**26)}
    )
