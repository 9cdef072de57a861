"""Measure what several processes gain that make the steps of one training together.

    KERAS_BACKEND=jax python benchmarks/hosts.py
    KERAS_BACKEND=jax python benchmarks/hosts.py --processes 4 --batch_size 256 4096

All run on this machine, joined over 127.0.0.1 as they are over hosts, each on a core of
its own if there are enough; one process on one core stands beside them. What hosts of
their own gain can only be measured where cores are free.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
import socket
import subprocess
import sys
import tempfile
import time

SECONDS_AT_MOST = 300


def work(arguments) -> None:
    """Train in one of the processes, and write what came of it."""
    cores = sorted(os.sched_getaffinity(0))
    own = arguments.index % len(cores)
    os.sched_setaffinity(0, {cores[own]})

    import jax

    if arguments.address:
        jax.distributed.initialize(
            arguments.address, arguments.processes, arguments.index
        )
    import numpy as np

    from dipy_tractogen.nn import VAE
    from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

    phantom = simulate_fibercup(2000, seed=0)
    model = VAE(32, 16)
    model.fit(
        phantom.streamlines,
        phantom.labels,
        phantom.bundle_names,
        batch_size=arguments.batch_size[0],
        epochs=arguments.steps * arguments.batch_size[0] / len(phantom.labels),
        learning_rate=1e-3,
    )
    last = model.record.history[-1]
    weights = [np.ravel(each) for each in model.network.get_weights()]
    # The first call, which compiles, is not in the time.
    is_short = last["step"] < model.backbone.steps_worth_compiling
    steps = last["step"] - (1 if is_short else model.backbone.steps_per_call)
    np.savez(
        arguments.result,
        steps_per_second=steps / last["seconds"],
        loss=last["loss"],
        weights=np.concatenate(weights),
    )


def measure(nb_processes: int, batch_size: int, steps: int) -> dict:
    """Train with some processes; return what the first one gave.

    Raises
    ------
    RuntimeError
        If one fails, or they take too long.
    """
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        shared = ["--processes", nb_processes, "--batch_size", batch_size]
        shared += ["--steps", steps]
        if nb_processes > 1:
            shared += ["--address", address]
        started = []
        try:
            for index in range(nb_processes):
                result = Path(folder) / f"{index}.npz"
                own = [*shared, "--index", index, "--result", result]
                command = [sys.executable, __file__, *map(str, own)]
                with open(Path(folder) / f"{index}.txt", "w") as said:
                    started.append(subprocess.Popen(command, stdout=said, stderr=said))
            until = time.monotonic() + SECONDS_AT_MOST
            codes = [each.wait(max(until - time.monotonic(), 0)) for each in started]
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"no end after {SECONDS_AT_MOST} s") from error
        finally:
            for each in started:
                each.kill()
        if any(codes):
            number = next(index for index, code in enumerate(codes) if code)
            raise RuntimeError((Path(folder) / f"{number}.txt").read_text()[-2000:])
        with np.load(Path(folder) / "0.npz") as result:
            return dict(result)


def main() -> None:
    """Measure with one process and with several, at each batch size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--batch_size", type=int, nargs="+", default=[256, 4096])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    parser.add_argument("--index", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--result", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.result:
        work(arguments)
        return
    nb_cores = len(os.sched_getaffinity(0))
    print(f"{nb_cores} cores, load {os.getloadavg()[0]:.1f} at the beginning")
    print(
        "batch  processes  steps/s  streamlines/s  gain  largest difference of weights"
    )
    for batch_size in arguments.batch_size:
        alone = None
        for nb_processes in (1, arguments.processes):
            found = measure(nb_processes, batch_size, arguments.steps)
            alone = alone or found
            rate = float(found["steps_per_second"])
            difference = abs(found["weights"] - alone["weights"]).max()
            print(
                f"{batch_size:5}  {nb_processes:9}  {rate:7.1f}  "
                f"{rate * batch_size:13,.0f}  "
                f"{rate / float(alone['steps_per_second']):4.2f}  {difference:.1e}",
                flush=True,
            )


if __name__ == "__main__":
    main()
