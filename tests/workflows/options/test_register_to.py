"""Trainings on subjects in spaces of their own, registered to a template."""

import numpy as np
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.spaces import template
from dipy_tractogen.streamlines.spaces.registration import Registration
from dipy_tractogen.streamlines.spaces.transform import AffineTransform
from dipy_tractogen.workflows.cli import main

TURNED = AffineTransform(
    [[0.96, -0.28, 0, 40], [0.28, 0.96, 0, -25], [0, 0, 1, 12], [0, 0, 0, 1]]
)


@pytest.fixture(scope="module")
def subjects(tmp_path_factory, phantom):
    """A bundle of two subjects, in two spaces."""
    folder = tmp_path_factory.mktemp("subjects")
    bundle = phantom.select(phantom.labels == 0)
    moved = TURNED.apply(bundle.streamlines)
    for name, streamlines, grid in (
        ("sub-a", bundle.streamlines, phantom.reference),
        ("sub-b", moved, Reference.covering(moved)),
    ):
        (folder / name).mkdir()
        save_bundles(folder / name / "bundle.trk", streamlines, reference=grid)
    return folder


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Have the registration find the way back."""

    def register(moving, static, *, kind):
        matched = {"moving": 1.0, "static": 1.0}
        return Registration(TURNED.inverse(), kind, 0.4, matched)

    monkeypatch.setattr(template, "register_streamlines", register)


def train(subjects, folder, *options):
    given = [*sorted(subjects.rglob("*.trk")), "--out_dir", folder, "--quiet"]
    given += ["--epochs", 1, "--nb_points", 16, "--latent_dim", 2, *options]
    return main("dipy_train_ae", [str(each) for each in given])


def test_both_subjects_are_trained_on(subjects, tmp_path, caplog):
    """And a card that is given goes into the model."""
    card = tmp_path / "card.toml"
    card.write_text('licence = "BSD"')
    target = ["--register_to", subjects / "sub-a"]
    assert train(subjects, tmp_path, *target, "--card", card) == 0
    model = load_model(tmp_path / "model.keras")
    assert model.record.card == {"licence": "BSD"}
    first = load_bundles(subjects / "sub-a")
    assert Reference.from_dict(model.record.reference).matches(first.reference)
    assert model.record.bundle_counts == [22]
    found = model.record.data["registrations"]
    assert found["sub-a"]["kind"] == "none"
    assert (found["sub-b"]["kind"], found["sub-b"]["residual_mm"]) == ("affine", 0.4)
    held_out = load_bundles(tmp_path / "held_out.trx")
    assert held_out.reference.matches(first.reference)
    gaps = held_out.resample(9)[:, None] - first.resample(9)[None]
    assert (np.abs(gaps).max(axis=(2, 3)).min(axis=1) < 1e-2).all()
    # A finished training is known again, and told from another.
    assert train(subjects, tmp_path, *target, "--resume") == 0
    assert "--card" not in caplog.text
    card.write_text('licence = "MIT"')
    assert train(subjects, tmp_path, *target, "--card", card, "--resume") == 0
    assert "card.toml: the model is written already" in caplog.text
    for name, value in (("register", "rigid"), ("register_to", subjects / "sub-b")):
        options = [*target, f"--{name}", value, "--resume"]
        assert train(subjects, tmp_path, *options) == 1
        assert f"finished training with another {name} (" in caplog.messages[-1]


def test_without_a_template_they_are_refused(subjects, refused):
    files = sorted(subjects.rglob("*.trk"))
    said = refused("dipy_train_ae", *files, "--epochs", 1)
    assert "sub-b/bundle.trk are in different grids" in said
    assert "(--register_to FILE)" in said
    said = refused("dipy_encode_streamlines", "human20", *files)
    assert "are in different grids" in said
    assert "register_to" not in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--register", "rigid"),
            "--register is of no use without",
        ),
        (("--register_to", "{a}", "--register", "warp"), "accepted are rigid, affine"),
        (
            ("--register_to", "{a}", "--reference", "{a}"),
            "grid is that of the template",
        ),
        (("--register_to", "none.trk"), "none.trk"),
    ],
)
@pytest.mark.parametrize("command", ["dipy_train_vae", "dipy_sweep_beta"])
def test_impossible_templates_are_refused(subjects, refused, command, options, said):
    file = subjects / "sub-a" / "bundle.trk"
    given = [each.format(a=file) for each in options]
    assert said in refused(command, file, *given)


def test_a_subject_that_does_not_fit_is_named(subjects, refused, monkeypatch):
    def fail(moving, static, *, kind):
        raise ValueError("the streamlines do not fit")

    monkeypatch.setattr(template, "register_streamlines", fail)
    files = sorted(subjects.rglob("*.trk"))
    said = refused("dipy_train_ae", *files, "--register_to", files[0])
    assert "sub-b to the template: the streamlines do not fit" in said


def test_a_card_that_cannot_be_read_is_an_error_at_once(subjects, refused, tmp_path):
    (tmp_path / "card.toml").write_text("colour = 'red'")
    files = sorted(subjects.rglob("*.trk"))
    said = refused("dipy_train_ae", *files, "--card", tmp_path / "card.toml")
    assert "card.toml" in said
    assert "with colour; expected name" in said
