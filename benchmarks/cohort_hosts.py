"""Two hosts, and the processes of a command on a cohort on them, for benchmarks.

Needs the rights of root on Linux.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
import csv
import json
import os
from pathlib import Path
import shutil
import subprocess
import sys
import time

import psutil

HERE = Path(__file__).parent
NB_SUBJECTS = 12
NB_BYTES = 300_000
HOSTS = ("tractogen_a", "tractogen_b")
ADDRESS = "10.77.0.1"
SCHEDULER = f"tcp://{ADDRESS}:8786"
CONNECT = "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT"
"""Variable for the time in which a connection is made, or found again."""
PYTHON = [sys.executable, "-W", "ignore"]


def sh(*words: object, check: bool = True) -> None:
    """Run a command of the system."""
    subprocess.run([*map(str, words)], check=check, capture_output=not check)


def check_programs(programs: Iterable[str], packages: str) -> None:
    """End with one line where programs are missing, which Debian's packages have."""
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        sys.exit(
            f"{', '.join(missing)} not found: apt-get install --no-install-recommends "
            f"{packages}"
        )


@contextmanager
def hosts() -> Iterator[None]:
    """Make two network namespaces, with a link between them."""
    remove_hosts()
    try:
        for host in HOSTS:
            sh("ip", "netns", "add", host)
            sh("ip", "-n", host, "link", "set", "lo", "up")
        sh(
            *("ip", "link", "add", "eth0", "netns", HOSTS[0], "type", "veth"),
            *("peer", "name", "eth0", "netns", HOSTS[1]),
        )
        for number, host in enumerate(HOSTS, 1):
            sh("ip", "-n", host, "addr", "add", f"10.77.0.{number}/24", "dev", "eth0")
            link(host, "up")
        yield
    finally:
        remove_hosts()


def remove_hosts() -> None:
    """Remove the namespaces, if they are there."""
    for host in HOSTS:
        sh("ip", "netns", "del", host, check=False)


def link(host: str, state: str) -> None:
    """Take up or down the link between the hosts, at one of them."""
    sh("ip", "-n", host, "link", "set", "eth0", state)


class Bench:
    """Inputs, outputs and processes of a fault.

    Parameters
    ----------
    folder : Path
        A new folder.
    stack : ExitStack
        Ends what was started.
    seconds : float, optional
        Time that a subject takes.
    """

    def __init__(self, folder: Path, stack: ExitStack, seconds: float = 0.6):
        self.raw, self.out, self.log = folder / "raw", folder / "out", folder / "log"
        self.seconds, self.environment = seconds, {}
        for number in range(1, NB_SUBJECTS + 1):
            place = self.raw / f"sub-{number:02d}"
            place.mkdir(parents=True)
            (place / "file.bin").write_bytes(bytes([number]) * NB_BYTES)
        self.out.mkdir()
        self.on_end = stack.callback

    def start(self, *words, host: str = HOSTS[0], before: tuple = ()) -> psutil.Popen:
        """Start a program on a host; on this machine itself where it is empty."""
        environment = dict(os.environ, PYTHONPATH=f"{HERE.parent}:{HERE}")
        # A connection that is cut is given up after some seconds, not half a minute.
        environment |= {
            "OMP_NUM_THREADS": "1",
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "15s",
            CONNECT: "20s",
            "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "60s",
            **self.environment,
        }
        with self.log.open("a", encoding="utf-8") as stream:
            there = ["ip", "netns", "exec", host] if host else []
            line = [*there, *before, *PYTHON, *map(str, words)]
            process = psutil.Popen(line, env=environment, stderr=stream, stdout=stream)
        self.on_end(end, process)
        return process

    def command(self, *options, before: tuple = ()) -> psutil.Popen:
        """Start the command."""
        words = [HERE / "cohort_copies.py", self.raw, self.out]
        words += ["--seconds", self.seconds, *options]
        return self.start(*words, before=before)

    def there(self, *options, **more) -> psutil.Popen:
        """Start the command with the scheduler."""
        return self.command("--scheduler", SCHEDULER, *options, **more)

    def scheduler(self) -> psutil.Popen:
        """Start the scheduler."""
        words = ["-m", "distributed.cli.dask_scheduler", "--host", ADDRESS]
        return self.start(*words, "--no-dashboard")

    def worker(self, *, host: str = HOSTS[1], before: tuple = ()) -> psutil.Popen:
        """Start a worker."""
        words = ["-m", "distributed.cli.dask_worker", SCHEDULER, "--nthreads", 1]
        words += ["--no-dashboard", "--local-directory", self.log.parent]
        return self.start(*words, host=host, before=before)

    def cluster(self, nb_workers: int = 2) -> list[psutil.Popen]:
        """Start a scheduler and workers; return them."""
        return [self.scheduler(), *(self.worker() for _ in range(nb_workers))]

    def notes(self) -> Counter:
        """Count what was noted of subjects."""
        path = self.raw / "notes.txt"
        return Counter(path.read_text().splitlines() if path.exists() else ())

    def wait_for(self, number: int, what: str = "made") -> None:
        """Wait until so many subjects are begun or made."""
        deadline = time.monotonic() + 900
        while sum(line.endswith(what) for line in self.notes().elements()) < number:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{what}: {self.notes()}\n{self.log.read_text()[-9999:]}"
                )
            time.sleep(0.05)

    def table(self) -> dict[str, str]:
        """Return the status of each subject."""
        path = self.out / "logs" / "cohort.tsv"
        if not path.exists():
            return {}
        with path.open(encoding="utf-8", newline="") as stream:
            rows = csv.DictReader(stream, delimiter="\t")
            return {row["participant_id"]: row["status"] for row in rows}

    def is_true(self, *, killed: bool = False) -> bool:
        """Return whether what the table calls done is whole, and nothing else is.

        A command that was `killed` could not write that it had done more.
        """
        for subject, status in self.table().items():
            is_done, is_whole = status.endswith("done"), self.is_whole(subject)
            if is_done > is_whole or (is_whole > is_done and not killed):
                return False
        return True

    def is_whole(self, subject: str) -> bool:
        """Return whether a subject has three whole outputs."""
        content = (self.raw / subject / "file.bin").read_bytes()
        copies = list((self.out / subject).glob("*"))
        return len(copies) == 3 and all(one.read_bytes() == content for one in copies)

    def result(self, code: int) -> dict:
        """Return what a fault has left, after the last run, which ended with a code."""
        names = {path.name for path in self.out.rglob("*")}
        subjects = sorted(path.name for path in self.raw.glob("sub-*"))
        known = {"logs", "cohort.tsv", ".runs.lock", *subjects}
        known |= {f"copy_{number}.bin" for number in range(3)}
        known |= {f".{one}.lock" for one in subjects}
        known |= {f"{one}{ending}" for one in subjects for ending in (".json", ".tsv")}
        notes = self.notes()
        begun = [count for line, count in notes.items() if line.endswith("begun")]
        return {
            "last_code": code,
            "whole": sum(map(self.is_whole, subjects)),
            "done_in_table": sum(one.endswith("done") for one in self.table().values()),
            "left_over": sorted(names - known),
            "broken_off": sum(begun) - len(begun),
            "made_twice": sum(
                count for line, count in notes.items() if line.endswith("again")
            ),
        }

    def ended(self, process: psutil.Popen, *, killed: bool = False) -> dict:
        """Return how a command ended, and what it said last."""
        began = time.monotonic()
        code = process.wait(900)
        lines = self.log.read_text().splitlines()
        said = [one for one in lines if one.startswith(("ERROR: ", "WARNING: "))]
        return {
            "code": code,
            "said": (said or [""])[-1].replace(str(self.log.parent), "..."),
            "seconds_to_end": round(time.monotonic() - began, 1),
            "table_is_true": self.is_true(killed=killed),
        }


def run_all(
    description: str, faults: Iterable[str], run: Callable[[str], dict], path: Path
) -> None:
    """Cause the faults that the command line names, and write what each has left."""
    faults = list(faults)
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--only", nargs="+", choices=faults, default=faults)
    results = json.loads(path.read_text()) if path.exists() else {}
    for name in parser.parse_args().only:
        results[name] = run(name)
        print(name, json.dumps(results[name], indent=1), flush=True)
        said = {key: results[key] for key in faults if key in results}
        path.write_text(f"{json.dumps(said, indent=1)}\n", encoding="utf-8")


def end(process: psutil.Popen) -> None:
    """Kill a process and its children."""
    try:
        for one in [*process.children(recursive=True), process]:
            one.kill()
    except psutil.NoSuchProcess:
        pass
    process.wait()
