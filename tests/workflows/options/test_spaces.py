"""Subjects in their own space: as without the move, and back where they were."""

import csv
from dataclasses import replace
import inspect
import json

import numpy as np
import pytest

import dipy_tractogen
from dipy_tractogen.metrics.latents import sample_latents
from dipy_tractogen.nn import load_model, registration
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.spaces.registration import Registration
from dipy_tractogen.streamlines.spaces.transform import AffineTransform
from dipy_tractogen.viz.latent import explore
from dipy_tractogen.workflows.cli import cli_flows, load_flow, main
from dipy_tractogen.workflows.options.spaces import SpaceOptions

# From the space of the phantom to that of the subject: a turn about z, and a shift.
TURNED = AffineTransform(
    [[0.96, -0.28, 0, 40], [0.28, 0.96, 0, -25], [0, 0, 1, 12], [0, 0, 0, 1]]
)
# The same, and other sizes and a shear.
SCALED = AffineTransform(
    TURNED.matrix @ [[1.1, 0.05, 0, 3], [0, 0.9, 0, 0], [0, 0, 1.2, 0], [0, 0, 0, 1]]
)
OTHERWISE = {
    "dipy_evaluate_streamlines": ["real.trx", "--model_file", "model.keras"],
    "dipy_filter_streamlines": ["--reference_files", "x.trx"],
    "dipy_generate_streamlines": ["--seed_streamlines", "x.trx"],
    "dipy_label_streamlines": ["--reference_files", "x.trx"],
}
"""What commands need beside their first file, or in place of an input."""


def run(command, *given):
    return main(f"dipy_{command}", [str(each) for each in given])


def save(path, bundles, streamlines, reference):
    save_bundles(
        path,
        streamlines,
        reference=reference,
        labels=bundles.labels,
        bundle_names=bundles.bundle_names,
        data_per_streamline={"score": np.arange(len(bundles), dtype=np.float32)},
    )


@pytest.fixture(scope="module")
def subject(tmp_path_factory, bundle_files):
    """Bundles where they are trained on and where a subject has them, and the way."""
    folder = tmp_path_factory.mktemp("subject")
    bundles = load_bundles(bundle_files)
    save(folder / "same.trx", bundles, bundles.streamlines, bundles.reference)
    for name, transform in (("turned", TURNED), ("scaled", SCALED)):
        moved = transform.apply(bundles.streamlines)
        grid = Reference.covering(moved, voxel_size=1.5)
        save(folder / f"{name}.trx", bundles, moved, grid)
        np.savetxt(folder / f"{name}.txt", transform.inverse().matrix)
    return folder


@pytest.fixture
def both(subject, tmp_path, model_file):
    """Run a command on a subject where the model is and in its own space.

    Return the folders of both outputs, and the messages of the second run.
    """

    def run_both(command, *options, model=model_file, before=(), kind="scaled"):
        moves = {"same": [], kind: ["--transform", subject / f"{kind}.txt"]}
        for name, more in moves.items():
            given = [*before, subject / f"{name}.trx", *options, *more]
            given = [*([model] if model else []), *given]
            assert run(command, *given, "--out_dir", tmp_path / name) == 0
        return tmp_path / "same", tmp_path / kind

    return run_both


def check_own(path, subject, kind="scaled"):
    """Check that streamlines are those of the subject, with header and values."""
    own = load_bundles(subject / f"{kind}.trx")
    found = load_bundles(path, keep_data=True)
    assert found.reference.matches(own.reference)
    rows = found.data_per_streamline["score"][:, 0].astype(int)
    np.testing.assert_allclose(found.resample(8), own.resample(8)[rows], atol=1e-3)
    return found


def check_values(found, expected, *names, atol=1e-3):
    for name in names:
        values = (each.data_per_streamline[name] for each in (found, expected))
        np.testing.assert_allclose(*values, atol=atol, err_msg=name)


def test_encode(both, subject):
    same, own = both("encode_streamlines", "--out_latents", "latents.trx")
    found = check_own(own / "latents.trx", subject)
    expected = load_bundles(same / "latents.trx", keep_data=True)
    check_values(found, expected, "latent", "error_mm")


def test_reconstruct(both, subject):
    same, own = both("reconstruct_streamlines")
    found = load_bundles(own / "reconstructed.trx", keep_data=True)
    expected = load_bundles(same / "reconstructed.trx", keep_data=True)
    check_values(found, expected, "error_mm", "score")
    assert found.reference.matches(Reference.from_file(subject / "scaled.trx"))
    back = SCALED.inverse().apply(found.streamlines)
    np.testing.assert_allclose(back._data, expected.streamlines._data, atol=1e-2)


def test_label(both, subject, bundle_files):
    """What is near does not depend on the space; the reference is in the model's."""
    same, own = both("label_streamlines", "--reference_files", *bundle_files)
    found = check_own(own / "labelled.trx", subject)
    expected = load_bundles(same / "labelled.trx", keep_data=True)
    check_values(found, expected, "distance_mm", "relative_distance", atol=1e-2)
    check_values(found, expected, "score")
    assert (found.labels == expected.labels).all()
    report = json.loads((own / "labels.json").read_text(encoding="utf-8"))
    record = report["registrations"]["input"]
    assert record["space"] == "phantom"
    np.testing.assert_allclose(record["matrix"], SCALED.inverse().matrix, atol=1e-6)


def test_predict(both, regression_folder):
    model = regression_folder / "model.keras"
    tables = []
    for folder in both("predict_attribute", model=model):
        with open(folder / "attribute.tsv", newline="", encoding="utf-8") as stream:
            tables.append(list(csv.DictReader(stream, delimiter="\t")))
    for name in ("predicted", "measured", "score"):
        same, own = ([float(row[name]) for row in rows] for rows in tables)
        np.testing.assert_allclose(own, same, atol=1e-3)


def test_explore(subject, model_file, tmp_path, monkeypatch):
    """What is explored is in the space of the model."""
    seen = {}

    def look(model, bundles, paths, *, transform, **options):
        seen["sample"] = sample_latents(model, bundles, transform=transform)
        return {"streamlines": {}, "figures": []}

    monkeypatch.setattr(explore, "explore_latent", look)
    np.savetxt(tmp_path / "away.txt", SCALED.matrix)
    given = [model_file, subject / "scaled.trx"]
    given += ["--transform", f"[{tmp_path}/away.txt,1]"]
    assert run("explore_latent", *given, "--out_dir", tmp_path) == 0
    found = json.loads((tmp_path / "latent.json").read_text(encoding="utf-8"))
    assert found["registrations"]["input"]["kind"] == "affine"
    same, sample = load_bundles(subject / "same.trx"), seen["sample"]
    points = [each.resample(8) for each in (sample.bundles, same)]
    np.testing.assert_allclose(*points, atol=1e-3)
    assert sample.bundles.reference.matches(same.reference)


def test_evaluate(both, subject, bundle_files, model_file):
    """Real files are moved to the space of the model and of the generated ones."""
    before, options = [subject / "same.trx"], ["--nb_bootstrap", 0]
    options += ["--model_file", model_file, "--train_files", *bundle_files]
    reports = [
        json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        for folder in both("evaluate_streamlines", *options, model=None, before=before)
    ]
    same, own = (report["overall"]["generated"] for report in reports)
    for name in ("precision", "coverage", "dice", "mean_length"):
        assert own[name] == pytest.approx(same[name], abs=0.01)
    errors = (report["model"]["reconstruction_mm"]["mean"] for report in reports)
    assert next(errors) == pytest.approx(next(errors), abs=1e-3)
    assert reports[1]["registrations"]["real"]["kind"] == "affine"


def test_generate(subject, model_file, tmp_path):
    """Streamlines are in the space of the seeds, with their header."""
    made = []
    for kind in ("same", "scaled"):
        given = [model_file, "--seed_streamlines", subject / f"{kind}.trx"]
        given += ["--nb_streamlines", 20, "--outside_box", "keep"]
        if kind != "same":
            given += ["--transform", subject / "scaled.txt"]
        assert run("generate_streamlines", *given, "--out_dir", tmp_path / kind) == 0
        path = tmp_path / kind / "synthetic.trx"
        made.append(load_bundles(path, out_of_bounds="keep", keep_data=True))
    same, own = made
    assert own.reference.matches(Reference.from_file(subject / "scaled.trx"))
    moved = SCALED.apply(same.streamlines)
    np.testing.assert_allclose(own.streamlines._data, moved._data, atol=0.1)
    lengths = own.data_per_streamline["length"][:, 0]
    np.testing.assert_allclose(lengths, own.lengths(), rtol=1e-4)


WITH_SPACES = [
    command
    for command in cli_flows
    if "transform" in inspect.signature(load_flow(command).run).parameters
]


def test_the_commands_that_read_subjects_have_the_options():
    names = {command.removeprefix("dipy_") for command in WITH_SPACES}
    assert names >= {
        *("encode_streamlines", "filter_streamlines", "label_streamlines"),
        *("reconstruct_streamlines", "predict_attribute", "evaluate_streamlines"),
        *("explore_latent", "generate_streamlines"),
    }


@pytest.mark.parametrize("command", WITH_SPACES)
def test_options_are_shared_and_exclude_each_other(command, refused):
    declared = load_flow(command).run.declared
    for name, one in SpaceOptions.options().items():
        assert declared[name] == one
    given = OTHERWISE.get(command, [])
    if "generate" not in command:
        given = ["given.trx", *given]
    options = ["--register", "rigid", "--transform", "one.txt", "two.nii.gz"]
    said = refused(command, "model.keras", *given, *options)
    assert "--register rigid and --transform one.txt two.nii.gz are both given" in said


@pytest.mark.parametrize("command", WITH_SPACES)
def test_another_kind_is_refused(command, refused):
    given = [] if "generate" in command else ["given.trx"]
    said = refused(command, "model.keras", *given, "--register", "warp")
    assert said == "ERROR: --register warp: accepted are rigid, affine."


def test_a_registration_without_what_it_needs(refused, subject):
    said = refused("dipy_generate_streamlines", "human20", "--register", "rigid")
    assert "--register is of no use without --seed_streamlines" in said
    files = [subject / "same.trx", subject / "turned.trx"]
    said = refused("dipy_evaluate_streamlines", *files, "--register", "rigid")
    assert "--register is of no use without --model_file" in said


def test_a_transform_that_cannot_be_read(refused, subject, model_file, tmp_path):
    (tmp_path / "bad.txt").write_text("1 2 3")
    given = [model_file, subject / "scaled.trx", "--transform", tmp_path / "bad.txt"]
    assert "bad.txt is no transform" in refused("dipy_encode_streamlines", *given)


@pytest.fixture
def registered(monkeypatch):
    """Have the registration find the way of the turned subject, and keep its sets."""
    sets = []

    def register(moving, static, *, kind, **options):
        sets.append((moving, static))
        matched = {"moving": 0.9, "static": 0.8}
        return Registration(TURNED.inverse(), kind, 1.5, matched)

    monkeypatch.setattr(registration, "register_streamlines", register)
    return sets


def test_a_registration_is_to_streamlines_of_all_bundles(
    registered, subject, model_file, bundle_files, tmp_path, caplog
):
    caplog.set_level("INFO")
    given = [model_file, subject / "turned.trx", "--reference_files", *bundle_files]
    given += ["--register", "rigid", "--out_dir", tmp_path]
    assert run("filter_streamlines", *given) == 0
    check_own(tmp_path / "plausible.trx", subject, "turned")
    ((moving, static),) = registered
    assert len(moving) == 36
    assert len(static) == registration.NB_STREAMLINES
    record = json.loads((tmp_path / "filter.json").read_text(encoding="utf-8"))
    found = record["registrations"]["input"]
    assert found["space"] == "phantom"
    assert (found["kind"], found["residual_mm"]) == ("rigid", 1.5)
    assert found["matched_fraction"] == {"moving": 0.9, "static": 0.8}
    np.testing.assert_allclose(found["transform"]["matrix"], TURNED.inverse().matrix)
    (line,) = [one for one in caplog.messages if "rigid registration" in one]
    assert line.startswith("input to the space of the model (phantom): rigid reg")
    assert "residual 1.5 mm, 90 %" in line
    assert "matrix [[0.96, 0.28, 0.0, -31.4]," in line


def test_a_subject_is_registered_to_a_model(subject, model_file, bundle_files):
    """To streamlines that a hardly trained model generates, within a millimetre or two.

    The function is that of the package.
    """
    own = load_bundles(subject / "turned.trx")
    model = load_model(model_file)
    found = dipy_tractogen.register_to_model(model, own, nb_streamlines=300)
    back = found.transform.apply(own.streamlines)
    gaps = back._data - load_bundles(subject / "same.trx").streamlines._data
    assert np.linalg.norm(gaps, axis=1).mean() < 2
    assert found.kind == "rigid"
    assert found.matched_fraction["moving"] > 0.9
    with pytest.raises(ValueError, match="the moving set has 4 streamlines"):
        dipy_tractogen.register_to_model(model, own.streamlines[:4])


def test_a_model_without_a_density_has_nothing_to_register_to(
    refused, subject, model_file, tmp_path
):
    model = load_model(model_file)
    model.record = replace(model.record, density=None, texture=None)
    model.save(tmp_path / "bare.keras")
    given = [tmp_path / "bare.keras", subject / "turned.trx", "--register", "rigid"]
    said = refused("dipy_encode_streamlines", *given)
    assert "generates no streamlines to register to" in said
    assert "--transform FILE" in said
