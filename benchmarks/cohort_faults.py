"""Kill workers, the scheduler and the command on a cohort, cut networks, fill disks.

    python benchmarks/cohort_faults.py
    python benchmarks/cohort_faults.py --only scheduler_restarted link_cut

Needs the rights of root on Linux: two network namespaces are two hosts, joined by a
pair of virtual interfaces, with the scheduler and the command in one and the workers in
the other; disks are tmpfs. Subjects are files that are copied (`cohort_copies`). After
each fault the same command is run until it ends well, and then: each output is whole
and as without a fault; nothing is left over; the table says that all are done; no
subject was made twice, but those that a fault caught at work.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
import csv
from functools import partial
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile
import time

import psutil

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "cohort_faults.json"
NB_SUBJECTS = 12
NB_BYTES = 300_000
HOSTS = ("tractogen_a", "tractogen_b")
ADDRESS = "10.77.0.1"
SCHEDULER = f"tcp://{ADDRESS}:8786"
PYTHON = [sys.executable, "-W", "ignore"]


def sh(*words: object, check: bool = True) -> None:
    """Run a command of the system."""
    subprocess.run([*map(str, words)], check=check, capture_output=not check)


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
        self.seconds = seconds
        for number in range(1, NB_SUBJECTS + 1):
            place = self.raw / f"sub-{number:02d}"
            place.mkdir(parents=True)
            (place / "file.bin").write_bytes(bytes([number]) * NB_BYTES)
        self.out.mkdir()
        self.on_end = stack.callback

    def start(self, *words, host: str = HOSTS[0], before: tuple = ()) -> psutil.Popen:
        """Start a program on a host."""
        environment = dict(os.environ, PYTHONPATH=f"{HERE.parent}:{HERE}")
        # A connection that is cut is given up after some seconds, not half a minute.
        environment |= {
            "OMP_NUM_THREADS": "1",
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "15s",
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "20s",
            "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "15s",
        }
        with self.log.open("a", encoding="utf-8") as stream:
            line = ["ip", "netns", "exec", host, *before, *PYTHON, *map(str, words)]
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
        deadline = time.monotonic() + 300
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
        known |= {f"{one}.json" for one in subjects}
        made = [count for line, count in self.notes().items() if line.endswith("made")]
        return {
            "last_code": code,
            "whole": sum(map(self.is_whole, subjects)),
            "done_in_table": sum(one.endswith("done") for one in self.table().values()),
            "left_over": sorted(names - known),
            "made_twice": sum(made) - len(made),
        }

    def ended(self, process: psutil.Popen, *, killed: bool = False) -> dict:
        """Return how a command ended, and what it said last."""
        began = time.monotonic()
        code = process.wait(300)
        lines = self.log.read_text().splitlines()
        said = [one for one in lines if one.startswith(("ERROR: ", "WARNING: "))]
        return {
            "code": code,
            "said": (said or [""])[-1].replace(str(self.log.parent), "..."),
            "seconds_to_end": round(time.monotonic() - began, 1),
            "table_is_true": self.is_true(killed=killed),
        }


def end(process: psutil.Popen) -> None:
    """Kill a process and its children."""
    try:
        for one in [*process.children(recursive=True), process]:
            one.kill()
    except psutil.NoSuchProcess:
        pass
    process.wait()


def worker_killed(bench: Bench) -> dict:
    """Kill the process of a worker in mid-task; its nanny starts another."""
    _, worker, _ = bench.cluster()
    command = bench.there()
    bench.wait_for(3, "begun")
    (child,) = (one for one in worker.children() if "spawn_main" in str(one.cmdline()))
    child.kill()
    return bench.ended(command)


def host_killed(bench: Bench) -> dict:
    """Kill a worker with its nanny, as the end of a machine does."""
    _, worker, _ = bench.cluster()
    command = bench.there()
    bench.wait_for(3, "begun")
    end(worker)
    return bench.ended(command)


def scheduler_killed(bench: Bench) -> dict:
    """Kill the scheduler for good."""
    scheduler, *_ = bench.cluster()
    command = bench.there()
    bench.wait_for(3)
    end(scheduler)
    return bench.ended(command)


def scheduler_restarted(bench: Bench) -> dict:
    """Kill the scheduler, and start it and workers again."""
    scheduler, *_ = bench.cluster()
    command = bench.there()
    bench.wait_for(3)
    end(scheduler)
    bench.cluster()
    return bench.ended(command)


def link_cut(bench: Bench, seconds: float = 5) -> dict:
    """Cut the link between the hosts in mid-task, and restore it."""
    bench.cluster()
    command = bench.there()
    bench.wait_for(3, "begun")
    link(HOSTS[1], "down")
    time.sleep(seconds)
    link(HOSTS[1], "up")
    return bench.ended(command)


def link_cut_for_long(bench: Bench) -> dict:
    """Cut it for longer than Dask waits; workers of the other host go on."""
    bench.cluster(1)
    bench.worker(host=HOSTS[0])
    command = bench.there()
    bench.wait_for(3, "begun")
    link(HOSTS[1], "down")
    found = bench.ended(command)
    link(HOSTS[1], "up")
    return found


def full_disk(bench: Bench) -> dict:
    """Fill the disk of the outputs; then make it larger."""
    size = f"size={4 * 3 * NB_BYTES // 1024}k"
    sh("mount", "-t", "tmpfs", "-o", size, "tmpfs", bench.out)
    bench.on_end(sh, "umount", "-l", bench.out)
    found = bench.ended(bench.command("--nb_workers", 2))
    sh("mount", "-o", "remount,size=100m", bench.out)
    return found


def full_disk_of_one(bench: Bench) -> dict:
    """Let one of two workers write files of half the size only."""
    bench.cluster(1)
    bench.worker(before=("prlimit", f"--fsize={NB_BYTES // 2}"))
    return bench.ended(bench.there())


def other_disk(bench: Bench) -> dict:
    """Give one of two workers another disk at the place of the outputs."""
    bench.cluster(1)
    line = f'mount -t tmpfs tmpfs "{bench.out}" && exec "$@"'
    bench.worker(before=("unshare", "-m", "sh", "-c", line, "sh"))
    return bench.ended(bench.there())


def broken_file(bench: Bench) -> dict:
    """Break the file of a subject; then mend it."""
    path = bench.raw / "sub-03" / "file.bin"
    content = path.read_bytes()
    path.write_bytes(b"broken")
    found = bench.ended(bench.command())
    path.write_bytes(content)
    return found


def started_twice(bench: Bench) -> dict:
    """Start the command twice at once."""
    first, second = bench.command(), bench.command("--nb_workers", 2)
    return {"first": bench.ended(first), "second": bench.ended(second)}


def command_ended(bench: Bench, number: int, nb_done: int, options: tuple) -> dict:
    """End the command by a signal, when so many subjects are done."""
    command = bench.command(*options)
    bench.wait_for(nb_done, "made" if nb_done else "begun")
    command.send_signal(number)
    return bench.ended(command, killed=number == signal.SIGKILL)


_FAULTS = (worker_killed, host_killed, scheduler_killed, scheduler_restarted)
_FAULTS = (*_FAULTS, link_cut, link_cut_for_long, full_disk, full_disk_of_one)
_FAULTS = (*_FAULTS, other_disk, broken_file, started_twice)
FAULTS: dict[str, Callable[[Bench], dict]] = {one.__name__: one for one in _FAULTS}
for sent in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
    for nb_done, nb_workers in ((1, 1), (5, 2)):
        options = ("--nb_workers", nb_workers)
        FAULTS[f"command_{sent.name}_{nb_workers}"] = partial(
            command_ended, number=sent, nb_done=nb_done, options=options
        )


def run(name: str) -> dict:
    """Cause a fault, run the command again until it ends well, and look."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(hosts())
        bench = Bench(folder, stack)
        found = {"fault": FAULTS[name](bench)}
        code = bench.command().wait(300)
        return {**found, **bench.result(code)}


def main() -> None:
    """Cause faults, and write what each has left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=FAULTS, default=list(FAULTS))
    given = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in given.only:
        results[name] = run(name)
        print(name, json.dumps(results[name], indent=1), flush=True)
        text = json.dumps(
            {key: results[key] for key in FAULTS if key in results}, indent=1
        )
        RESULTS.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
