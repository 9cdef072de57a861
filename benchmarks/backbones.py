"""Compare the backbones: throughput, error after a time and after epochs, memory.

    python benchmarks/backbones.py throughput
    python benchmarks/backbones.py training

``throughput`` times the optimisation steps of each candidate in turns, several rounds
in one run, each in a process of its own; ratios of the medians are what counts, since
machines differ. Candidates: our models; ``keras``, the published network as a plain
Keras port writes it (padding, convolution and nearest-neighbour upsampling as layers,
trained by ``fit``); ``torch``, the same in PyTorch with linear upsampling, where that
is installed.

``training`` trains autoencoder and variational autoencoder with each backbone on the
phantom, for a number of epochs and for a time.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
import platform
import resource
import statistics
import subprocess
import sys
import time

import numpy as np

NB_POINTS = 256
LATENTS = 32
FILTERS = (32, 64, 128, 256, 512)
OURS = {
    "conv AE": ("AE", "conv"),
    "conv VAE": ("VAE", "conv"),
    "spectral AE": ("AE", "spectral"),
    "spectral VAE": ("VAE", "spectral"),
}


def step_of_ours(kind: str, batch_size: int):
    """Return a function that runs some steps of one of our models, and their number."""
    import keras

    from dipy_tractogen import nn
    from dipy_tractogen.nn.backend.tensorflow import training_batches

    name, backbone = OURS[kind]
    model = getattr(nn, name)(NB_POINTS, LATENTS, backbone=backbone)
    network, steps = model.network, model.backbone.steps_per_call
    network.compile(
        optimizer=keras.optimizers.Adam(1e-3, global_clipnorm=100.0),
        jit_compile=True,
        steps_per_execution=steps,
    )
    features = model.backbone.analyse(streamlines())
    batches = iter(training_batches({"features": features}, batch_size, 0))
    network.make_train_function()
    return lambda: network.train_function(batches), steps


def step_of_keras(batch_size: int):
    """Return the step of a plain port of the published network."""
    import keras
    from keras import layers, ops

    class Mirror(layers.Layer):
        def call(self, inputs):
            return ops.pad(inputs, ((0, 0), (1, 1), (0, 0)), mode="reflect")

    network = [keras.Input((NB_POINTS, 3))]
    for filters in FILTERS:
        network += [Mirror(), layers.Conv1D(filters, 3, 2, activation="relu")]
    network += [Mirror(), layers.Conv1D(1024, 3), layers.Flatten()]
    network += [layers.Dense(LATENTS), layers.Dense(8192), layers.Reshape((8, 1024))]
    for filters in FILTERS[::-1]:
        network += [Mirror(), layers.Conv1D(filters, 3, activation="relu")]
        network.append(layers.UpSampling1D(2))
    network += [Mirror(), layers.Conv1D(3, 3)]
    model = keras.Sequential(network)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    points = streamlines()[: 10 * batch_size]

    def steps():
        model.fit(points, points, batch_size=batch_size, epochs=1, verbose=0)

    return steps, len(points) // batch_size


def step_of_torch(batch_size: int):
    """Return the step of the published network in PyTorch."""
    import torch
    from torch import nn

    torch.set_num_threads(os.cpu_count())

    def convolution(channels, filters, stride=1):
        return nn.Conv1d(channels, filters, 3, stride, 1, padding_mode="reflect")

    layers = []
    for channels, filters in zip((3, *FILTERS), FILTERS):
        layers += [convolution(channels, filters, 2), nn.ReLU()]
    layers += [convolution(512, 1024), nn.Flatten(), nn.Linear(8192, LATENTS)]
    layers += [nn.Linear(LATENTS, 8192), nn.Unflatten(1, (1024, 8))]
    for channels, filters in zip((1024, *FILTERS[::-1]), FILTERS[::-1]):
        layers += [convolution(channels, filters), nn.ReLU()]
        layers.append(nn.Upsample(scale_factor=2, mode="linear"))
    network = nn.Sequential(*layers, convolution(32, 3))
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    points = torch.tensor(streamlines()).permute(0, 2, 1).contiguous()

    def steps():
        for start in range(0, 5 * batch_size, batch_size):
            batch = points[start : start + batch_size]
            optimiser.zero_grad()
            loss = torch.square(network(batch) - batch).mean()
            loss.backward()
            optimiser.step()

    return steps, 5


def streamlines() -> np.ndarray:
    """Return points of the phantom, enough for ten batches."""
    from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

    return simulate_fibercup(400, seed=0).resample(NB_POINTS)


def measure(kind: str, batch_size: int, seconds: float) -> dict:
    """Time the steps of one candidate in this process."""
    if kind in OURS:
        call, steps = step_of_ours(kind, batch_size)
    else:
        call, steps = {"keras": step_of_keras, "torch": step_of_torch}[kind](batch_size)
    call()
    call()
    start, calls = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        call()
        calls += 1
    rate = calls * steps * batch_size / (time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"streamlines_per_s": rate, "peak_mib": peak / 1024}


def throughput(options) -> dict:
    """Time all candidates in turns."""
    kinds = [*OURS, "keras", "torch"]
    rates: dict[str, list] = {kind: [] for kind in kinds}
    memory = {}
    for _ in range(options.rounds):
        for kind in kinds:
            line = [sys.executable, __file__, "one", "--kind", kind]
            line += ["--batch_size", str(options.batch_size)]
            line += ["--seconds", str(options.seconds)]
            done = subprocess.run(line, capture_output=True, text=True)
            if done.returncode:
                print(f"{kind}: {done.stderr.splitlines()[-1]}", file=sys.stderr)
                continue
            one = json.loads(done.stdout.splitlines()[-1])
            rates[kind].append(round(one["streamlines_per_s"]))
            memory[kind] = round(one["peak_mib"])
            print(kind, rates[kind][-1], file=sys.stderr)
    medians = {kind: statistics.median(given) for kind, given in rates.items() if given}
    return {
        "batch_size": options.batch_size,
        "streamlines_per_s": rates,
        "median": medians,
        "conv AE over": {
            kind: round(medians["conv AE"] / rate, 2) for kind, rate in medians.items()
        },
        "peak_mib": memory,
    }


def training(options) -> dict:
    """Train each of our models for some epochs, and for some time."""
    from dipy_tractogen import nn
    from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

    kept, aside = simulate_fibercup(300, seed=0).split(0.3, 0)
    budgets = [{"epochs": options.epochs}, {"max_minutes": options.minutes}]
    rows = []
    for kind, (name, backbone) in OURS.items():
        for budget in budgets:
            model = getattr(nn, name)(
                NB_POINTS, LATENTS, backbone=backbone, sigma_mm=0.4
            )
            model.fit(
                kept.resample(NB_POINTS),
                kept.labels,
                kept.bundle_names,
                held_out=aside.resample(NB_POINTS),
                held_out_labels=aside.labels,
                patience=1.0,
                show_progress=True,
                **budget,
            )
            last = model.record.history[-1]
            rows.append(
                {
                    "model": kind,
                    **budget,
                    "batch_size": model.record.parameters["batch_size"],
                    "steps": int(last["step"]),
                    "seconds": round(last["seconds"], 1),
                    "held_out_mm": model.record.held_out_mm,
                    "active_units": model.record.active_units,
                }
            )
            print(rows[-1], file=sys.stderr)
            if "epochs" in budget:
                model.save(options.out / f"{kind.replace(' ', '_')}.keras")
    return {"rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("throughput", "training", "one"))
    parser.add_argument("--kind")
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=float, default=120)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    if options.what == "one":
        print(json.dumps(measure(options.kind, options.batch_size, options.seconds)))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    result = {"throughput": throughput, "training": training}[options.what](options)
    result["machine"] = f"{platform.machine()}, {platform.processor()}"
    path = options.out / f"backbones_{options.what}.json"
    path.write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
