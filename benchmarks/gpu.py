"""Measure training and generation on a GPU, in six minutes at most.

Here, what a machine without a network lacks is put into a folder::

    python benchmarks/gpu.py --pack FOLDER --input ../shared/data/tractseg72

There, with JAX and PyTorch but perhaps without Keras, DIPY and nibabel::

    python3 -m pip install -q --no-index --no-deps --target /tmp/site FOLDER/*.whl
    PYTHONPATH=/tmp/site:$PWD python3 benchmarks/gpu.py --data FOLDER/streamlines.npz

On a machine without a GPU it is tried by ``--small``. Every part is a process of its
own, with a limit of time, on the backend in its name; a backend that is not installed
is left out. What a part has found is printed and kept as it comes, so that one that
runs out of time loses what is missing only. A table and a JSON file say it all.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile
import time

from cores import rate_of, step_marks
import numpy as np

# What the machine may lack; the rest of their needs it has.
WHEELS = (
    *("keras", "namex", "optree", "dipy", "nibabel", "trx-python"),
    *("deepdiff", "orderly-set", "tqdm"),
)
_PLATFORMS = ("_2_28", "_2_27", "_2_17", "2014", "1")
# Backend, limit in seconds and what it does; in all less than six minutes.
PARTS = {
    "spectral": ("jax", 90),
    "generation": ("jax", 75),
    "conv": ("jax", 70),
    "spectral torch": ("torch", 50),
    "conv torch": ("torch", 40),
    "processor": ("jax", 30),
}
EQUAL_STEPS = 1000
NB_GENERATED = 10_000_000
# Of the time of that part, what the streamlines written may take.
_SHARE_FOR_WRITING = 0.55
# Where the convolutions are only tried.
_FEW_FILTERS = {"filters": (8, 8, 8, 8, 8, 16)}
MODEL = "gpu.keras"


def pack(folder: Path, tractogram: str) -> None:
    """Write the wheels of what may be missing, and the streamlines, into a folder."""
    from importlib.metadata import version

    from dipy_tractogen.streamlines.io import load_bundles

    folder.mkdir(parents=True, exist_ok=True)
    line = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
    line += ["--only-binary=:all:", "--python-version", "3.12"]
    line += ["--implementation", "cp", "--dest", str(folder)]
    for name in _PLATFORMS:
        line += ["--platform", f"manylinux{name}_x86_64"]
    subprocess.run(line + [f"{name}=={version(name)}" for name in WHEELS], check=True)
    bundles = load_bundles(tractogram)
    points = bundles.streamlines.get_data()
    counts = np.array([len(one) for one in bundles.streamlines], dtype=np.int32)
    np.savez_compressed(
        folder / "streamlines.npz",
        points=points.astype(np.float32),
        counts=counts,
        labels=bundles.labels.astype(np.int32),
        names=np.array(bundles.bundle_names),
    )
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {size / 2**20:.0f} MiB")


def load(options):
    """Return the streamlines to train on and those that are held out."""
    from dipy_tractogen.streamlines.array_sequence import as_sequence
    from dipy_tractogen.streamlines.dataset import BundleSet
    from dipy_tractogen.streamlines.reference import Reference
    from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

    if options.data is None:
        return simulate_fibercup(300, seed=0).split(0.1, 0)
    with np.load(options.data) as found:
        streamlines = as_sequence(found["points"], found["counts"].astype(np.int64))
        grid = Reference.covering(streamlines)
        names = tuple(map(str, found["names"]))
        bundles = BundleSet(streamlines, found["labels"], names, grid)
    return bundles.split(0.1, 0)


def device() -> str:
    """Return the name of the device that the backend runs on."""
    import keras

    if keras.backend.backend() == "torch":
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    if keras.backend.backend() == "jax":
        import jax

        return jax.devices()[0].device_kind
    return "cpu"


def say(**found) -> None:
    """Print something that was found, for the process that waits for it."""
    print(json.dumps(found), flush=True)


def throughput(data, backbone: str, batch_size: int, seconds: float, **given) -> None:
    """Time the steps of a training, in our own `fit`, without a look at held-out."""
    from dipy_tractogen.nn import VAE

    model = VAE(latent_dim=24, backbone=backbone, backbone_options=given)
    began = time.perf_counter()
    with step_marks(enough=seconds) as marks:
        model.fit(
            data.streamlines,
            data.labels,
            data.bundle_names,
            batch_size=batch_size,
            max_minutes=1e5,
        )
    rate = rate_of(marks)
    say(
        batch_size=batch_size,
        seconds_to_first_step=round(marks[0][1] - began, 2),
        streamlines_per_s=round(rate.get("steps_per_s", 0) * batch_size),
        **rate,
    )


def equal_steps(kept, aside, options, *, keep: bool) -> None:
    """Run the steps on a device; return the loss and the held-out error."""
    from dipy_tractogen.nn import VAE

    model = VAE(latent_dim=24)
    steps = 100 if options.small else EQUAL_STEPS
    batch_size = model.backbone.batch_size
    model.fit(
        kept.streamlines,
        kept.labels,
        kept.bundle_names,
        held_out=aside.streamlines,
        held_out_labels=aside.labels,
        batch_size=batch_size,
        epochs=steps * batch_size / len(kept),
        patience=1.0,
    )
    last = model.record.history[-1]
    say(
        equal_steps=int(last["step"]),
        loss=round(last["loss"], 3),
        val_loss=round(last["val_loss"], 3),
        held_out_mm=round(model.record.held_out_mm["mean"], 4),
    )
    if keep:
        model.save(options.out / MODEL)


def spectral(options) -> None:
    """Time the spectral VAE at two batch sizes, then make equal steps."""
    kept, aside = load(options)
    for batch_size in (256, 4096):
        throughput(kept, "spectral", batch_size, 1 if options.small else 5)
    equal_steps(kept, aside, options, keep=options.backend == "jax")


def conv(options) -> None:
    """Time the convolutional VAE at its own batch size and a larger one."""
    kept, _ = load(options)
    if options.small:
        throughput(kept, "conv", 128, 1, **_FEW_FILTERS)
        return
    for batch_size in (128, 1024):
        throughput(kept, "conv", batch_size, 8)


def processor(options) -> None:
    """Run the same steps on the processor."""
    equal_steps(*load(options), options, keep=False)


def decoding(model_file: Path, nb_batches: int) -> None:
    """Time the decoder on the device alone, and then with its points fetched."""
    import jax
    import keras

    from dipy_tractogen.nn import load_model

    network = load_model(model_file).network

    @jax.jit
    def decode(values, z):
        with keras.StatelessScope(state_mapping=zip(network.variables, values)):
            return network.synthesis(network.decode(z))

    values = [variable.value for variable in network.variables]
    z = np.random.default_rng(0).standard_normal((4096, network.latent_dim))
    z = jax.device_put(z.astype(np.float32))
    rates = {}
    for name, ready in (
        ("decoded_per_s", jax.block_until_ready),
        ("decoded_and_fetched_per_s", np.asarray),
    ):
        ready(decode(values, z))
        began = time.perf_counter()
        points = [decode(values, z) for _ in range(nb_batches)]
        for each in points:
            ready(each)
        rates[name] = round(nb_batches * len(z) / (time.perf_counter() - began))
    say(**rates)


def generation(options) -> None:
    """Time decoding, the parts of some streamlines, and 10,000,000 into a TRX."""
    from streaming import generation as whole
    from streaming import stages

    number = 40_000 if options.small else NB_GENERATED
    some = max(number // 50, 10_000)
    given = {"nb_points": 32, "dtype": "float32"}
    with tempfile.TemporaryDirectory() as folder:
        files = options.out / MODEL, Path(folder, "synthetic.trx")
        decoding(options.out / MODEL, 2 if options.small else 100)
        found = stages(*files, some, **given)
        say(stages=found["share_by_stage"], of=found["nb_streamlines"])
        rate = whole(*files, some, **given)["streamlines_per_s"]
        # As many as there is time for.
        number = min(number, int(rate * _SHARE_FOR_WRITING * PARTS["generation"][1]))
        found = whole(*files, number, **given)
        names = ("nb_streamlines", "seconds", "streamlines_per_s", "cpu_seconds")
        say(**{name: found[name] for name in names}, peak_mib=found["peak_mib"])


def run(part: str, options, environment: dict) -> list[dict]:
    """Run a part in a process of its own; return what it found in its time."""
    backend, limit = PARTS[part]
    if options.small:
        # Where it is only tried, few cores may be busy with other work.
        limit *= 5
    if find_spec(backend) is None:
        return [{"part": part, "left out": f"{backend} is not installed"}]
    line = [sys.executable, __file__, "--part", part, "--backend", backend]
    line += ["--out", str(options.out)]
    line += ["--data", str(options.data)] if options.data else []
    line += ["--small"] if options.small else []
    began = time.perf_counter()
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            said, _ = process.communicate(timeout=limit)
            ending = process.returncode and f"ended with {process.returncode}"
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            ending = f"ran out of its {limit} s"
    rows = [
        {"part": part, "backend": backend, **json.loads(text)}
        for text in said.splitlines()
        if text.startswith("{")
    ]
    if ending:
        rows.append({"part": part, "left out": ending})
    rows.append({"part": part, "seconds": round(time.perf_counter() - began, 1)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pack", type=Path, help="folder for wheels and streamlines")
    parser.add_argument("--input", help="tractogram or folder, with --pack")
    parser.add_argument("--data", type=Path, help="streamlines.npz; else a phantom")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--backend", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    if options.pack:
        pack(options.pack, options.input)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    if options.part:
        functions = {"generation": generation, "processor": processor}
        functions |= {"spectral": spectral, "conv": conv}
        import dipy_tractogen.nn  # noqa: F401

        say(device=device())
        functions[options.part.split()[0]](options)
        return
    rows = []
    for part in options.parts:
        environment = {**os.environ, "KERAS_BACKEND": PARTS[part][0]}
        if part == "processor":
            environment["JAX_PLATFORMS"] = "cpu"
        rows += run(part, options, environment)
        (options.out / "gpu.json").write_text(json.dumps(rows, indent=1))
    for row in rows:
        print("  ".join(f"{name}={value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
