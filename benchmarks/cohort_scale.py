"""Measure subjects/s and memory of dipy_process_cohort by number of workers.

    python benchmarks/cohort_scale.py
    python benchmarks/cohort_scale.py --subjects 20 --workers 1 2

A cohort is simulated, a small model trained on two of its subjects, and all are encoded
and reconstructed, by each number of workers into a folder of its own. Rates leave out
the time until each worker has done a subject, which is mostly that of libraries and of
compilation; seconds of the processor a subject depend less on what else the machine
does. The outputs of all numbers of workers are compared byte by byte, and the same
command is run once more, to find that all is done.
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

RESULTS = Path(__file__).parent / "results" / "cohort_scale.json"
NB_BUNDLES = 7
RUN = "import sys; from dipy_tractogen.workflows.cli import main; "
RUN += 'sys.exit(main(sys.argv[1], sys.argv[2:])) if __name__ == "__main__" else None'


def command(folder: Path, *words) -> list[str]:
    """Return the command line of a command; worker processes import its script."""
    script = folder / "run.py"
    script.write_text(f"{RUN}\n", encoding="utf-8")
    return [sys.executable, str(script), *map(str, words), "--quiet"]


def measured(line: list[str], records: Path | None = None) -> dict:
    """Run a command; return its seconds, and of each process memory and seconds.

    The peak of the memory is in MB, the seconds are those of the processor. With a
    folder of records, the history has wall seconds, seconds of the processor, and the
    number of records.
    """
    began = time.perf_counter()
    peaks: dict[int, int] = {}
    used: dict[int, float] = {}
    history = []
    process = psutil.Popen(line)
    while process.poll() is None:
        for one in [process, *process.children(recursive=True)]:
            try:
                with one.oneshot():
                    resident, times = one.memory_info().rss, one.cpu_times()
            except psutil.Error:
                # It has ended.
                continue
            peaks[one.pid] = max(peaks.get(one.pid, 0), resident)
            used[one.pid] = times.user + times.system
        if records is not None:
            number = sum(1 for _ in records.glob("sub-*.json"))
            passed = time.perf_counter() - began
            history.append((passed, sum(used.values()), number))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{' '.join(line)}: exit code {process.returncode}")
    order = sorted(peaks, key=peaks.__getitem__, reverse=True)
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "peak_mb": [round(peaks[pid] / 1e6) for pid in order],
        "cpu_s": [round(used[pid], 1) for pid in order],
        "history": history,
    }


def rates(history: list[tuple], nb_workers: int) -> dict:
    """Return what a subject takes, once each worker has done one."""
    last = history[-1][-1]
    begin = next(one for one in history if one[-1] > nb_workers)
    end = next(one for one in history if one[-1] == last)
    number = max(end[-1] - begin[-1], 1)
    return {
        "seconds_until_each_worker_has_begun": round(begin[0], 1),
        "cpu_s_until_then": round(begin[1], 1),
        "subjects_per_second": round(number / max(end[0] - begin[0], 1e-9), 3),
        "cpu_s_per_subject": round((end[1] - begin[1]) / number, 3),
    }


def outputs(folder: Path) -> dict:
    """Return the bytes of all outputs of subjects."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.glob("sub-*/**/*"))
        if path.is_file()
    }


def efficiency(workers: dict) -> dict[str, float]:
    """Return the rate of several workers over that of as many alone."""
    alone = workers.get("1", {}).get("subjects_per_second")
    return {
        number: round(found["subjects_per_second"] / (alone * int(number)), 2)
        for number, found in workers.items()
        if alone and number != "1"
    }


def main() -> None:
    """Simulate, train, process, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=200)
    parser.add_argument("--streamlines", type=int, default=5000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--out", type=Path, default=RESULTS)
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
            found = measured(line, out / "logs")
            found |= rates(found.pop("history"), number)
            again = measured(line)
            found["seconds_to_find_all_done"] = again["seconds"]
            found["cpu_s_to_find_all_done"] = sum(again["cpu_s"])
            first = first or outputs(out)
            found["same_bytes"] = outputs(out) == first
            result["workers"][str(number)] = found
        result["efficiency"] = efficiency(result["workers"])
        text = json.dumps(result, indent=2)
        print(text)
        given.out.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
