"""Peak memory of commands on one shard and on many.

    python benchmarks/shards.py MODEL_FILE

A tractogram is generated as one shard and as several of the same size each; then both
are encoded, filtered, labelled and evaluated, one step after another in a process for
each of the two. The memory is the largest resident size of the process so far: one that
is bounded is the same for both.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
import json
import multiprocessing
import os
from pathlib import Path
import platform
import resource
import shutil
import tempfile
import time

STEPS = ("generate", "encode", "filter", "label", "evaluate")


def measure(command: str, *arguments: object) -> dict:
    """Run a command; return its seconds, and the peak memory of the process in MiB."""
    from dipy_tractogen.workflows.cli import main

    began = time.perf_counter()
    code = main(command, [*map(str, arguments), "--quiet"])
    if code:
        raise RuntimeError(f"{command} ended with {code}")
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def run_all(model: Path, folder: Path, nb_shards: int, size: int) -> dict:
    """Measure each command on so many shards of a size."""
    examples = folder / f"reference_{nb_shards}.trx"
    given = ("--nb_streamlines", 2000, "--seed", 9, "--out_tractogram", examples)
    measure("dipy_generate_streamlines", model, *given)
    out = ("--out_dir", folder / f"of_{nb_shards}")
    made = out[1] / "synthetic"
    reference = ("--reference_files", examples, "--kept_share", 0.9)
    compared = ("--max_streamlines", size, "--nb_bootstrap", 0)
    arguments = (
        (model, "--nb_streamlines", nb_shards * size, "--shards", nb_shards),
        (model, made),
        (model, made, *reference),
        (model, made, "--reference_files", examples),
        (made, examples, *compared),
    )
    found = {}
    for step, own in zip(STEPS, arguments):
        found[step] = measure(f"dipy_{step}_streamlines", *own, *out)
        print(nb_shards, step, found[step], flush=True)
    shutil.rmtree(out[1])
    return found


def in_a_process(function, *args) -> dict:
    """Call a function in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        return executor.submit(function, *args).result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model_file", type=Path)
    parser.add_argument("--size", type=int, default=50_000, help="of a shard")
    parser.add_argument("--nb_shards", type=int, default=8)
    parser.add_argument("--folder", type=Path, help="where the tractograms go")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        given = options.model_file, Path(folder)
        result = {
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "model": options.model_file.name,
            "streamlines_of_a_shard": options.size,
            "nb_shards": options.nb_shards,
            "one": in_a_process(run_all, *given, 1, options.size),
            "several": in_a_process(run_all, *given, options.nb_shards, options.size),
        }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "shards.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
