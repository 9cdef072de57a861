"""Time what a training takes beside its steps, as a user waits for it in a shell.

    python benchmarks/start.py --folder ../shared/data/human_bundles

From the start of `dipy_train_vae` to its first steps, which hold tracing and
compilation, and from its last step to its end: density and texture, the held-out error,
the files. With several checkouts these take turns, round after round. Figures are wall
times and, of the whole, the processor time; they hold for a machine that has nothing
else to do.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
import platform
import subprocess
import tempfile
import time

FIRST_STEP = "First training step"
LAST_STEP = "Fitting the density"


def run(command: Path, files: list[Path], options: list[str]) -> dict:
    """Run a training, and time the lines that it logs."""
    with tempfile.TemporaryDirectory() as folder:
        line = [command, *files, *options, "--out_dir", folder]
        began = time.perf_counter()
        seen = {}
        with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:
            for said in process.stderr:
                for name in (FIRST_STEP, LAST_STEP):
                    if name in said:
                        seen[name] = time.perf_counter()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        ended = time.perf_counter()
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return {
        "to_first_step_s": round(seen[FIRST_STEP] - began, 2),
        "after_last_step_s": round(ended - seen[LAST_STEP], 2),
        "in_all_s": round(ended - began, 2),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--checkouts", type=Path, nargs="+", default=[Path()])
    parser.add_argument("--command", default="dipy_train_vae")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options, others = parser.parse_known_args()
    files = sorted(options.folder.glob("*.trk"))
    others += ["--max_minutes", str(options.minutes)]
    runs: dict[str, list[dict]] = {str(each): [] for each in options.checkouts}
    loads = [os.getloadavg()[0]]
    for _ in range(options.rounds):
        for checkout in options.checkouts:
            command = checkout.resolve() / "bin" / options.command
            runs[str(checkout)].append(run(command, files, others))
            print(checkout, json.dumps(runs[str(checkout)][-1]), flush=True)
            loads.append(os.getloadavg()[0])
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load_before_and_between": [round(load, 1) for load in loads],
        "minutes": options.minutes,
        "options": others,
        "runs": runs,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "start.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
