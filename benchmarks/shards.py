"""Peak memory of commands on one shard and on many, each in a process of its own.

    python benchmarks/shards.py MODEL_FILE

A tractogram is generated as one shard and as several of the same size each; then both
are encoded, filtered, labelled and evaluated. The memory is the largest resident size
of the process: one that is bounded is the same for both.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
import platform
import shutil
import subprocess
import sys
import tempfile
import time

RUN = "import sys; from dipy_tractogen.workflows.cli import main; "
RUN += "sys.exit(main(sys.argv[1], sys.argv[2:]))"


def measure(command: str, *arguments: object) -> dict:
    """Run a command; return its seconds and its peak memory in MiB."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, command, *map(str, arguments), "--quiet"]
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "peak_mib": round(usage.ru_maxrss / 1024),
    }


def run_all(model: Path, folder: Path, nb_shards: int, size: int) -> dict:
    """Measure each command on so many shards of a size."""
    examples = folder / "reference.trx"
    if not examples.exists():
        given = ("--nb_streamlines", 4000, "--seed", 9, "--out_tractogram", examples)
        measure("dipy_generate_streamlines", model, *given)
    out = ("--out_dir", folder / f"of_{nb_shards}")
    made = out[1] / "synthetic"
    reference = ("--reference_files", examples, "--kept_share", 0.9)
    given = ("--nb_streamlines", nb_shards * size, "--shards", nb_shards)
    compared = ("--max_streamlines", size, "--nb_bootstrap", 0)
    steps = {
        "generate": (model, *given),
        "encode": (model, made),
        "filter": (model, made, *reference),
        "label": (model, made, *reference),
        "evaluate": (made, examples, *compared),
    }
    found = {}
    for step, arguments in steps.items():
        found[step] = measure(f"dipy_{step}_streamlines", *arguments, *out)
        print(nb_shards, step, found[step], flush=True)
    shutil.rmtree(out[1])
    return found


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
            "one": run_all(*given, 1, options.size),
            "several": run_all(*given, options.nb_shards, options.size),
        }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "shards.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
