"""Work on subjects that takes no time, and needs no model."""

from dataclasses import dataclass
import os
from pathlib import Path
import signal
import time

from dipy_tractogen.streamlines.bids.tree import Session
from dipy_tractogen.utils.versions import versions_to_use
from dipy_tractogen.workflows.cohorts.task import Task


@dataclass(frozen=True)
class Toy(Task):
    """Write two files; do something else before, once."""

    act: str = ""

    def make(self):
        place = self.part.folder / "dwi"
        place.mkdir(parents=True)
        with (self.root / "made.txt").open("a") as stream:
            stream.write(f"{self.part.name}\n")
        Path(place, "a.txt").write_text(str(self.asked["text"]))
        marker = self.root / f"{self.part.name}.marker"
        if self.act and not marker.exists():
            marker.touch()
            if self.act == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            elif self.act == "raise":
                raise RuntimeError("of no kind\nthat is foreseen")
            elif self.act == "interrupt":
                raise KeyboardInterrupt
            elif self.act == "wait":
                time.sleep(0.3)
        if self.asked["text"] != "short":
            Path(place, "b.txt").write_text(self.asked["text"])


def toy(root, number, *, text="text", act="", inputs=()):
    """Give the toy of a subject, whose outputs go to root/out."""
    (root / "out" / "logs").mkdir(parents=True, exist_ok=True)
    asked = {"text": text, "versions": versions_to_use()}
    session = Session(f"sub-{number:02d}")
    return Toy(session, root, tuple(inputs), root / "out", asked, act)
