"""The trainings that `equality.py` compares, and what they are trained on."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
import sys

import numpy as np

NB_POINTS = 32

_CONV = {"backbone": "conv", "backbone_options": {"filters": (4, 6, 8)}}
_NORMALISED = {"backbone_options": {"batch_normalisation": True}}
_CONV_NORMALISED = {
    "backbone": "conv",
    "backbone_options": {"filters": (4, 6), "batch_normalisation": True},
}


def _label(**options) -> tuple[str, dict]:
    return "LabelRegularizer", options


def _attribute(attributes: dict, **options) -> tuple[str, dict]:
    return "AttributeRegularizer", {"attributes": attributes, **options}


_LABEL = [_label(weight=5.0, schedule="cosine", length=0.5, hidden_units=(6,))]
_ATTRIBUTE = [_attribute({"length": 0, "age": 2}, weight=10.0)]
_BOTH = [_label(hidden_units=()), _attribute({"age": 1}, weight=2.0, form="sign")]
_SOFTPLUS = {"deviation": "softplus", "log_var_limit": None, "epsilon_std": 0.7}
_WASSERSTEIN = {"adversarial_loss": "wasserstein"}
_ROLL = {"prior": "swiss_roll", "latent_dim": 2}
# More steps than are made one by one: compiled, many in a call.
_LONG = {"epochs": 50}

CASES = {
    "ae": ("AE", {}, {}),
    "ae-huber": ("AE", {"reconstruction": "huber", "huber_mm": 2.0}, {}),
    "ae-conv": ("AE", {**_CONV_NORMALISED, "regularizers": _LABEL}, {}),
    "ae-long": ("AE", {"regularizers": _BOTH, "sigma_mm": 0.5}, _LONG),
    "vae": ("VAE", {}, {}),
    "vae-defaults": (
        "VAE",
        {"backbone_options": {"hidden_units": (512, 512)}},
        {"batch_size": None},
    ),
    "vae-seed": ("VAE", {"seed": 5, "reduction": "sum"}, {"seed": 7}),
    "vae-alone": ("VAE", {"reduction": "mean"}, {"held_out": False}),
    "vae-linear": ("VAE", {"beta_schedule": "linear", "beta": 2.0}, {}),
    "vae-cyclical": ("VAE", {"beta_schedule": "cyclical", "beta_start": 0.1}, {}),
    "vae-decreasing": ("VAE", {"beta_schedule": "decreasing"}, {}),
    "vae-free-bits": ("VAE", {"free_bits": 0.5, "reconstruction": "absolute"}, {}),
    "vae-absolute": ("VAE", {"kl_variant": "absolute", "zero_log_var": False}, {}),
    "vae-softplus": ("VAE", _SOFTPLUS, {}),
    "vae-label": ("VAE", {"regularizers": _LABEL}, {}),
    "vae-attribute": ("VAE", {"regularizers": _ATTRIBUTE}, {"balanced": True}),
    "vae-normalised": ("VAE", _NORMALISED, {"weight_decay": 0.01}),
    "vae-clipped": ("VAE", {"regularizers": _BOTH}, {"clip_norm": 0.5}),
    "vae-further": ("VAE", {"regularizers": _LABEL}, {"further": True}),
    "vae-resumed": (
        "VAE",
        {**_NORMALISED, "beta_schedule": "linear", "regularizers": _LABEL},
        {"epochs": 25, "break_off": True},
    ),
    "vae-conv": ("VAE", {**_CONV, "regularizers": _BOTH}, {}),
    "vae-conv-long": ("VAE", _CONV_NORMALISED, {"epochs": 20}),
    "vae-long": ("VAE", {"beta_schedule": "cyclical"}, _LONG),
    "vae-long-terms": (
        "VAE",
        {**_NORMALISED, "regularizers": [*_LABEL, *_ATTRIBUTE], "free_bits": 0.2},
        {**_LONG, "clip_norm": 1.0, "balanced": True},
    ),
    "vae-early": (
        "VAE",
        {"beta": 0.01},
        {"epochs": 300, "patience": 0.2, "learning_rate": 0.03},
    ),
    "vae-long-resumed": (
        "VAE",
        {"beta_schedule": "linear", "regularizers": _BOTH},
        {"epochs": 50, "break_off": True},
    ),
    "cvae": ("CVAE", {}, {}),
    "cvae-label": ("CVAE", {"regularizers": [_label(condition="diagnosis")]}, {}),
    "cvae-conv": ("CVAE", {**_CONV, "beta_schedule": "linear"}, {}),
    "cvae-long": ("CVAE", {"regularizers": _ATTRIBUTE}, _LONG),
    "rvae": ("RVAE", {}, {}),
    "rvae-age": ("RVAE", {"attribute": "age", "attribute_weight": 2.0}, {}),
    "rvae-conv": ("RVAE", {**_CONV, "regularizers": _LABEL}, {}),
    "rvae-long": ("RVAE", {**_SOFTPLUS, "beta_schedule": "linear"}, _LONG),
    "aae": ("AAE", {}, {}),
    "aae-mixture": ("AAE", {"prior": "mixture", "regularizers": _LABEL}, {}),
    "aae-roll": ("AAE", _ROLL, {}),
    "aae-clipped": ("AAE", _NORMALISED, {"clip_norm": 0.5}),
    "aae-conv": ("AAE", {**_CONV, **_WASSERSTEIN}, {}),
    "aae-w": ("AAE", {**_WASSERSTEIN, "regularizers": _BOTH}, {}),
    "aae-w-mixture": ("AAE", {**_WASSERSTEIN, "prior": "mixture"}, {}),
    "aae-w-roll": (
        "AAE",
        {**_WASSERSTEIN, **_ROLL},
        {"held_out": False},
    ),
    "aae-long": ("AAE", {"prior": "mixture"}, _LONG),
    "aae-w-long": ("AAE", {**_WASSERSTEIN, "regularizers": _LABEL}, _LONG),
    "aae-resumed": (
        "AAE",
        {**_WASSERSTEIN, "regularizers": _BOTH},
        {"epochs": 25, "break_off": True},
    ),
}
"""Class, parameters and options of the training, by the name of the case.

Of the options ``held_out`` False leaves held-out streamlines away, ``further`` trains a
second time, and ``break_off`` breaks the training off after two rounds and resumes it.
"""


def arrays() -> dict:
    """Return what is trained on: a cohort whose age and diagnosis are known."""
    # The path of version 0.1, which revisions before and after it know.
    from dipy_tractogen.streamlines.cohort import simulate_cohort, simulate_participants

    people = simulate_participants(6, seed=0)
    parts = list(simulate_cohort(people, nb_streamlines=8, nb_points=64, seed=0))
    each = len(parts[0][1].labels)
    points = np.concatenate([bundles.resample(NB_POINTS) for _, bundles in parts])
    labels = np.concatenate([bundles.labels for _, bundles in parts])
    values = {
        "age": np.repeat([one.age for one, _ in parts], each),
        "diagnosis": np.repeat([one.diagnosis for one, _ in parts], each),
    }
    held = np.random.default_rng(0).random(len(points)) < 0.2
    return {
        "points": points[~held],
        "labels": labels[~held],
        "bundle_names": parts[0][1].bundle_names,
        "values": {name: each[~held] for name, each in values.items()},
        "units": {"age": "years"},
        "held_out": points[held],
        "held_out_labels": labels[held],
        "held_out_values": {name: each[held] for name, each in values.items()},
    }


@contextmanager
def broken_off(rounds: int):
    """Write a checkpoint after each round, and raise KeyError after some."""
    places = [
        module
        for name, module in sys.modules.items()
        if name.startswith("dipy_tractogen.nn") and hasattr(module, "CHECKPOINT_FILE")
    ]
    (place,) = [module for module in places if hasattr(module, "_SECONDS_BETWEEN")]
    end, seconds, left = place.Checkpoint.on_epoch_end, place._SECONDS_BETWEEN, [rounds]

    def count(self, epoch, logs=None):
        end(self, epoch, logs)
        left[0] -= 1
        if not left[0]:
            raise KeyError("broken off")

    place._SECONDS_BETWEEN, place.Checkpoint.on_epoch_end = 0.0, count
    try:
        yield
    finally:
        place._SECONDS_BETWEEN, place.Checkpoint.on_epoch_end = seconds, end


def trained(name: str, given: dict, folder: Path):
    """Create and train the model of a case."""
    from dipy_tractogen import nn

    class_name, parameters, options = CASES[name]
    parameters = {"nb_points": NB_POINTS, "latent_dim": 4, **parameters}
    if parameters.get("backbone") != "conv":
        own = {"hidden_units": (24, 24), **parameters.get("backbone_options", {})}
        parameters["backbone_options"] = own
    if class_name == "AAE":
        parameters["discriminator_units"] = (16, 16)
    parameters["regularizers"] = [
        getattr(nn, kind)(**options)
        for kind, options in parameters.get("regularizers", ())
    ]
    options = {"epochs": 4, "batch_size": 20, **options}
    if not options.pop("held_out", True):
        given = {key: each for key, each in given.items() if "held_out" not in key}
    make = getattr(nn, class_name)
    further, break_off = options.pop("further", False), options.pop("break_off", False)
    model = make(**parameters)
    if break_off:
        options["checkpoint_dir"] = folder
        try:
            with broken_off(2):
                model.fit(**given, **options)
        except KeyError:
            model, options["resume"] = make(**parameters), True
        else:
            raise RuntimeError(f"{name} was not broken off")
    model.fit(**given, **options)
    if further:
        model.fit(**given, **options)
    return model
