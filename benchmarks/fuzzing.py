"""Run the commands with randomly broken inputs, and check their behaviour.

    python benchmarks/fuzzing.py --minutes 10
    python benchmarks/fuzzing.py --seed 3 --case 1234

Each case changes a file that a command reads, by what it holds, or gives an option an
odd value, and runs the command. It is held to the duties of ``tests/hostile``: an exit
code that is documented, one line where it fails, no traceback, all inputs as they were,
nothing left behind, outputs that can be read. The cases are run in a process of their
own, which is started anew where one of them ends it (a crash) or does not end (a hang).
A case is made of the seed and its number alone.
"""

from __future__ import annotations

import argparse
from collections import Counter
import contextlib
from functools import partial
import json
import os
from pathlib import Path
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SECONDS_OF_SILENCE = 150
OPTION_SHARE = 0.25


class Said:
    """What the process writes, libraries in C included, as pytest captures it."""

    def __init__(self):
        self._files = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115
        for number, file in enumerate(self._files, start=1):
            os.dup2(file.fileno(), number)

    def readouterr(self):
        """Return what was written since the last call."""
        sys.stdout.flush()
        sys.stderr.flush()
        found = []
        for number, file in enumerate(self._files, start=1):
            file.seek(0)
            found.append(file.read().decode(errors="replace"))
            os.ftruncate(number, 0)
            os.lseek(number, 0, os.SEEK_SET)
        return argparse.Namespace(out=found[0], err=found[1])


def targets(good, roles) -> list[tuple]:
    """Return what can be broken: a name, the file, the command line around a copy."""
    from dipy_tractogen.utils.files import TRACTOGRAM_EXTENSIONS

    tables = [
        (role, partial(good.tractogram, extension), roles.CHEAP)
        for role in roles.CHEAP
        for extension in TRACTOGRAM_EXTENSIONS
    ]
    # Its figures take longer than all else.
    quick = [role for role in roles.MODELS if role != "explore"]
    tables += 8 * [(role, lambda: good.model, roles.MODELS) for role in quick]
    own = {role: around for role, (_, around) in roles.OWN.items()}
    tables += 6 * [(role, partial(roles.OWN[role][0], good), own) for role in own]
    return [
        (role, source, partial(roles.command_line, role, good, table=table))
        for role, source, table in tables
    ]


def draw_option(good, rng, roles) -> list[str]:
    """Draw a command, and an odd value for one of its options."""
    from mutations import NUMBERS, TEXTS, pick

    command = pick(rng, sorted(roles.LINES))
    options = roles.options_of(command)
    name, kind = pick(rng, options)
    number = float(10.0 ** rng.uniform(-330, 308) * pick(rng, (-1, 1)))
    values = {
        "int": (*NUMBERS, *rng.integers(-100, 100, 4), 3.5, 10**30),
        "float": (number, number, *NUMBERS, "nan", "inf", "-inf", "1e-320"),
        "str": (*TEXTS[:10], *TEXTS[11:], "None", "a" * 3000, str(good.bundles[0])),
    }
    value = pick(rng, (*values.get(kind, TEXTS[:10]), "x"))
    return [command, *roles.LINES[command](good), f"{name}={value}"]


def make_case(number: int, seed: int, attempt, good, roles, known):
    """Create a case: its name, the command and the arguments."""
    from mutations import change_file, pick

    rng = np.random.default_rng([seed, number])
    if rng.random() < OPTION_SHARE:
        command, *line = draw_option(good, rng, roles)
        return f"{command} {str(line[-1])[:80]!r}", command, line
    name, source, around = pick(rng, known)
    path = attempt.given / source().name
    shutil.copy(source(), path)
    change_file(path, rng)
    command, *line = around(path)
    return f"{name}, {path.suffix}", command, line


def run_cases(options) -> None:
    """Run cases from a number on, and tell the parent of each."""
    report = os.fdopen(os.dup(1), "w", buffering=1)
    said = Said()
    sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
    from tests.hostile import roles
    from tests.hostile.attempts import Attempt
    from tests.hostile.good import Good

    warnings.simplefilter("error", RuntimeWarning)
    folder = Path(options.folder)
    good = Good(folder / f"good-{options.first}")
    good.folder.mkdir()
    known = targets(good, roles)
    number, last = options.first, options.last
    while number <= last:
        here = folder / "case"
        shutil.rmtree(here, ignore_errors=True)
        here.mkdir()
        attempt = Attempt(here, good.folders, said)
        tempfile.tempdir = str(attempt.temporary)
        os.chdir(attempt.here)
        name, command, line = make_case(
            number, options.seed, attempt, good, roles, known
        )
        print(json.dumps({"case": number, "begins": name}), file=report)
        outcome, detail = "", ""
        began = time.perf_counter()
        try:
            done = attempt(command, *line, codes=(0, 1, 3))
            outcome = {0: "accepted", 1: "refused", 3: "not met"}[done.code]
        except AssertionError as error:
            outcome = "duty broken"
            detail = f"{_where(error)} {error} {said.readouterr().err[-300:]}"
        except BaseException as error:
            hung = type(error).__name__ == "Hung"
            outcome = "hang" if hung else "traceback"
            detail = f"{_where(error)} {type(error).__name__}: {str(error)[:300]}"
        row = {"case": number, "name": name, "outcome": outcome, "detail": detail}
        row["seconds"] = round(time.perf_counter() - began, 2)
        print(json.dumps(row), file=report)
        number += 1


def _where(error: BaseException) -> str:
    """Return where an error comes from: the last place of ours, and the last of all."""
    places = traceback.extract_tb(error.__traceback__)
    ours = [place for place in places if "dipy_tractogen" in place.filename]
    chosen = [*ours[-1:], places[-1]]
    return " < ".join(f"{Path(p.filename).name}:{p.lineno} {p.line}" for p in chosen)


def supervise(options) -> dict:
    """Run cases in processes until the time is up, and count what came of them."""
    ends = time.monotonic() + 60 * options.minutes
    outcomes, faults, slowest = Counter(), [], []
    number = options.case if options.case is not None else 0
    last = number if options.case is not None else 10**9
    with tempfile.TemporaryDirectory() as folder:
        while number <= last and time.monotonic() < ends:
            row = None
            for row in _rows_of(number, last, folder, options.seed, ends):
                if "begins" in row:
                    continue
                outcomes[row["outcome"]] += 1
                slowest = sorted([*slowest, (row["seconds"], row["name"])])[-5:]
                if row["outcome"] in ("traceback", "hang", "duty broken", "crash"):
                    faults.append(row)
                    print(json.dumps(row), flush=True)
                elif options.case is not None:
                    print(json.dumps(row), flush=True)
            if row is None:
                break
            number = row["case"] + 1
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "seed": options.seed,
        "minutes": options.minutes,
        "cases": sum(outcomes.values()),
        "outcomes": dict(outcomes),
        "slowest": slowest,
        "faults": faults,
    }


def _rows_of(first: int, last: int, folder: str, seed: int, ends: float):
    """Yield what a process of cases says, and how it ended where it did by itself."""
    line = [sys.executable, __file__, "--first", str(first), "--last", str(last)]
    line += ["--seed", str(seed), "--folder", folder]
    row = None
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:

        def stop(*_):
            process.kill()

        signal.signal(signal.SIGALRM, stop)
        signal.alarm(SECONDS_OF_SILENCE)
        for text in process.stdout:
            signal.alarm(SECONDS_OF_SILENCE)
            row = json.loads(text)
            yield row
            if "begins" not in row and time.monotonic() > ends:
                process.kill()
                break
        signal.alarm(0)
    if row and "begins" in row:
        code = process.returncode
        outcome = "hang" if code == -signal.SIGKILL else "crash"
        yield {
            **{"case": row["case"], "name": row["begins"], "outcome": outcome},
            **{"detail": f"exit code {code}", "seconds": 0},
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, help="Run this case alone.")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    for name in ("--first", "--last", "--folder"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:
        options.first, options.last = int(options.first), int(options.last)
        with contextlib.suppress(BrokenPipeError):
            run_cases(options)
        return
    result = supervise(options)
    print(json.dumps({key: result[key] for key in result if key != "faults"}, indent=1))
    if options.case is None:
        options.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(result, indent=1)
        (options.out / "fuzzing.json").write_text(text, encoding="utf-8")
    sys.exit(bool(result["faults"]))


if __name__ == "__main__":
    main()
