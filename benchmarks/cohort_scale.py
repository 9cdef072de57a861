"""Measure subjects/s and memory of dipy_process_cohort by number of workers.

    python benchmarks/cohort_scale.py
    python benchmarks/cohort_scale.py --subjects 20 --workers 1 2

A cohort is simulated, a small model trained on two of its subjects, and all are encoded
and reconstructed, by each number of workers into a folder of its own. Rates leave out
the time until the first subject is done, which is mostly that of libraries and of
compilation. The outputs of all numbers of workers are compared byte by byte, and the
same command is run once more, to find that all is done.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
import sys
import tempfile
import time

import psutil

NB_BUNDLES = 7
RUN = "import sys; from dipy_tractogen.workflows.cli import main; "
RUN += 'sys.exit(main(sys.argv[1], sys.argv[2:])) if __name__ == "__main__" else None'


def command(folder: Path, *words) -> list[str]:
    """Return the command line of a command; worker processes import its script."""
    script = folder / "run.py"
    script.write_text(f"{RUN}\n", encoding="utf-8")
    return [sys.executable, str(script), *map(str, words), "--quiet"]


def measured(line: list[str]) -> dict:
    """Run a command; return seconds and the peak memory of each process, in MB."""
    began = time.perf_counter()
    peaks: dict[int, int] = {}
    process = psutil.Popen(line)
    while process.poll() is None:
        for one in [process, *process.children(recursive=True)]:
            try:
                used = one.memory_info().rss
            except psutil.Error:
                # It has ended.
                continue
            peaks[one.pid] = max(peaks.get(one.pid, 0), used)
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{' '.join(line)}: exit code {process.returncode}")
    of_each = sorted((round(peak / 1e6) for peak in peaks.values()), reverse=True)
    return {"seconds": round(time.perf_counter() - began, 1), "peak_mb": of_each}


def rate(folder: Path) -> float:
    """Return subjects/s between the first and the last record."""
    records = list((folder / "logs").glob("sub-*.json"))
    times = sorted(path.stat().st_mtime for path in records)
    return round((len(times) - 1) / max(times[-1] - times[0], 1e-9), 3)


def outputs(folder: Path) -> dict:
    """Return the bytes of all outputs of subjects."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.glob("sub-*/**/*"))
        if path.is_file()
    }


def main() -> None:
    """Simulate, train, process, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=200)
    parser.add_argument("--streamlines", type=int, default=5000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cohort, model = folder / "cohort", folder / "model"
        options = ["--nb_subjects", given.subjects, "--out_dir", cohort]
        options += ["--nb_streamlines", -(-given.streamlines // NB_BUNDLES)]
        simulated = measured(command(folder, "dipy_simulate_cohort", *options))
        files = sorted(cohort.glob("sub-*/dwi/*.trx"))[:2]
        options = ["--epochs", 2, "--out_dir", model]
        measured(command(folder, "dipy_train_vae", *files, *options))
        result = {
            "subjects": given.subjects,
            "streamlines": given.streamlines,
            "cores": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 1),
            "seconds_to_simulate": simulated["seconds"],
            "workers": {},
        }
        first = None
        for number in given.workers:
            out = folder / f"out_{number}"
            words = [cohort, out, "--model_file", model / "model.keras"]
            words += ["--steps", "encode", "reconstruct", "--nb_workers", number]
            line = command(folder, "dipy_process_cohort", *words)
            found = measured(line)
            found["subjects_per_second"] = rate(out)
            found["seconds_to_find_all_done"] = measured(line)["seconds"]
            first = first or outputs(out)
            found["same_bytes"] = outputs(out) == first
            result["workers"][number] = found
        text = json.dumps(result, indent=2)
        print(text)
        if given.out:
            given.out.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
