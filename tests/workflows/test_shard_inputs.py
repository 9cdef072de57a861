"""Commands that read a folder of shards find what they find in one file."""

from dataclasses import replace
from functools import partial
import gc
import json
from types import SimpleNamespace
import weakref

import numpy as np
import pytest

from dipy_tractogen.streamlines import io
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.running_sample import RunningSample
from dipy_tractogen.streamlines.simulation.invalid import make_invalid
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup
from dipy_tractogen.utils.files import expand_inputs
from dipy_tractogen.workflows.cli import main
from dipy_tractogen.workflows.options.parts import InputParts

from .shard_folders import save_shards


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A folder of three shards, and one file: a third of the streamlines invalid."""
    bundles = simulate_fibercup(15, seed=3)
    bundles = bundles.select(bundles.labels < 3)
    points = bundles.resample(40)
    points[::3] = make_invalid(points, seed=1)[0][::3]
    known = replace(
        bundles,
        streamlines=points,
        bundle_names=bundles.bundle_names,
        data_per_streamline={"score": np.arange(45.0)},
        data_per_point={"FA": np.linspace(0, 1, 45 * 40, dtype=np.float32)[:, None]},
    )
    return save_shards(tmp_path_factory.mktemp("given"), known, 3)


@pytest.fixture
def held(monkeypatch):
    """Numbers of streamlines that are loaded at a time, once nothing else is held."""
    loaded, sizes = [], []
    load = io.load_bundles

    def noted(*args, **options):
        if "split" in args[0][0].name:
            gc.collect()
            assert not any(one() is not None for one in loaded)
        bundles = load(*args, **options)
        loaded.append(weakref.ref(bundles))
        sizes.append(len(bundles))
        return bundles

    monkeypatch.setattr(io, "load_bundles", noted)
    return sizes


def assert_same_files(first, second):
    """Compare tractograms with all that belongs to their streamlines."""
    options = {"keep_data": True, "out_of_bounds": "keep"}
    one, other = (load_bundles(each, **options) for each in (first, second))
    assert one.bundle_names == other.bundle_names
    np.testing.assert_array_equal(one.labels, other.labels)
    for name in ("data_per_streamline", "data_per_point"):
        assert_near(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.streamlines._data, other.streamlines._data)


def read_report(path):
    """Read a report without what names files."""
    said = json.loads(path.read_text())
    return {
        key: each for key, each in said.items() if key not in ("command", "warnings")
    }


def assert_near(arrays, others):
    """Compare arrays by name; batches of another size are rounded in another way."""
    assert arrays.keys() == others.keys()
    for name, values in arrays.items():
        if values.dtype.kind == "f":
            close = {"rtol": 1e-4, "atol": 1e-4, "err_msg": name}
            np.testing.assert_allclose(values, others[name], **close)
        else:
            np.testing.assert_array_equal(values, others[name], err_msg=name)


def run_on_both(command, given, folder, *arguments):
    """Run a command on the folder of shards and on the file; return what it wrote."""
    outputs = []
    for name, path in zip(("shards", "file"), given):
        out = ["--out_dir", str(folder / name), "--outside_box", "keep", "--quiet"]
        ordered = [str(path) if each is None else str(each) for each in arguments]
        assert main(command, [*ordered, *out]) == 0
        outputs.append(folder / name)
    return outputs


def test_filter(given, model_file, bundle_files, tmp_path):
    arguments = [model_file, None, "--reference_files", *bundle_files]
    arguments += ["--out_rejected", "rejected.trk"]
    pair = run_on_both("dipy_filter_streamlines", given, tmp_path, *arguments)
    for name in ("plausible.trx", "rejected.trk"):
        assert_same_files(*(each / name for each in pair))
    reports = [read_report(each / "filter.json") for each in pair]
    assert reports[0] == reports[1]
    counts = reports[0]["counts"].values()
    assert sum(each["nb_plausible"] + each["nb_rejected"] for each in counts) == 45
    assert min(sum(each[n] for each in counts) for n in ("nb_plausible", "nb_rejected"))


def test_label_holds_one_shard_at_a_time(
    given, model_file, bundle_files, tmp_path, held
):
    arguments = [model_file, None, "--reference_files", *bundle_files, "--score"]
    pair = run_on_both("dipy_label_streamlines", given, tmp_path, *arguments)
    assert held == [36, 15, 15, 15, 36, 45]
    assert_same_files(*(each / "labelled.trx" for each in pair))
    first, second = (read_report(each / "labels.json") for each in pair)
    assert first == second
    first, second = ((each / "counts.tsv").read_text() for each in pair)
    assert first == second


@pytest.mark.parametrize("name", ["latents.npz", "latents.trx"])
def test_encode(given, model_file, tmp_path, name):
    arguments = [model_file, None, "--out_latents", name]
    pair = run_on_both("dipy_encode_streamlines", given, tmp_path, *arguments)
    paths = [each / name for each in pair]
    if name.endswith(".trx"):
        assert_same_files(*paths)
        return
    shards, whole = (dict(np.load(path)) for path in paths)
    assert len(shards["files"]) == 3
    assert shards["file_of_streamline"].tolist() == sorted([0, 1, 2] * 15)
    assert shards["index_in_file"].tolist() == [*range(15)] * 3
    for key in ("files", "file_of_streamline", "index_in_file"):
        shards[key] = whole[key]
    assert_near(shards, whole)


def test_a_missing_shard_is_told_before_anything_is_written(
    given, model_file, tmp_path, caplog
):
    shard = given[0] / "made_split-0002.trx"
    hidden = shard.rename(tmp_path / "hidden.trx")
    arguments = [str(model_file), str(given[0]), "--out_dir", str(tmp_path / "out")]
    code = main("dipy_encode_streamlines", arguments)
    hidden.rename(shard)
    assert code == 1
    assert "shard 2 of 3" in caplog.text
    assert "is missing" in caplog.text
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("most", [20, 1000])
def test_evaluate_compares_the_same_sample(given, bundle_files, tmp_path, most):
    reports = []
    for name, path in zip(("shards", "file"), given):
        arguments = [path, *bundle_files, "--max_streamlines", most]
        arguments += ["--nb_bootstrap", 0, "--outside_box", "keep", "--quiet"]
        out = ["--out_dir", tmp_path / name]
        run = [str(each) for each in (*arguments, *out)]
        assert main("dipy_evaluate_streamlines", run) == 0
        reports.append(read_report(tmp_path / name / "metrics.json"))
        reports[-1]["parameters"].pop("files")
    assert reports[0] == reports[1]
    generated = reports[0]["overall"]["counts"]["generated"]
    assert generated == min(most, 45)


def test_samples_do_not_depend_on_the_parts(phantom):
    drawn = []
    for sizes in ([84], [10, 4, 50, 20], [1] * 84):
        sample, first = RunningSample(12, seed=5), 0
        for size in sizes:
            part = replace(
                phantom.select(np.arange(first, first + size)), report=phantom.report
            )
            sample.add(part)
            first += size
        drawn.append(sample.result(phantom.reference))
        assert sample.nb_streamlines == 84
    assert len(drawn[0]) == 12
    for other in drawn[1:]:
        np.testing.assert_array_equal(
            other.streamlines.get_data(), drawn[0].streamlines.get_data()
        )
        assert (other.labels == drawn[0].labels).all()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("register", "affine", "--register"), ("bundles_from", "score", "--bundles_from")],
)
def test_it_is_said_why_all_shards_are_held(given, caplog, option, value, said):
    flow = SimpleNamespace(inputs=expand_inputs)
    options = {"bundles_from": "auto", "reference": None, option: value}
    load = partial(load_bundles, out_of_bounds="keep")
    parts = InputParts(flow, given[0], options, lambda files, _: load(files))
    assert len(parts) == 1
    assert len(parts.load(0)) == 45
    assert f"All 3 shards are held at once: {said}" in caplog.text
