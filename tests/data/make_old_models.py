"""Make the model files of an earlier revision that `test_old_models.py` reads.

    python tests/data/make_old_models.py [REVISION] [--out FOLDER]

The code of the revision is taken out of the history of this repository into a temporary
folder and run there, so that the files are what users of that time have. The files of
the repository were made by 2cfde3a (Python 3.11, TensorFlow 2.21), the last revision
whose models were subclasses of ``keras.Model``; only the members of the archives are
compressed afterwards, for they hold little but HDF5's empty space. Beside each
``.keras`` file an ``.npz`` file holds what that code gave for it: latents, points,
generated streamlines, and as JSON the parameters and the record.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile
import zipfile

REVISION = "2cfde3a"
NB_POINTS = 16
LATENTS = 3
_SPECTRAL = {"backbone_options": {"hidden_units": (8, 8)}}
_CONV = {"backbone": "conv", "backbone_options": {"filters": (4, 6)}}
_NORMALISED_CONV = {
    "backbone": "conv",
    "backbone_options": {"filters": (4, 6), "batch_normalisation": True},
}
_NORMALISED = {
    "backbone_options": {"hidden_units": (8, 8), "batch_normalisation": True}
}


def check_out(revision: str, folder: Path) -> None:
    """Write the files of a revision into a folder."""
    root = Path(__file__).resolve().parents[2]
    archive = subprocess.run(
        ["git", "-C", root, "archive", revision], check=True, capture_output=True
    )
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)


def cases() -> dict:
    """Return class, parameters and options of the training of each model, by name.

    A model without options is never trained; ``conditions`` True stands for those of
    the data.
    """
    from dipy_tractogen.nn import AAE, AE, CVAE, RVAE, VAE
    from dipy_tractogen.nn import AttributeRegularizer as Attribute
    from dipy_tractogen.nn import LabelRegularizer as Label

    small = {"discriminator_units": (8,)}
    terms = [
        Label(weight=5.0, schedule="cosine", length=0.4, hidden_units=(6,)),
        Attribute({"length": 0, "age": 2}, weight=10.0, form="sign", delta=2.0),
    ]
    beta = {"beta": 0.5, "beta_schedule": "cyclical", "beta_cycles": 2}
    cost = {"free_bits": 0.1, "kl_variant": "absolute", "deviation": "softplus"}
    of_conv = {"log_var_limit": None, "zero_log_var": False, "epsilon_std": 0.5}
    huber = {"reconstruction": "huber", "huber_mm": 2.0, "reduction": "sum"}
    return {
        "ae": (
            AE,
            {**_NORMALISED_CONV, **huber, "regularizers": terms},
            {"epochs": 20},
        ),
        "ae_untrained": (AE, _SPECTRAL, None),
        "vae": (VAE, {**_SPECTRAL, **beta, **cost, "regularizers": terms}, {}),
        "vae_untrained": (VAE, {**_CONV, **of_conv}, None),
        "cvae": (
            CVAE,
            {**_NORMALISED, "regularizers": [Label(condition="diagnosis")]},
            {"balanced": True, "clip_norm": 1.0},
        ),
        "cvae_untrained": (CVAE, {**_CONV, "conditions": True}, None),
        "rvae": (RVAE, {**_SPECTRAL, "attribute": "age", "sigma_mm": 0.5}, {}),
        "rvae_untrained": (RVAE, {**_SPECTRAL, "seed": 7}, None),
        "aae": (AAE, {**_SPECTRAL, **small, "prior": "mixture"}, {}),
        "aae_roll": (
            AAE,
            {
                **_NORMALISED_CONV,
                **small,
                "latent_dim": 2,
                "prior": "swiss_roll",
                "adversarial_loss": "wasserstein",
                "regularizers": terms[:1],
            },
            {"weight_decay": 0.01},
        ),
        "aae_untrained": (AAE, {**_SPECTRAL, **small, "conditions": True}, None),
    }


def arrays() -> dict:
    """Return what the models are trained on: three bundles of two participants."""
    import numpy as np

    # Where the revision that makes the files has it.
    from dipy_tractogen.streamlines.phantom import simulate_fibercup

    data = simulate_fibercup(16, varying_ends=0.3, seed=0)
    data = data.select(data.labels < 3)
    rng = np.random.default_rng(0)
    age = np.round(rng.uniform(20, 80, len(data.labels)), 1)
    diagnosis = rng.choice(["control", "patient"], len(data.labels))
    held = np.arange(len(data.labels)) % 4 == 3
    points = data.resample(NB_POINTS)
    return {
        "points": points[~held],
        "labels": data.labels[~held],
        "bundle_names": data.bundle_names[:3],
        "values": {"age": age[~held], "diagnosis": diagnosis[~held]},
        "units": {"age": "years"},
        "held_out": points[held],
        "held_out_labels": data.labels[held],
        "held_out_values": {"age": age[held], "diagnosis": diagnosis[held]},
    }


def make(folder: Path) -> None:
    """Write the models of the code that is imported, and what it gives for them."""
    given = arrays()
    conditions = None
    for name, (model_class, parameters, options) in sorted(
        cases().items(), key=lambda case: case[1][2] is None
    ):
        parameters = {"nb_points": NB_POINTS, "latent_dim": LATENTS, **parameters}
        if parameters.get("conditions"):
            parameters["conditions"] = conditions
        model = model_class(**parameters)
        if options is not None:
            model.fit(**given, **{"epochs": 30, "batch_size": 12, **options})
            conditions = model.conditions or conditions
        model.save(folder / f"{name}.keras")
        compress(folder / f"{name}.keras")
        expect(model, given, folder / f"{name}.npz")


def compress(path: Path) -> None:
    """Compress the members of an archive, which stay what they are."""
    with zipfile.ZipFile(path) as archive:
        members = {one.filename: archive.read(one) for one in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def expect(model, given: dict, path: Path) -> None:
    """Write what a model gives."""
    import numpy as np

    names = np.array(given["bundle_names"])
    shown = slice(None, None, 2)
    points = given["held_out"][shown]
    values = {name: each[shown] for name, each in given["held_out_values"].items()}
    values["bundle"] = names[given["held_out_labels"][shown]]
    values["length"] = np.linalg.norm(np.diff(points, axis=1), axis=-1).sum(axis=1)
    found = {"points": points, **values}
    if model.conditions is not None or not model.reads_conditions:
        found["z_mean"] = model.encode(points, values)
        found["reconstructed"] = model.reconstruct(points, values)
        found["decoded"] = model.decode(found["z_mean"] + 0.5, values=values)
    if model.record.density is not None:
        asked = {"conditions": {"length": (60, 110)}, "seed": 3}
        found["generated"], found["labels"] = model.generate(9, **asked)
        found["smooth"], _ = model.generate(6, smooth=True, seed=4)
        found["from_prior"], _ = model.generate(6, sampler="prior", seed=5)
    if "attribute" in model.get_config() and model.record.density is not None:
        found["attribute"] = np.stack(model.predict_attribute(points))
    plain = {
        "class": type(model).__name__,
        "parameters": model.get_config(),
        "record": asdict(replace(model.record, density=None, texture=None)),
    }
    np.savez_compressed(path, plain=np.array(json.dumps(plain)), **found)


def main() -> None:
    """Make the files by the code of a revision."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("revision", nargs="?", default=REVISION)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "old_models"
    )
    parser.add_argument("--here", action="store_true", help="by the code imported")
    options = parser.parse_args()
    if options.here:
        make(options.out)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        check_out(options.revision, Path(folder))
        command = [sys.executable, __file__, "--here", "--out", options.out.resolve()]
        environment = {**os.environ, "PYTHONPATH": folder}
        subprocess.run(command, check=True, env=environment, cwd=folder)


if __name__ == "__main__":
    main()
