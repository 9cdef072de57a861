import json

import numpy as np
import pytest

from dipy_tractogen.streamlines.phantom import simulate_fibercup
from dipy_tractogen.streamlines.writers import save_bundles
from dipy_tractogen.workflows.cli import main


def simulate(seed):
    """Twelve streamlines in each of three bundles."""
    bundles = simulate_fibercup(12, seed=seed)
    return bundles.select(bundles.labels < 3)


def save(path, seed, *, names=None):
    """Write them, the bundles as groups of a TRX."""
    bundles = simulate(seed)
    save_bundles(
        path,
        bundles.streamlines,
        reference=bundles.reference,
        labels=bundles.labels,
        bundle_names=names or bundles.bundle_names,
    )
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Generated, held-out and training streamlines."""
    folder = tmp_path_factory.mktemp("evaluate")
    names = ("generated.trx", "held_out.trx", "training.trx")
    return [save(folder / name, seed) for seed, name in enumerate(names)]


def evaluate(folder, *arguments):
    return main("dipy_evaluate_streamlines", [*arguments, "--out_dir", str(folder)])


def read(folder, name="metrics.json"):
    def refuse(constant):
        raise ValueError(constant)

    return json.loads((folder / name).read_text(), parse_constant=refuse)


def test_measures_are_written_and_shown(tmp_path, capsys, files):
    generated, held_out, training = files
    options = ["--train_files", training, "--voxel_size", "3", "--seed", "4"]
    assert evaluate(tmp_path, generated, held_out, *options) == 0
    report = read(tmp_path)
    assert list(report["bundles"]) == [f"bundle_{n}" for n in (1, 2, 3)]
    assert report["overall"]["generated"]["precision"] > 0.8
    assert report["overall"]["ratios"]["novelty"] > 0.5
    assert report["parameters"]["files"] == {
        "generated": [generated],
        "real": [held_out],
        "training": [training],
    }
    assert report["parameters"]["voxel_size"] == 3
    assert report["parameters"]["seed"] == 4
    said = capsys.readouterr().err
    for line in ("overall", "bundle_3", "Wrote"):
        assert f"INFO: {line}" in said
    (warning,) = [line for line in said.splitlines() if line.startswith("WARNING")]
    assert warning == f"WARNING: {report['warnings'][0]}"
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]


def test_training_files_may_hold_the_held_out_streamlines(tmp_path, capsys, files):
    generated, held_out, training = files
    trained = ["--train_files", held_out, training]
    assert evaluate(tmp_path, generated, held_out, *trained) == 0
    report = read(tmp_path)
    assert report["parameters"]["training_also_held_out"] == 36
    assert report["overall"]["counts"]["training"] == 36
    assert report["overall"]["ratios"]["novelty"] > 0.5
    assert "held out as well: 36" in capsys.readouterr().err


def test_bundles_are_matched_by_name_whatever_the_format(tmp_path, files):
    bundles = simulate(3)
    for code in (2, 1):
        save_bundles(
            tmp_path / "real" / f"bundle_{code + 1}.trk",
            bundles.select(bundles.labels == code).streamlines,
            reference=bundles.reference,
        )
    real = str(tmp_path / "real")
    assert evaluate(tmp_path, files[0], real, "--out_metrics", "m.json") == 0
    report = read(tmp_path, "m.json")
    assert list(report["bundles"]) == ["bundle_2", "bundle_3"]
    for entry in report["bundles"].values():
        assert entry["generated"]["dice"] > 0.2
        assert entry["generated"]["agreement"] == 1
    assert any("bundle_1" in warning for warning in report["warnings"])


def test_without_a_common_bundle_the_whole_is_compared(tmp_path, capsys, files):
    other = save(tmp_path / "o.trx", 1, names=[f"tract_{n}" for n in range(3)])
    assert evaluate(tmp_path, files[0], other) == 0
    report = read(tmp_path)
    assert report["bundles"] == {}
    assert report["overall"]["generated"]["precision"] > 0.8
    assert "tract_2" in capsys.readouterr().err


def test_generated_streamlines_out_of_the_box_count(tmp_path, files):
    bundles = simulate(0)
    points = bundles.resample(30)
    points[::2] += np.float32(500)
    save_bundles(
        tmp_path / "far.trx",
        points,
        reference=bundles.reference,
        labels=bundles.labels,
        bundle_names=bundles.bundle_names,
    )
    assert evaluate(tmp_path, str(tmp_path / "far.trx"), files[1]) == 0
    overall = read(tmp_path)["overall"]
    assert overall["counts"]["generated"] == 36
    assert 0.3 < overall["generated"]["precision"] < 0.7


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--voxel_size", "0"], "--voxel_size 0"),
        (["--voxel_size", "nan"], "--voxel_size nan"),
        (["--seed=-1"], "--seed -1"),
        (["--train_files", "missing.trk"], "missing.trk"),
        (["--bundles_from", "tract"], "tract"),
        (["--out_metrics", ""], "out_metrics"),
    ],
)
def test_bad_options_are_one_line_and_write_nothing(
    tmp_path, capsys, files, option, said
):
    assert evaluate(tmp_path, *files[:2], *option) == 1
    errors = [
        line
        for line in capsys.readouterr().err.splitlines()
        if line.startswith("ERROR: ")
    ]
    assert len(errors) == 1
    assert said in errors[0]
    assert list(tmp_path.iterdir()) == []


def test_report_is_overwritten_only_with_force(tmp_path, files):
    (tmp_path / "metrics.json").write_text("mine")
    assert evaluate(tmp_path, *files[:2]) == 1
    assert (tmp_path / "metrics.json").read_text() == "mine"
    assert evaluate(tmp_path, *files[:2], "--force") == 0
    assert "overall" in read(tmp_path)
