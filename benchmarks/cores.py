"""Measure what more cores gain; ``speed.py --cores`` runs it.

    python benchmarks/speed.py --cores 1 2
    KERAS_BACKEND=jax python benchmarks/speed.py --cores 1 2 4 8

Every task runs in a process of its own that the system keeps on so many cores, from
before the backend counts them. Processor time over wall time says how many of them
were at work. A thread looks every few milliseconds at what the other threads of Python
are in: the shares of the main thread's time beside the steps are what is serial.
"""

from __future__ import annotations

import argparse
from collections import Counter
import contextlib
from contextlib import contextmanager
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from types import FrameType
from unittest.mock import patch

TASKS = ("spectral", "conv", "generation")
SECONDS = {"spectral": 20.0, "conv": 40.0, "generation": 20.0}
_PAUSE = 0.004
# What a thread is in, by the names of functions on its stack; the first that is found.
_OF_TRAINING = {
    "gathering batches": {"read", "gather", "training_batches"},
    "held-out streamlines": {"evaluate"},
    "callbacks": {"on_train_batch_begin", "on_train_batch_end", "on_epoch_end"},
    "steps": {"fit"},
}
_OF_GENERATION = {
    "decoding": {"decode"},
    "texture": {"_textured"},
    "latents": {"sample"},
    "steps along streamlines": {"with_equal_steps", "respace"},
    "conditions of the result": {"_obtained"},
    "waiting for the threads": {"map_in_order"},
}


class StackSampler(threading.Thread):
    """Count what the threads of Python are in, by functions on their stacks.

    Parameters
    ----------
    names : dict of str to set of str
        Names of functions for each part of the work.

    Attributes
    ----------
    counts : Counter
        How often a thread was seen in each part, or in ``"other"``.
    """

    def __init__(self, names: dict[str, set[str]]):
        super().__init__(daemon=True)
        self.names = names
        self.counts: Counter = Counter()
        self._ended = threading.Event()

    def run(self) -> None:
        """Sample until stopped."""
        own = threading.get_ident()
        while not self._ended.wait(_PAUSE):
            for identity, frame in sys._current_frames().items():
                part = self._part(frame) if identity != own else None
                if part:
                    self.counts[part] += 1

    def shares(self) -> dict[str, float]:
        """Return the share of each part in what was seen."""
        total = sum(self.counts.values()) or 1
        return {
            part: round(count / total, 3) for part, count in self.counts.most_common()
        }

    def _part(self, frame: FrameType | None) -> str | None:
        stack, is_ours = set(), False
        while frame is not None:
            stack.add(frame.f_code.co_name)
            is_ours |= "dipy_tractogen" in frame.f_code.co_filename
            frame = frame.f_back
        if not is_ours:
            return None
        for part, names in self.names.items():
            if stack & names:
                return part
        return "other"

    def __enter__(self) -> StackSampler:
        self.start()
        return self

    def __exit__(self, *exception) -> None:
        self._ended.set()
        self.join()


class _EnoughError(Exception):
    """The steps that were to be timed are made."""


@contextmanager
def step_marks(enough: float = math.inf):
    """Note after every call of steps how many there were, and the clocks.

    Parameters
    ----------
    enough : float, optional
        Seconds after the first call of steps, which holds the compilation, that end the
        training; what follows the steps in `fit` is then left out.

    Yields
    ------
    list of tuple
        Steps, wall time and processor time of the process, in s.
    """
    from dipy_tractogen.nn.training.callbacks import Budget

    marks: list[tuple[int, float, float]] = []
    original = Budget.on_train_batch_end

    def marking(budget, batch, logs=None):
        original(budget, batch, logs)
        marks.append((budget.steps, time.perf_counter(), time.process_time()))
        if marks[-1][1] - marks[0][1] > enough:
            raise _EnoughError

    with (
        patch.object(Budget, "on_train_batch_end", marking),
        contextlib.suppress(_EnoughError),
    ):
        yield marks


def rate_of(marks: list[tuple[int, float, float]]) -> dict[str, float]:
    """Return the steps/s and the cores at work between the first and the last mark.

    Parameters
    ----------
    marks : list of tuple
        As `step_marks` gives them.

    Returns
    -------
    dict of str to float
        ``steps``, ``steps_per_s`` and ``cores_used``; empty with fewer than two marks.
    """
    if len(marks) < 2:
        return {}
    (first, began, cpu), (last, ended, cpu_at_end) = marks[0], marks[-1]
    wall = ended - began
    return {
        "steps": last - first,
        "steps_per_s": round((last - first) / wall, 2),
        "cores_used": round((cpu_at_end - cpu) / wall, 2),
    }


def trained_model(backbone: str, **options):
    """Return a VAE trained on the phantom, with a tenth of it held out."""
    from dipy_tractogen.nn import VAE
    from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

    kept, aside = simulate_fibercup(300, seed=0).split(0.1, 0)
    model = VAE(backbone=backbone, sigma_mm=0.4)
    model.fit(
        kept.resample(model.nb_points),
        kept.labels,
        kept.bundle_names,
        held_out=aside.resample(model.nb_points),
        held_out_labels=aside.labels,
        patience=1.0,
        **options,
    )
    return model


def training(backbone: str, seconds: float) -> dict:
    """Time the steps of a training, validations included."""
    names = StackSampler(_OF_TRAINING)
    with step_marks() as marks, names:
        model = trained_model(backbone, max_minutes=seconds / 60)
    rate = rate_of(marks)
    batch_size = model.record.parameters["batch_size"]
    return {
        **rate,
        "streamlines_per_s": round(rate["steps_per_s"] * batch_size),
        "parts": names.shares(),
    }


def generation(seconds: float) -> dict:
    """Time the drawing of streamlines, without writing them."""
    model = trained_model("spectral", epochs=300)
    # What is compiled and laid out once.
    model.generate(10_000)
    nb_streamlines = 0
    began, cpu = time.perf_counter(), time.process_time()
    with StackSampler(_OF_GENERATION) as names:
        batches = model.generate_batches(100_000_000, nb_points=32)
        for points, _, _ in batches:
            nb_streamlines += len(points)
            if time.perf_counter() - began > seconds:
                break
        batches.close()
    wall = time.perf_counter() - began
    return {
        "streamlines_per_s": round(nb_streamlines / wall),
        "cores_used": round((time.process_time() - cpu) / wall, 2),
        "parts": names.shares(),
    }


def one(task: str, nb_cores: int, seconds: float) -> dict:
    """Run a task in this process, on so many cores."""
    usable = sorted(os.sched_getaffinity(0))
    if nb_cores > len(usable):
        raise ValueError(f"--cores {nb_cores}: there are {len(usable)}.")
    os.sched_setaffinity(0, usable[:nb_cores])
    import keras

    found = generation(seconds) if task == "generation" else training(task, seconds)
    return {
        "task": task,
        "backend": keras.backend.backend(),
        "cores": nb_cores,
        **found,
    }


def scaling(cores: list[int], seconds: float | None = None) -> list[dict]:
    """Run every task on each number of cores, in turns; print a line for each.

    Parameters
    ----------
    cores : list of int
        Numbers of cores.
    seconds : float, optional
        Time of each, by default that of `SECONDS`.

    Returns
    -------
    list of dict
        What `one` gives.
    """
    rows = []
    for task in TASKS:
        for nb_cores in cores:
            line = [sys.executable, __file__, task, "--cores", str(nb_cores)]
            line += ["--seconds", str(seconds or SECONDS[task])]
            with tempfile.TemporaryFile("w+") as said:
                done = subprocess.run(line, stdout=subprocess.PIPE, stderr=said)
                if done.returncode:
                    said.seek(0)
                    raise RuntimeError(said.read().strip().splitlines()[-1])
            rows.append(json.loads(done.stdout.splitlines()[-1]))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--cores", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    print(json.dumps(one(options.task, options.cores, options.seconds)))


if __name__ == "__main__":
    main()
