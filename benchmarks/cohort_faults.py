"""Kill workers, the scheduler and the command on a cohort, cut networks, fill disks.

    python benchmarks/cohort_faults.py
    python benchmarks/cohort_faults.py --only scheduler_restarted link_cut

Needs the rights of root on Linux: two network namespaces are two hosts, joined by a
pair of virtual interfaces, with the scheduler and the command in one and the workers in
the other; disks are tmpfs. Subjects are files that are copied (`cohort_copies`). After
each fault the same command is run until it ends well, and then: each output is whole
and as without a fault; nothing is left over; the table says that all are done; no
finished subject was made twice. Those that a fault broke off are counted apart.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
import signal
import tempfile
import time

from cohort_hosts import CONNECT, HOSTS, NB_BYTES, Bench, end, hosts, link, run_all, sh

RESULTS = Path(__file__).parent / "results" / "cohort_faults.json"


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
    """Kill the scheduler, and start it and workers again; the command finds it."""
    scheduler, *_ = bench.cluster()
    # On a busy machine a new scheduler may take longer than the default.
    command = bench.there(before=("env", f"{CONNECT}=300s"))
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
        code = bench.command().wait(900)
        return {**found, **bench.result(code)}


def main() -> None:
    """Cause faults, and write what each has left."""
    run_all(__doc__.splitlines()[0], FAULTS, run, RESULTS)


if __name__ == "__main__":
    main()
