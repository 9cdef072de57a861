from contextlib import suppress

import numpy as np
import pytest

from dipy_tractogen.workflows.runtime.workspace import Workspace


@pytest.fixture
def make(tmp_path):
    def workspace(*, resume=False, force=False):
        return Workspace(tmp_path / "model.keras", resume=resume, force=force)

    return workspace


def broken_off(workspace):
    """What a killed training leaves."""
    workspace.__enter__()
    workspace.history.write_text("old")
    (workspace.folder / "checkpoint.npz").write_bytes(b"state")
    remainder = workspace.folder / ".checkpoint-0123abcd.npz"
    remainder.write_bytes(b"sta")


def test_end_leaves_the_history_only(make, tmp_path):
    workspace = make()
    with workspace:
        assert workspace.folder == tmp_path / "model.training"
        workspace.history.write_text("step,loss\n1,2\n")
        workspace.save_history(tmp_path / "history.csv", force=False)
        workspace.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"]
    assert (tmp_path / "history.csv").read_text(encoding="utf-8") == "step,loss\n1,2\n"


def test_broken_training_is_not_lost_by_starting_anew(make):
    workspace = make()
    broken_off(workspace)
    with pytest.raises(FileExistsError, match="--resume, or start anew with --force"):
        workspace.__enter__()
    assert workspace.history.read_text(encoding="utf-8") == "old"
    with make(resume=True):
        assert workspace.history.read_text(encoding="utf-8") == "old"
    with make(force=True):
        assert not workspace.history.exists()


def users_folder(kind, folder, tmp_path):
    """Make a folder of the user's that is called like that of a training."""
    if kind == "file":
        folder.write_text("mine")
        return
    if kind in ("link", "broken link"):
        (tmp_path / "mine").mkdir(exist_ok=kind == "link")
        (tmp_path / "mine" / "history.csv").write_text("mine")
        target = "mine" if kind == "link" else "nowhere"
        folder.symlink_to(tmp_path / target, target_is_directory=True)
        return
    folder.mkdir()
    if kind == "folder":
        (folder / "history.csv").mkdir()
        (folder / "history.csv" / "AF.trk").write_text("mine")
    elif kind == "linked history":
        (tmp_path / "mine").write_text("mine")
        (folder / "history.csv").symlink_to(tmp_path / "mine")
    else:
        for name in kind.split(","):
            (folder / name).write_text("mine")


def listing(folder):
    return {
        path: path.read_bytes() if path.is_file() else path.is_symlink()
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("options", [{}, {"resume": True}, {"force": True}])
@pytest.mark.parametrize(
    "kind",
    [
        *(
            "AF.trk",
            "history.csv",
            "best.keras",
            "checkpoint.npz",
            "dipy_tractogen.json",
        ),
        *("history.csv,AF.trk", ".history.csv", "folder", "linked history"),
        *("file", "link", "broken link"),
    ],
)
def test_folder_of_the_user_is_refused_and_kept(make, tmp_path, kind, options):
    users_folder(kind, make().folder, tmp_path)
    before = listing(tmp_path)
    for enter in (make(**options).check, make(**options).__enter__):
        with pytest.raises(FileExistsError, match="give another --out_model") as caught:
            enter()
        assert "\n" not in str(caught.value)
    assert listing(tmp_path) == before


@pytest.mark.parametrize("options", [{"resume": True}, {"force": True}])
def test_file_that_was_put_beside_a_training_is_refused_and_kept(make, options):
    workspace = make()
    broken_off(workspace)
    (workspace.folder / "AF.trk").write_text("mine")
    before = listing(workspace.folder)
    with pytest.raises(FileExistsError, match=r"holds AF\.trk, not of a training"):
        make(**options).check()
    assert listing(workspace.folder) == before


def test_file_that_appears_while_training_stays(make, tmp_path, caplog):
    with make() as workspace:
        workspace.history.write_text("step")
        (workspace.folder / "notes.txt").write_text("mine")
        workspace.save_history(tmp_path / "history.csv", force=False)
        workspace.finish()
    assert [path.name for path in workspace.folder.iterdir()] == ["notes.txt"]
    assert "is left: it holds notes.txt" in caplog.text


def test_empty_folder_is_taken(make):
    make().folder.mkdir()
    with make() as workspace:
        workspace.history.write_text("step")


@pytest.mark.parametrize("place", ["model.training", "model.training/deep/a.csv"])
def test_output_in_the_folder_is_refused(make, tmp_path, place):
    with pytest.raises(ValueError, match="which the training removes"):
        make().check([tmp_path / place])


def end(workspace, error, *, leaving):
    """End a training by an error after it wrote a file."""
    with workspace:
        (workspace.folder / leaving).write_bytes(b"state")
        raise error("no")


@pytest.mark.parametrize("error", [ValueError, MemoryError, OSError])
def test_training_that_never_began_leaves_nothing(make, tmp_path, error):
    with pytest.raises(error):
        end(make(), error, leaving="history.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "kept"), [(OSError, True), (KeyboardInterrupt, True), (ValueError, False)]
)
def test_checkpoint_outlives_a_full_disk_but_not_a_divergence(make, error, kept):
    workspace = make()
    with pytest.raises(error):
        end(workspace, error, leaving="checkpoint.npz")
    assert workspace.folder.exists() == kept


def test_refused_resumption_keeps_the_checkpoint(make):
    workspace = make(resume=True)
    broken_off(workspace)
    with pytest.raises(ValueError, match="no"):
        end(workspace, ValueError, leaving="history.csv")
    assert (workspace.folder / "checkpoint.npz").exists()


def test_untrained_model_is_not_kept(make):
    class Model:
        class record:
            density = None

    with make() as workspace:
        workspace.keep_best(Model)
        assert not workspace.best.exists()


@pytest.mark.parametrize(
    ("has_checkpoint", "said"), [(True, "--resume goes on"), (False, "starts anew")]
)
def test_best_model_is_kept_and_its_place_said(make, caplog, has_checkpoint, said):
    class Model:
        class record:
            density = np.ones(1)
            history = ({"step": 7},)

        def save(self, path):
            path.write_text("best")

    with suppress(KeyboardInterrupt), make() as workspace:
        if has_checkpoint:
            (workspace.folder / "checkpoint.npz").write_bytes(b"state")
        workspace.keep_best(Model())
        raise KeyboardInterrupt
    assert workspace.best.read_text(encoding="utf-8") == "best"
    assert "after 7 steps" in caplog.text
    assert str(workspace.best) in caplog.text
    assert said in caplog.text


def test_interrupt_says_what_is_left(make, caplog):
    with suppress(KeyboardInterrupt), make() as workspace:
        workspace.history.write_text("step,loss")
        raise KeyboardInterrupt
    assert "before there was anything to keep" in caplog.text
    assert not workspace.folder.exists()
    caplog.clear()
    with suppress(KeyboardInterrupt), make() as workspace:
        (workspace.folder / "checkpoint.npz").write_bytes(b"state")
        raise KeyboardInterrupt
    assert f"What was trained is kept in {workspace.folder}" in caplog.text
    assert "--resume goes on" in caplog.text
