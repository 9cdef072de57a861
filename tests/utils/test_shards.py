"""Shards by name and number, and folders of them that are whole or not."""

import json

import numpy as np
import pytest

from dipy_tractogen.utils.files import expand_inputs
from dipy_tractogen.utils.shard_folder import (
    ShardManifest,
    check_digest,
    find_shards,
    whole_name,
)
from dipy_tractogen.utils.shards import Shard


@pytest.fixture
def folder(tmp_path):
    """Three shards, of text in place of streamlines."""
    manifest = ShardManifest("made.tck", 3, 30, {"seed": 1})
    manifest.begin(tmp_path)
    for shard in manifest.shards:
        path = manifest.path(tmp_path, shard)
        path.write_text(f"contents of {shard.index}")
        said = {"shard": manifest.facts(path, shard), "counts": {"AF": 10}}
        path.with_name(f"{path.name}.json").write_text(json.dumps(said))
    return tmp_path


@pytest.mark.parametrize("nb_shards", [1, 3, 7, 40])
def test_counts_are_shared_evenly(nb_shards):
    rng = np.random.default_rng(nb_shards)
    counts, groups = rng.integers(0, 60, 12), rng.integers(0, 4, 12)
    shards = [Shard(index, nb_shards) for index in range(1, nb_shards + 1)]
    shares = np.stack([one.share(counts, groups) for one in shards])
    of_groups = [shares[:, groups == group].sum(axis=1) for group in range(4)]
    assert (shares.sum(axis=0) == counts).all()
    assert shares.min() >= 0
    assert np.ptp(shares, axis=0).max() <= 1
    assert max(np.ptp(one) for one in of_groups) <= 1
    sizes = [one.size(int(counts.sum())) for one in shards]
    assert shares.sum(axis=1).tolist() == sizes


def test_seeds_differ_by_seed_number_and_index():
    seeds = {
        Shard(index, number).seed(seed)
        for seed in (0, 1)
        for number in (5, 50)
        for index in range(1, 6)
    }
    assert len(seeds) == 20


@pytest.mark.parametrize(
    ("tractogram", "expected"),
    [
        ("synthetic.trx", "synthetic_split-0003.trx"),
        ("my.v2_AF.trk", "my.v2_AF_split-0003.trk"),
        ("sub-01_tractogram.trx", "sub-01_split-0003_tractogram.trx"),
        (
            "sub-01_space-MNI_desc-new_tractogram.trx",
            "sub-01_space-MNI_split-0003_desc-new_tractogram.trx",
        ),
    ],
)
def test_names_are_those_of_parts_in_bids(tractogram, expected):
    shard = Shard(3, 10)
    assert shard.file_name(tractogram) == expected
    assert Shard.named(expected, tractogram, 10) == shard
    assert Shard.named(expected, tractogram, 2) is None
    assert Shard(3, 100_000).name == "split-000003"


def test_folder_is_its_shards_in_order(folder):
    (folder / "other.tck").write_text("not one of them")
    found = expand_inputs(folder)
    assert [path.name for path in found] == [
        f"made_split-000{i}.tck" for i in (1, 2, 3)
    ]
    assert {whole_name(path) for path in found} == {"made.tck"}
    assert whole_name(folder / "other.tck") == "other.tck"
    for path in (*found, folder / "other.tck"):
        check_digest(path)


def test_faults_name_the_shard(folder):
    second, third = folder / "made_split-0002.tck", folder / "made_split-0003.tck"
    third.write_bytes(third.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"^shard 3 of 3, .*0003.tck, has 12 bytes of"):
        find_shards(folder)
    third.write_bytes(second.read_bytes())
    with pytest.raises(ValueError, match=r"shard 3 of 3, .*, is not what was written"):
        check_digest(third)
    beside = "made_split-0002.tck.json", "made_split-0003.tck.json"
    (folder / beside[1]).write_bytes((folder / beside[0]).read_bytes())
    with pytest.raises(ValueError, match=r"shard 3 of 3, .* another generation, or an"):
        find_shards(folder)
    (folder / beside[1]).unlink()
    with pytest.raises(ValueError, match=r"shard 3 of 3, .*, lacks .*0003.tck.json"):
        find_shards(folder)
    second.unlink()
    with pytest.raises(ValueError, match=r"shard 2 of 3, .* missing: .*only_shards=2"):
        find_shards(folder)


def test_shards_of_another_generation_stay(folder):
    other = ShardManifest("made.tck", 3, 30, {"seed": 2})
    with pytest.raises(FileExistsError, match=r"3 shards of another .*\(1, now 2"):
        other.begin(folder)
    assert len(find_shards(folder)) == 3
    (folder / "made_split-0003.tck").write_text("mine")
    other.begin(folder, force=True)
    # What is not one of ours is not removed.
    names = ["made_split-0003.tck", "made_split-0003.tck.json", "shards.json"]
    assert sorted(path.name for path in folder.iterdir()) == names


def test_what_is_left_of_a_copy_is_ours(folder):
    manifest, shard = ShardManifest.read(folder), Shard(2, 3)
    path = manifest.path(folder, shard)
    path.write_text("cut")
    assert not manifest.is_whole(folder, shard)
    assert manifest.claims(folder, shard)
    path.with_name(f"{path.name}.json").unlink()
    assert not manifest.claims(folder, shard)
    path.unlink()
    assert manifest.claims(folder, shard)


def test_files_without_a_manifest_are_not_ours(tmp_path):
    (tmp_path / "made_split-0002.trx").write_text("mine")
    manifest = ShardManifest("made.trx", 3, 30, {})
    with pytest.raises(FileExistsError, match=r"0002.trx exists, and .* no shards"):
        manifest.begin(tmp_path)
    assert not (tmp_path / "shards.json").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"tractogram": "../made.tck"},
        {"tractogram": "/etc/made.tck"},
        {"tractogram": "..\\made.tck"},
        {"tractogram": ".made.tck"},
        {"tractogram": "made\n.tck"},
        {"tractogram": "made.exe"},
        {"nb_shards": 10**9},
        {"nb_shards": -1},
        {"nb_shards": 31},
        {"nb_streamlines": 1e6},
        {"asked": []},
        {"more": 1},
    ],
)
def test_hostile_manifests_are_refused(folder, change):
    path = folder / "shards.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=r"shards\.json is not a list of shards|nb_sh"):
        expand_inputs(folder)


@pytest.mark.parametrize(
    "change", [{"bytes": -1}, {"bytes": "13"}, {"digest": "0" * 65}, {"index": 0}]
)
def test_hostile_facts_are_refused(folder, change):
    path = folder / "made_split-0001.tck.json"
    said = json.loads(path.read_text())
    said["shard"] |= change
    path.write_text(json.dumps(said))
    with pytest.raises(ValueError, match=r"0001.tck.json is not the JSON file of a sh"):
        find_shards(folder)
