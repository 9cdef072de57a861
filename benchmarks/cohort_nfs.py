"""A command on a cohort on a disk of NFS 4.2, one of whose two hosts is killed.

    python benchmarks/cohort_nfs.py

Needs Linux, the rights of root, and ``apt-get install nfs-ganesha nfs-ganesha-vfs
user-mode-linux nfs-common kmod ethtool iproute2``. The hosts are kernels of user-mode
Linux, clients of NFS with the root of this machine read-only below; the server is
NFS-Ganesha, and all are in one network namespace. Subjects are files that are copied
(`cohort_copies`): one host has the scheduler, the command and a worker, the other a
worker. This one is killed in mid-task, as by the end of a machine.
"""

from __future__ import annotations

from contextlib import ExitStack
import json
import os
from pathlib import Path
import shlex
import subprocess
import tempfile
import time

from cohort_hosts import HERE, PYTHON, Bench, check_programs, end, sh
import psutil

RESULTS = Path(__file__).parent / "results" / "cohort_nfs.json"
PROGRAMS = ("ganesha.nfsd", "linux.uml", "mount.nfs", "modprobe", "ethtool", "ip")
PACKAGES = "nfs-ganesha nfs-ganesha-vfs user-mode-linux nfs-common kmod ethtool"
NAMESPACE = "tractogen_nfs"
ADDRESSES = {"server": "10.78.0.1", "first": "10.78.0.11", "second": "10.78.0.12"}
SCHEDULER = f"tcp://{ADDRESSES['first']}:8786"
MODULES = "/usr/lib/uml/modules"
LEASE_SECONDS = 30
_MOST_SECONDS = 600
_SERVER = """\
NFS_CORE_PARAM {{ Protocols = 4; Enable_NLM = false; Enable_RQUOTA = false; }}
NFSV4 {{ Lease_Lifetime = {lease}; Graceless = true; RecoveryRoot = {folder}/state; }}
EXPORT {{ Export_Id = 1; Path = {folder}/export; Pseudo = /export; Protocols = 4;
  Access_Type = RW; Squash = No_Root_Squash; SecType = sys; FSAL {{ Name = VFS; }} }}
"""
_GUEST = """\
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp
mount -t proc proc /proc; mount -t sysfs sysfs /sys
mkdir -p /dev/shm; for place in /tmp /run /dev/shm; do mount -t tmpfs tmpfs $place; done
hostname $guest; ip link set lo up; ip addr add $address/24 dev vec0
ip link set vec0 up; modprobe -d {folder} nfsv4
mount -t nfs4 -o vers=4.2,soft,timeo=50 {server}:/export {folder}/nfs
cd {folder}/nfs; export PYTHONPATH={paths} OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
export DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT=120s
export DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP=60s
worker() {{ {python} -m distributed.cli.dask_worker {scheduler} --nthreads 1 \
    --no-nanny --no-dashboard --local-directory /tmp > $guest.log 2>&1; }}
if [ $guest = first ]; then
    {python} -m distributed.cli.dask_scheduler --host $address --no-dashboard \
        > scheduler.log 2>&1 &
    worker &
    {python} {here}/cohort_copies.py $PWD/raw $PWD/out --seconds 6 \
        --scheduler {scheduler} > log 2>&1
    echo $? > code.new; mv code.new code
    {python} {here}/cohort_copies.py $PWD/raw $PWD/out >> log 2>&1
    echo $? > last_code.new; mv last_code.new last_code
else
    worker
fi
sync; echo o > /proc/sysrq-trigger; sleep 9
"""


def network(stack: ExitStack) -> None:
    """Make a namespace with a bridge, and an interface for each host."""
    sh("ip", "netns", "del", NAMESPACE, check=False)
    sh("ip", "netns", "add", NAMESPACE)
    stack.callback(sh, "ip", "netns", "del", NAMESPACE, check=False)
    of = ("ip", "-n", NAMESPACE)
    sh(*of, "link", "add", "bridge", "type", "bridge")
    sh(*of, "addr", "add", f"{ADDRESSES['server']}/24", "dev", "bridge")
    for guest in ("first", "second"):
        sh(*of, "tuntap", "add", guest, "mode", "tap")
        sh(*of, "link", "set", guest, "master", "bridge")
    for device in ("lo", "bridge", "first", "second"):
        sh(*of, "link", "set", device, "up")
        # User-mode Linux takes no packets that are larger than those of the network.
        off = (
            part for name in ("tso", "gso", "gro", "tx", "sg") for part in (name, "off")
        )
        words = ("ip", "netns", "exec", NAMESPACE, "ethtool", "-K", device)
        sh(*words, *off, check=False)


def start(*words: object, stack: ExitStack, log: Path) -> psutil.Popen:
    """Start a program in the namespace."""
    line = ["ip", "netns", "exec", NAMESPACE, *map(str, words)]
    environment = os.environ | {"TMPDIR": "/dev/shm"}
    with log.open("wb") as stream:
        options = {"stdout": stream, "stderr": stream, "env": environment}
        process = psutil.Popen(
            line, stdin=subprocess.DEVNULL, start_new_session=True, **options
        )
    stack.callback(end, process)
    return process


def boot(guest: str, folder: Path, stack: ExitStack) -> psutil.Popen:
    """Start a host."""
    words = ["mem=1200M", "root=none", "rootfstype=hostfs", "rootflags=/", "ro"]
    words += [f"init={folder}/init", f"guest={guest}", f"address={ADDRESSES[guest]}"]
    words += [f"vec0:transport=tap,ifname={guest},depth=64,gro=1", "con=null"]
    words += ["con0=null,fd:1", "quiet"]
    return start("linux.uml", *words, stack=stack, log=folder / f"{guest}.log")


def wait_until(holds, what: str) -> float:
    """Wait until something holds; return the seconds that it took."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > _MOST_SECONDS:
            raise TimeoutError(what)
        time.sleep(0.2)
    return round(time.monotonic() - began, 1)


def run(folder: Path, stack: ExitStack) -> dict:
    """Kill a host in mid-task; return what is left."""
    export = folder / "export"
    for name in ("export", "nfs", "state", "lib"):
        (folder / name).mkdir()
    (folder / "lib" / "modules").symlink_to(MODULES)
    bench = Bench(export, stack)
    values = {"folder": folder, "server": ADDRESSES["server"], "here": HERE}
    values |= {"paths": f"{HERE.parent}:{HERE}", "scheduler": SCHEDULER}
    values["python"] = shlex.join(PYTHON)
    init = folder / "init"
    init.write_text(f"#!/bin/bash\n{_GUEST.format(**values)}")
    init.chmod(0o755)
    configuration = folder / "ganesha.conf"
    configuration.write_text(_SERVER.format(folder=folder, lease=LEASE_SECONDS))
    network(stack)
    log = folder / "server.log"
    log.touch()
    words = ("-F", "-f", configuration, "-L", log, "-p", folder / "server.pid")
    start("ganesha.nfsd", *words, stack=stack, log=folder / "server.out")
    wait_until(lambda: "SERVER INITIALIZED" in log.read_text(), f"see {log}")
    boot("first", folder, stack)
    second = boot("second", folder, stack)
    out = export / "out"
    wait_until(lambda: len(_at_work(out)) == 2, f"work of two hosts, see {folder}")
    at_work = sorted(_at_work(out))
    end(second)
    seconds = wait_until((export / "code").exists, f"the command, see {folder}")
    found = {"at_work": at_work, "code": int((export / "code").read_text())}
    found |= {"seconds_to_end": seconds, "table_is_true": bench.is_true()}
    wait_until((export / "last_code").exists, "the last command")
    return {"fault": found, **bench.result(int((export / "last_code").read_text()))}


def _at_work(out: Path) -> set[str]:
    """Return the subjects that are begun, as long as none of their files is moved."""
    begun = {path.name[1:7] for path in out.glob(".sub-*-making-*")}
    return begun - {path.name for path in out.glob("sub-*")}


def main() -> None:
    """Run it, and write what is left."""
    check_programs(PROGRAMS, PACKAGES)
    with ExitStack() as stack:
        # Not in /tmp, which the hosts have of their own.
        place = tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True)
        found = run(Path(stack.enter_context(place)), stack)
    print(json.dumps(found, indent=1))
    RESULTS.write_text(f"{json.dumps(found, indent=1)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
