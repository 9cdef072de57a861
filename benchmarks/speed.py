"""Time what a user waits for: a training step, a tractogram, the help of a command.

    python benchmarks/speed.py
    python benchmarks/speed.py --cores 1 2

Training is timed over the steps of half a minute on the phantom, compilation apart. The
generation runs `dipy_generate_streamlines` in a process of its own, whose peak memory
is read from the system, for two numbers of streamlines: memory that is bounded is the
same for both. Figures are of one run on the machine that is named.

``--cores`` times training with each backbone, and generation, on so many cores in
place of all this, see ``cores.py``; on the backend that KERAS_BACKEND names.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
import platform
import subprocess
import sys
import tempfile
import time

from cores import scaling

from dipy_tractogen.workflows.cli import cli_flows

COMMAND = "import sys; from dipy_tractogen.workflows.cli import main; "
COMMAND += "sys.exit(main(sys.argv[1], sys.argv[2:]))"


def command(*arguments) -> dict:
    """Run a command; give its wall time, its CPU time and its peak memory."""
    line = [sys.executable, "-c", COMMAND, *map(str, arguments)]
    start = time.perf_counter()
    with subprocess.Popen(line, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments[0]} ended with {process.returncode}")
    return {
        "seconds": round(time.perf_counter() - start, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mib": round(usage.ru_maxrss / 1024),
    }


def training(folder: Path, minutes: float) -> dict:
    """Time the steps of a training on the phantom."""
    from dipy_tractogen.nn import load_model

    command("dipy_simulate_fibercup", "--out_dir", folder)
    took = command(
        "dipy_train_vae",
        folder / "fibercup.trx",
        *("--max_minutes", minutes, "--out_dir", folder, "--quiet"),
    )
    history = load_model(folder / "model.keras").record.history
    first, last = history[0], history[-1]
    steps = last["step"] - first["step"]
    return {
        **took,
        "steps": int(last["step"]),
        "seconds_of_steps": last["seconds"],
        "streamlines_per_s": round(256 * steps / (last["seconds"] - first["seconds"])),
    }


def generation(folder: Path, numbers: list[int], nb_points: int) -> list[dict]:
    """Time generation, for each number of streamlines."""
    rows = []
    for number in numbers:
        path = folder / f"synthetic_{number}.trx"
        took = command(
            "dipy_generate_streamlines",
            folder / "model.keras",
            *("--nb_streamlines", number, "--nb_points", nb_points),
            *("--out_dir", folder, "--out_tractogram", path.name, "--quiet"),
        )
        rows.append(
            {
                "nb_streamlines": number,
                "nb_points": nb_points,
                **took,
                "streamlines_per_s": round(number / took["seconds"]),
                "file_mib": round(path.stat().st_size / 2**20),
            }
        )
        path.unlink()
    return rows


def help_texts() -> dict:
    """Time the help of each command, the second time it is asked for."""
    for name in cli_flows:
        command(name, "--help")
    return {name: command(name, "--help")["cpu_seconds"] for name in cli_flows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--numbers", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--nb_points", type=int, default=32)
    parser.add_argument("--cores", type=int, nargs="+", help="numbers of cores")
    parser.add_argument("--seconds", type=float, help="of each task on some cores")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    if options.cores:
        rows = scaling(options.cores, options.seconds)
        write(options.out / f"cores_{rows[0]['backend']}.json", {"rows": rows})
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        result = {
            "help_cpu_seconds": help_texts(),
            "training": training(folder, options.minutes),
            "generation": generation(folder, options.numbers, options.nb_points),
        }
    write(options.out / "speed.json", result)


def write(path: Path, result: dict) -> None:
    """Write results, and the machine that they are of, to a file and to the shell."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    text = json.dumps({"machine": machine, **result}, indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
