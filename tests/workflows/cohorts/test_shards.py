"""`dipy_generate_streamlines --shards`, and the folder that it writes."""

import json

import numpy as np
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.utils.shards import Shard
from dipy_tractogen.workflows.cli import main
from dipy_tractogen.workflows.cohorts.distribute import WorkersLost
from dipy_tractogen.workflows.cohorts.shards import describe
from dipy_tractogen.workflows.generate import GenerateStreamlinesFlow

NAME = "synthetic_split-000{}.trx"
ASKED = ["--nb_streamlines", "31", "--shards", "3", "--seed", "4", "--balanced"]
ASKED += ["--conditions", "length=30:90", "--max_length", "120", "--quiet"]


def generate(model, folder, *options):
    arguments = [str(model), *ASKED, "--out_dir", str(folder), *options]
    return main("dipy_generate_streamlines", arguments)


@pytest.fixture(scope="module")
def folder(model_file, tmp_path_factory):
    """Three shards of 31 streamlines; not to be changed."""
    place = tmp_path_factory.mktemp("shards")
    # Two epochs do not teach lengths.
    assert generate(model_file, place) in (0, 3)
    return place / "synthetic"


def test_shards_are_one_tractogram(folder):
    whole = load_bundles(folder)
    parts = [load_bundles(folder / NAME.format(index)) for index in (1, 2, 3)]
    assert [len(part) for part in parts] == [11, 10, 10]
    counts = np.array([[*part.counts().values()] for part in parts])
    assert np.ptp(counts, axis=0).max() <= 1
    assert [*whole.counts().values()] == counts.sum(axis=0).tolist() == [11, 10, 10]
    points = np.concatenate([part.streamlines.get_data() for part in parts])
    assert np.array_equal(whole.streamlines.get_data(), points)
    assert len(np.unique(points, axis=0)) == len(points)


def test_a_shard_is_the_same_by_itself(folder, model_file, tmp_path):
    assert generate(model_file, tmp_path, "--only_shards", "2-3") in (0, 3)
    own = tmp_path / "synthetic"
    made = sorted(path.name for path in own.iterdir() if path.is_file())
    assert made == sorted(
        [
            *(f"{NAME.format(i)}{end}" for i in (2, 3) for end in ("", ".json")),
            "shards.json",
        ]
    )
    for name in made:
        assert (own / name).read_bytes() == (folder / name).read_bytes(), name


def test_what_is_missing_is_made(folder, model_file, tmp_path, caplog):
    assert generate(model_file, tmp_path, "--only_shards", "1", "2") in (0, 3)
    own = tmp_path / "synthetic"
    before = (own / NAME.format(1)).stat().st_mtime_ns
    second = own / NAME.format(2)
    second.write_bytes(second.read_bytes()[:-9])
    with caplog.at_level("INFO", "dipy_tractogen"):
        assert main("dipy_encode_streamlines", [str(model_file), str(own)]) == 1
    assert "shard 2 of 3" in caplog.text
    assert generate(model_file, tmp_path) in (0, 3)
    assert (own / NAME.format(1)).stat().st_mtime_ns == before
    for index in (2, 3):
        name = NAME.format(index)
        assert (own / name).read_bytes() == (folder / name).read_bytes()


def test_lost_workers_are_one_line(model_file, tmp_path, caplog, monkeypatch):
    def update(nb_tasks):
        raise WorkersLost("3 jobs ended")

    monkeypatch.setattr(
        "dipy_tractogen.workflows.cohorts.workers._client", lambda *_: (None, update)
    )
    assert generate(model_file, tmp_path, "--slurm") == 1
    assert caplog.messages[-1] == (
        "--slurm: 3 jobs ended; 3 shards of 3 left to do. Once this is mended, the "
        "same command goes on."
    )


def test_library_generates_shards_as_well(model_file, tmp_path):
    model = load_model(model_file)
    options = {"bundles": ["bundle_1", "bundle_2"], "nb_points": 9, "seed": 4}
    paths = model.generate_shards(tmp_path / "a", 20, 3, **options)
    assert len(load_bundles(tmp_path / "a")) == 20
    (again,) = model.generate_shards(tmp_path / "b", 20, 3, only_shards=[3], **options)
    assert again.read_bytes() == paths[2].read_bytes()
    shard = Shard(3, 3)
    model.generate_file(tmp_path / "single.trx", 20, shard=shard, **options)
    assert (tmp_path / "single.trx").read_bytes() == paths[2].read_bytes()
    before = paths[0].stat().st_mtime_ns
    model.generate_shards(tmp_path / "a", 20, 3, **options)
    assert paths[0].stat().st_mtime_ns == before
    with pytest.raises(FileExistsError, match="another generation, nb_points"):
        model.generate_shards(tmp_path / "a", 20, 3, **{**options, "nb_points": 8})
    # Names of bundles are in the JSON files, not in the tractograms.
    model.generate_shards(tmp_path / "d", 20, 2, tractogram="a.trk", nb_points=9)
    found = load_bundles(tmp_path / "d")
    assert found.bundle_names == ("bundle_1", "bundle_2", "bundle_3")
    assert len(found) == 20
    density = model.density_by("gmm")
    with pytest.raises(ValueError, match="sampler is a ConditionalDensity"):
        model.generate_shards(tmp_path / "c", 20, 3, sampler=density)


def test_other_parameters_need_force(folder, model_file, caplog):
    assert generate(model_file, folder.parent, "--seed", "5") == 1
    assert "3 shards of another generation, seed (4, now 5)" in caplog.text
    assert "--force" in caplog.text
    assert len(load_bundles(folder)) == 31


def test_streamlines_that_are_missing_are_counted(model_file, tmp_path, caplog):
    few = ["--min_length", "95", "--max_tries", "1", "--conditions", "length=30:120"]
    assert generate(model_file, tmp_path, *few) == 1
    assert "Missing are" in caplog.text or "plausible" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shards", "32"], "--shards 32: give at most as many as --nb_streamlines"),
        (["--only_shards", "4"], "--only_shards 4: give numbers from 1 to 3"),
        (["--only_shards", "3-2"], "--only_shards 3-2: give numbers from 1 to 3"),
        (["--only_shards", "../1"], "--only_shards ../1: give numbers from 1 to 3"),
        (["--out_tractogram", "a.txt"], "a.txt has the extension"),
        (["--conditions", "height=3"], "--conditions height"),
    ],
)
def test_bad_options_are_one_line(model_file, tmp_path, caplog, options, message):
    assert generate(model_file, tmp_path, *options) == 1
    assert message in caplog.text


def test_an_option_of_shards_needs_shards(model_file, tmp_path, caplog):
    arguments = [str(model_file), "--only_shards", "1", "--out_dir", str(tmp_path)]
    assert main("dipy_generate_streamlines", arguments) == 1
    assert "--only_shards is of no use without --shards" in caplog.text


def test_inputs_are_not_in_the_folder_of_shards(folder, model_file, caplog):
    seeds = ["--seed_streamlines", str(folder / NAME.format(1)), "--force"]
    assert generate(model_file, folder.parent, *seeds) == 1
    assert "is in the folder of the shards" in caplog.text


def test_manifest_says_what_shards_depend_on(folder):
    said = json.loads((folder / "shards.json").read_text())
    assert said["tractogram"] == "synthetic.trx"
    assert (said["nb_shards"], said["nb_streamlines"]) == (3, 31)
    parameters = said["asked"]["parameters"]
    assert parameters["seed"] == 4
    assert len(parameters["model_file"][0]) == 64
    assert not {"out_dir", "only_shards", "nb_workers"} & parameters.keys()


def test_an_image_that_has_changed_is_another_generation(tmp_path):
    image, said = tmp_path / "fa.nii.gz", []
    for content in (b"one", b"two"):
        image.write_bytes(content)
        said.append(describe(GenerateStreamlinesFlow, {"maps": [f"FA={image}"]}))
    assert said[0] != said[1]
