"""Several processes that make the steps of one training together, joined by JAX.

Every process reads the same data and makes the same steps, each with its own part of a
batch. The first one, of index 0, writes what comes of it.
"""

from __future__ import annotations

import _thread
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
import json
import os
import socket
import sys
import threading
import time
from typing import NoReturn

import numpy as np

from . import backend_name, output_set_aside

# Messages of processes: why one ends, that it has left, that its work is done.
_ENDED, _LEFT, _DONE = (f"dipy_tractogen/{word}" for word in ("ended", "left", "done"))
_SECONDS_TO_JOIN = 300
_SECONDS_TO_LEAVE = 10.0
_POLL_SECONDS = 0.2
# Until the message of a process that ends arrives.
_SECONDS_TO_HEAR = 3.0
_WAIT_MS = 3_600_000
# First words of errors of the libraries that exchange arrays.
_OF_EXCHANGE = ("Gloo", "NCCL", "RCCL")


def count() -> int:
    """Return how many processes make the steps of a training together."""
    if backend_name() != "jax":
        return 1
    import jax

    return jax.process_count()


def index() -> int:
    """Return the number of this process among them, from 0."""
    if backend_name() != "jax":
        return 0
    import jax

    return jax.process_index()


def broadcast(value):
    """Return the value of the first process, as it comes back from JSON.

    All processes have to call it at the same point.
    """
    if count() == 1:
        return value
    text = np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)
    length = int(broadcast_arrays(np.int32(len(text))))
    padded = np.zeros(length, dtype=np.uint8)
    padded[: len(text)] = text[:length]
    return json.loads(broadcast_arrays(padded).tobytes())


def broadcast_arrays(arrays):
    """Return the arrays of the first process, in a structure of the same shapes."""
    if count() == 1:
        return arrays
    from jax.experimental.multihost_utils import broadcast_one_to_all

    with exchange():
        return broadcast_one_to_all(arrays)


@contextmanager
def exchange() -> Iterator[None]:
    """Notice the end of another process that the body waits for.

    Raises ConnectionError if another process is gone without a word; one that says why
    interrupts this one.
    """
    _Watch.waits_since = time.monotonic()
    try:
        yield
    except Exception as error:
        if not str(error).partition(":")[2].strip().startswith(_OF_EXCHANGE):
            raise
        # It is interrupted here if another process has said why it ends.
        time.sleep(_SECONDS_TO_HEAR)
        raise ConnectionError(
            f"Another process of this training is gone: {str(error).splitlines()[0]}"
        ) from error
    finally:
        _Watch.waits_since = None


class ProcessGroup:
    """The processes of a training; this one is the `number` from 0.

    `address` is host and port of the first process; JAX finds it without, where it
    knows the cluster. `on_end` gets, in a thread, the reason that another process gives
    when it ends early, and returns whether this one is to be interrupted. Raises
    ConnectionError if the processes do not find one another.
    """

    def __init__(
        self,
        nb_processes: int,
        number: int,
        address: str | None,
        on_end: Callable[[str], bool],
    ):
        self.nb_processes, self.number, self._address = nb_processes, number, address
        if address and not number:
            _check_port(int(address.rpartition(":")[2]))
        said = ""
        try:
            # Libraries of C++ write while processes are joined.
            with output_set_aside(1, 2):
                # In a thread, since waiting in C++ would block signals.
                connecting = ThreadPoolExecutor(1).submit(self._connect)
                connecting.result(timeout=_SECONDS_TO_JOIN)
        except TimeoutError:
            said = f"not all are there after {_SECONDS_TO_JOIN} s"
        except (RuntimeError, ValueError) as error:
            said = str(error).splitlines()[0]
        if said:
            raise ConnectionError(
                f"The other {nb_processes - 1} processes are not found at "
                f"{address or 'the address that JAX takes from SLURM'}: {said}"
            )
        self._watch = _Watch(_client(), self, on_end)
        self._watch.start()

    def _connect(self) -> None:
        import jax

        # It would catch SIGTERM.
        jax.config.update("jax_enable_preemption_service", False)
        jax.distributed.initialize(
            self._address,
            self.nb_processes,
            self.number,
            # JAX aborts the process at this timeout.
            initialization_timeout=_SECONDS_TO_JOIN + 60,
        )
        # Libraries log at their first exchange.
        broadcast_arrays(np.int32(0))

    def finish(self) -> None:
        """Leave once all processes have come to the end."""
        import jax

        client = _client()
        client.key_value_set(f"{_DONE}/{self.number}", "")
        for other in range(self.nb_processes):
            while not _is_there(client, f"{_DONE}/{other}"):
                # The first one may write large outputs.
                time.sleep(_POLL_SECONDS)
        self._watch.is_over = True
        jax.distributed.shutdown()

    def end(self, reason: str, code: int) -> None:
        """End this process early, and the others with it, and give them the reason."""
        self._watch.is_over = True
        # The others may be gone, or another process was first.
        with suppress(Exception):
            _client().key_value_set(
                _ENDED, json.dumps({"process": self.number, "reason": reason})
            )
        self.leave(code)

    def leave(self, code: int) -> None:
        """End this process at once; the first one ends last, as all listen to it."""
        until = time.monotonic() + _SECONDS_TO_LEAVE
        with suppress(Exception):
            if self.number:
                _client().key_value_set(f"{_LEFT}/{self.number}", "")
            for other in range(1, self.nb_processes if not self.number else 1):
                rest = max(until - time.monotonic(), 0.001)
                _client().blocking_key_value_get(f"{_LEFT}/{other}", int(1000 * rest))
        leave_at_once(code)


def leave_at_once(code: int) -> NoReturn:
    """End this process without what JAX does at its end, which waits for others."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class _Watch(threading.Thread):
    """Waits for the end of another process, and interrupts this one."""

    waits_since: float | None = None

    def __init__(self, client, joined: ProcessGroup, on_end: Callable[[str], bool]):
        super().__init__(daemon=True)
        self.is_over = False
        self._client = client
        self._joined = joined
        self._on_end = on_end

    def run(self) -> None:
        """Wait."""
        said = None
        while said is None and not self.is_over:
            with suppress(Exception):
                said = self._client.blocking_key_value_get(_ENDED, _WAIT_MS)
            if said is None:
                time.sleep(0.5)
        if said is None or self.is_over:
            return
        ended = json.loads(said)
        reason = (
            f"process {ended['process']} of {self._joined.nb_processes} has ended: "
            f"{ended['reason']}"
        )
        if self._on_end(reason):
            _thread.interrupt_main()
        self._end_what_waits(reason)

    def _end_what_waits(self, reason: str) -> None:
        """End a process that would wait for ever for data of another one."""
        number, nb_processes = self._joined.number, self._joined.nb_processes
        # The first one gives the others this time to leave.
        patience = _SECONDS_TO_LEAVE / 5 if number else _SECONDS_TO_LEAVE
        while not self.is_over:
            time.sleep(_POLL_SECONDS)
            since = _Watch.waits_since
            if since is not None and time.monotonic() - since > patience:
                self.is_over = True
                name = f"process {number} of {nb_processes}: " if number else ""
                os.write(2, f"ERROR: {name}Interrupted: {reason}\n".encode())
                self._joined.leave(1)


def _check_port(port: int) -> None:
    """Check that the port is free; otherwise JAX may abort without a message."""
    is_dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if is_dual else socket.AF_INET
    try:
        socket.create_server(("", port), family=family, dualstack_ipv6=is_dual).close()
    except OSError as error:
        raise ConnectionError(
            f"Process 0 cannot listen at port {port} of this host "
            f"({error.strerror}): give another one in JAX_COORDINATOR_ADDRESS."
        ) from error


def _is_there(client, key: str) -> bool:
    try:
        client.key_value_try_get(key)
    except RuntimeError:
        return False
    return True


def _client():
    # JAX has no public name for its store of keys and texts.
    try:
        from jax._src.distributed import global_state

        return global_state.client
    except (ImportError, AttributeError) as error:
        import jax

        raise ConnectionError(
            f"JAX {jax.__version__} joins processes in another way than is known here: "
            'pip install "jax==0.10.*", or train in one process'
        ) from error
