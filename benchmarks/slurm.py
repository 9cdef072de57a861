"""A SLURM of one's own on this machine, for benchmarks.

Needs Linux, the rights of root, and ``apt-get install slurmctld slurmd slurm-client
munge``.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
import os
from pathlib import Path
import secrets
import socket
import subprocess
import time

import psutil

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel", "scontrol")
# No service of theirs has to run.
PACKAGES = "slurmctld slurmd slurm-client munge"
_SECONDS_TO_START = 60
_CONFIGURATION = """\
ClusterName=tractogen
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
MinJobAge=300
SchedulerParameters=batch_sched_delay=1,sched_interval=5
{nodes}
PartitionName=normal Nodes=ALL Default=YES State=UP
PartitionName=closed Nodes=ALL State=DOWN
"""
_NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4 "
_NODE += "RealMemory=8000"


class Slurm:
    """A controller and nodes, all on this machine.

    Parameters
    ----------
    folder : Path
        A new folder, for all files of theirs.
    stack : ExitStack
        Ends them.
    nodes : sequence of string, optional
        Names of the nodes, with 4 processors each by what SLURM is told.

    Attributes
    ----------
    environment : dict
        Variables with which commands of SLURM find it.
    """

    def __init__(self, folder: Path, stack: ExitStack, nodes=("node1", "node2")):
        self._folder, self._stack = folder, stack
        for name in ("state", "spool", "logs"):
            (folder / name).mkdir(parents=True)
        host = socket.gethostname().split(".")[0]
        controller, *ports = _free_ports(len(nodes) + 1)
        lines = [
            _NODE.format(name=name, host=host, port=port)
            for name, port in zip(nodes, ports, strict=True)
        ]
        values = {"folder": folder, "host": host, "controller": controller}
        path = folder / "slurm.conf"
        path.write_text(_CONFIGURATION.format(nodes="\n".join(lines), **values))
        self.environment = {"SLURM_CONF": str(path)}
        self._start_munge()
        stack.callback(self._kill_jobs)
        self.start_controller()
        for name in nodes:
            self._start("slurmd", "-D", "-N", name)
        self._wait_for(len(nodes))

    def ask(self, *words: object, check: bool = True) -> str:
        """Run a command of SLURM; return what it says."""
        line = list(map(str, words))
        options = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        environment = os.environ | self.environment
        done = subprocess.run(line, env=environment, check=False, **options)
        if check and done.returncode:
            raise OSError(f"{line}: {done.stdout}")
        return done.stdout.strip()

    def jobs(self, state: str = "all") -> list[str]:
        """Return the numbers of the jobs in the queue, perhaps of one state."""
        words = ("squeue", "--noheader", "--format=%i", "--array")
        return self.ask(*words, *([] if state == "all" else ["-t", state])).split()

    def start_controller(self) -> None:
        """Start the controller, which goes on with the jobs that it knows."""
        self._controller = self._start("slurmctld", "-D")

    def stop_controller(self) -> None:
        """End the controller."""
        _end(self._controller)

    def _start_munge(self) -> None:
        key = self._folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        files = {"key-file": key, "socket": self._folder / "munge.socket"}
        for name in ("pid", "log", "seed"):
            files[f"{name}-file"] = self._folder / f"munge.{name}"
        words = (f"--{name}={path}" for name, path in files.items())
        self._start("munged", "--foreground", "--force", *words)

    def _start(self, *words: str) -> psutil.Popen:
        name = "_".join((words[0], *words[3:])) if words[0] == "slurmd" else words[0]
        environment = os.environ | self.environment
        with (self._folder / "logs" / name).open("ab") as stream:
            options = {"stdout": stream, "stderr": stream, "env": environment}
            process = psutil.Popen(list(words), start_new_session=True, **options)
        self._stack.callback(_end, process)
        return process

    def _wait_for(self, nb_nodes: int) -> None:
        until = time.monotonic() + _SECONDS_TO_START
        words = ("sinfo", "--noheader", "--Node", "--partition=normal", "--format=%T")
        said = ""
        while said.split().count("idle") < nb_nodes:
            if time.monotonic() > until:
                raise TimeoutError(f"SLURM did not start, see {self._folder}: {said}")
            time.sleep(0.3)
            said = self.ask(*words, check=False)

    def _kill_jobs(self) -> None:
        with suppress(OSError):
            self.ask("scancel", "--signal=KILL", "--full", *self.jobs())
        with suppress(OSError):
            self.ask("scancel", *self.jobs())


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in opened:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in opened]


def _end(process: psutil.Popen) -> None:
    with suppress(psutil.NoSuchProcess):
        process.terminate()
    try:
        process.wait(10)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait()
