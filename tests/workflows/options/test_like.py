"""Streamlines that are generated for a subject, from its own."""

import csv
import json

import numpy as np
import pytest

from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main

SHIFT = np.array([0, 4, 0], dtype=np.float32)


@pytest.fixture
def generate(tmp_path, caplog):
    """Run the command; give what it said, if it failed, or wrote, and the record."""

    def run(model, *arguments):
        options = ["--nb_streamlines", 200, "--out_dir", tmp_path, "--force"]
        given = [str(each) for each in (model, *arguments, *options)]
        if main("dipy_generate_streamlines", given):
            return caplog.text
        record = json.loads((tmp_path / "synthetic.trx.json").read_text("utf-8"))
        made = load_bundles(tmp_path / "synthetic.trx", out_of_bounds="keep")
        return made, record, (tmp_path / "synthetic.trx").read_bytes()

    return run


@pytest.fixture
def write(bundle_files, tmp_path):
    """Write a bundle of a subject, moved and repeated, under a name."""

    def write(name="bundle_2.trk", shift=SHIFT, number=12):
        bundles = load_bundles(bundle_files[1])
        points = np.concatenate([bundles.resample(30)] * (number // 12)) + shift
        (tmp_path / "subject").mkdir(exist_ok=True)
        path = tmp_path / "subject" / name
        save_bundles(path, points, reference=bundles.reference, force=True)
        return path

    return write


def test_record_says_what_was_done(model_file, generate, write):
    made, record, first = generate(model_file, "--like", write(), "--seed", 3)
    found = record["like"]["bundles"]
    assert list(found) == ["bundle_2"]
    assert found["bundle_2"]["nb_streamlines"] == 12
    assert found["bundle_2"]["weight"] == pytest.approx(12 / 22)
    assert 0 < found["bundle_2"]["shift_mm"] < 4
    # Bundles that the subject lacks are the model's.
    assert min(made.counts().values()) > 0
    assert record["screening"]["like"]["kept"] == 12
    *_, again = generate(model_file, "--like", write(), "--seed", 3)
    assert again == first


def test_bundle_lies_nearer_to_the_subject_the_more_streamlines_it_has(
    model_file, generate, write
):
    own = load_bundles(write()).resample(20).mean(axis=(0, 1))

    def distance(*options):
        options = (*options, "--bundles", "bundle_2", "--seed", 1)
        made = generate(model_file, *options)[0].resample(20)
        return np.linalg.norm(made.mean(axis=(0, 1)) - own)

    plain = distance()
    few, many = (distance("--like", write(number=number)) for number in (12, 2400))
    assert many < 0.5 * few < 0.5 * plain


def test_subject_in_another_space_has_its_streamlines_there(
    model_file, generate, write, tmp_path
):
    """The same streamlines as without the move, and then moved."""
    move = np.array([0, 60, 0])
    np.savetxt(
        tmp_path / "back.txt", np.eye(4) - np.pad(move, (0, 1))[:, None] * [0, 0, 0, 1]
    )
    options = ["--bundles", "bundle_2", "--outside_box", "keep"]
    here = generate(model_file, "--like", write(), *options)[0]
    options += ["--transform", tmp_path / "back.txt"]
    there = generate(model_file, "--like", write(shift=SHIFT + move), *options)
    np.testing.assert_allclose(
        there[0].resample(9) - here.resample(9),
        np.broadcast_to(move, (200, 9, 3)),
        atol=0.05,
    )
    assert there[1]["registrations"]["like"]


def test_conditions_of_the_subject_are_those_of_its_table_or_asked_for(
    conditional_model, cohort, generate
):
    table = cohort / "participants.tsv"
    with open(table, encoding="utf-8", newline="") as stream:
        subject = next(csv.DictReader(stream, delimiter="\t"))
    (file,) = (cohort / subject["participant_id"]).rglob("*.trx")
    like = ("--like", file)
    given = {"age": float(subject["age"]), "diagnosis": subject["diagnosis"]}
    texts = [f"{name}={value}" for name, value in given.items()]
    options = (*like, "--participants", table), (*like, "--conditions", *texts)
    first, second = (generate(conditional_model, *each) for each in options)
    assert first[1]["like"]["conditions"] == second[1]["like"]["conditions"] == given
    assert first[2] == second[2]
    said = generate(conditional_model, *like)
    assert "has no data_per_streamline 'diagnosis'" in said


def test_subjects_of_a_training_are_known(conditional_model, cohort):
    from dipy_tractogen.nn import load_model

    subjects = load_model(conditional_model).record.density.subjects
    assert (subjects.counts == len(list(cohort.glob("sub-*")))).all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--seed_streamlines", "{file}"), "are both given: leave out one"),
        (("--subject_seed", "3"), "--subject_seed 3 are both given"),
        (("--sampler", "prior"), "--sampler prior cannot be changed to a subject"),
        (("--sampler", "rejection"), "give manifold, gmm or kde"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    model_file, generate, write, options, said
):
    file = write()
    options = [each.format(file=file) for each in options]
    assert said in generate(model_file, "--like", file, *options)


def test_unknown_bundle_or_another_space_is_refused(model_file, generate, write):
    said = generate(model_file, "--like", write("fornix.trk"))
    assert "bundle fornix is not in the model; it has bundle_1" in said
    far = write(shift=np.array([0, 60, 0]))
    said = generate(model_file, "--like", far, "--outside_box", "keep")
    assert "in another space. Bring them to that of the model, by --register" in said
