"""Trainings that were broken off and edited before they go on."""

import json
import shutil

import numpy as np
import pytest

from dipy_tractogen.nn.training.checkpoint import Checkpoint
from dipy_tractogen.workflows.cli import main

from .corruptions import DEEP, FILES, array_bytes, packed
from .roles import SMALL

NAN = float("nan")


class Killed(BaseException):
    """Ends a training as a kill does."""


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory, good):
    """Folder of a training that was killed after its first round."""
    folder = tmp_path_factory.mktemp("broken")

    def kill(checkpoint, *_):
        checkpoint.write()
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "on_epoch_end", kill)
        with pytest.raises(Killed):
            main(
                "dipy_train_vae",
                [*map(str, good.bundles), *SMALL, "--out_dir", str(folder)],
            )
    return folder / "model.training"


def state(**changes):
    """Change the state in a checkpoint."""

    def change(arrays):
        found = {**json.loads(str(arrays["state"])), **changes}
        found = {key: value for key, value in found.items() if value != "gone"}
        arrays["state"] = np.array(json.dumps(found))

    return change


def replaced(name, value):
    def change(arrays):
        if value is None:
            del arrays[name]
        else:
            arrays[name] = value

    return change


CHECKPOINTS = {
    "no state": replaced("state", None),
    "state of a number": replaced("state", np.array(7)),
    "state of text": replaced("state", np.array("{,}")),
    "state of a list": replaced("state", np.array("[]")),
    "state nested deeply": replaced("state", np.array(DEEP.decode())),
    "no settings": state(settings="gone"),
    "settings of a list": state(settings=[1]),
    "settings of null": state(settings=None),
    "finished with text": state(finished="perhaps"),
    "no word of an end": state(finished="gone"),
    "budget of a list": state(budget=[1]),
    "budget of text": state(budget={"steps": "x", "seconds": "y"}),
    "no budget": state(budget="gone"),
    "rows of numbers": state(rows=[1, 2]),
    "rows of text": state(rows="x"),
    "no rows": state(rows="gone"),
    "best of a list": state(best=[1]),
    "best of text": state(best={"x": "y"}),
    "no weights": replaced("model_0", None),
    "weights of another shape": replaced("model_3", np.zeros((3, 3), "f4")),
    "weights of text": replaced("model_3", np.full((72, 512), "x")),
    "weights of NaN": replaced("model_3", np.full((512, 512), NAN, "f4")),
    "weights of objects": replaced("model_3", np.array([{}], dtype=object)),
    "no optimiser": replaced("optimizer_0", None),
    "optimiser of text": replaced("optimizer_0", np.array("x")),
    "steps below zero": replaced("optimizer_0", np.array(-5)),
}
RESUMED = [*CHECKPOINTS, *FILES]


@pytest.mark.parametrize("kind", RESUMED)
def test_checkpoint(attempt, good, broken_off, kind):
    folder = attempt.out / "model.training"
    shutil.copytree(broken_off, folder)
    path = folder / "checkpoint.npz"
    if kind in FILES:
        path.write_bytes(FILES[kind](path.read_bytes()))
    else:
        with np.load(path) as stored:
            arrays = dict(stored)
        CHECKPOINTS[kind](arrays)
        named = {f"{name}.npy": array_bytes(array) for name, array in arrays.items()}
        path.write_bytes(packed(named))
    done = attempt(
        *("dipy_train_vae", *good.bundles, *SMALL, "--resume"),
        codes=(0, 1) if kind.startswith("flipped") else (1,),
    )
    print(done)
    assert done.code == 0 or path.name in done.error


HISTORIES = {"gone": None, "not in UTF-8": b"\xff\0\n"}


@pytest.mark.parametrize("kind", HISTORIES)
def test_history(attempt, good, broken_off, kind):
    folder = attempt.out / "model.training"
    shutil.copytree(broken_off, folder)
    if HISTORIES[kind] is None:
        (folder / "history.csv").unlink()
    else:
        (folder / "history.csv").write_bytes(HISTORIES[kind])
    attempt("dipy_train_vae", *good.bundles, *SMALL, "--resume", codes=(0, 1))
