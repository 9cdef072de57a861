import numpy as np
import pytest

from dipy_tractogen.nn import load_model, mixing
from dipy_tractogen.sampling.texture.arc_length import with_equal_steps
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main


@pytest.fixture
def mixed(model_file, bundle_files, tmp_path):
    """Mix two bundles, and read what was written."""

    def run(*options, first=bundle_files[0], second=bundle_files[2], name="mixed.trx"):
        given = [model_file, first, second, "--out_dir", tmp_path, *options]
        given += ["--out_tractogram", name]
        assert main("dipy_mix_streamlines", [str(each) for each in given]) == 0
        names = ("weight", "pair")
        return load_bundles(tmp_path / name, continuous=names, out_of_bounds="keep")

    return run


def test_each_step_is_a_group_with_its_weight(mixed, model_file, bundle_files):
    back = mixed("--nb_pairs", 7, "--nb_steps", 3, "--seed", 1)
    assert back.counts() == {"step_1": 7, "step_2": 7, "step_3": 7}
    np.testing.assert_allclose(back.values["weight"], back.labels / 2)
    model = load_model(model_file)
    first, second = (load_bundles(file).streamlines for file in bundle_files[::2])
    rows, partners = model.pair(first, second, 7, seed=1)
    expected = model.interpolate(first[rows], second[partners], 3)
    order = np.lexsort([back.labels, back.values["pair"]])
    points = np.array(back.streamlines)[order].reshape(7, 3, 32, 3)
    expected = with_equal_steps(expected.reshape(21, 32, 3)).reshape(points.shape)
    np.testing.assert_allclose(points, expected, atol=1e-3)


def test_the_path_and_the_points_are_those_asked_for(mixed, monkeypatch):
    """In blocks, as for more pairs."""
    straight = mixed("--nb_points", 20)
    assert "step_5" in straight.counts()
    assert set(straight.streamlines._lengths) == {20}
    again = mixed("--nb_points", 20, name="again.trx")
    np.testing.assert_array_equal(
        again.streamlines.get_data(), straight.streamlines.get_data()
    )
    monkeypatch.setattr(mixing, "_BLOCK", 26)
    round_about = mixed("--path", "spherical", "--nb_points", 20, name="round.trx")
    assert sorted(round_about.values["pair"]) == sorted(straight.values["pair"])
    gap = np.abs(round_about.resample(20) - straight.resample(20)).max(axis=(1, 2))
    ends = np.isin(straight.values["weight"], (0, 1))
    np.testing.assert_allclose(gap[ends], 0, atol=1e-2)
    assert np.median(gap[~ends]) > 0.01


def test_bundles_are_found_by_their_names(
    mixed, refused, model_file, phantom, tmp_path
):
    """Both in one file, one of them with a single streamline."""
    from dipy_tractogen.streamlines.formats.writers import save_bundles

    few = phantom.select(np.flatnonzero(phantom.labels != 1)[:13])
    path = tmp_path / "both.trx"
    save_bundles(
        path,
        few.streamlines,
        reference=few.reference,
        labels=few.labels,
        bundle_names=few.bundle_names,
    )
    names = ["--first_bundle", "bundle_1", "--second_bundle", "bundle_3"]
    back = mixed(*names, first=path, second=path)
    assert set(back.counts().values()) == {1}
    error = refused(
        "dipy_mix_streamlines", model_file, path, path, "--second_bundle", "bundle_2"
    )
    assert "--second_bundle bundle_2: the file has bundle_1, bundle_3" in error


def test_conditions_are_mixed(conditional_model, tmp_path):
    held_out = conditional_model.with_name("held_out.trx")
    given = [conditional_model, held_out, held_out, "--outside_box", "keep"]
    given += ["--nb_pairs", 3, "--nb_steps", 2, "--out_dir", tmp_path]
    assert main("dipy_mix_streamlines", [str(each) for each in given]) == 0
    back = load_bundles(tmp_path / "mixed.trx", out_of_bounds="keep")
    assert back.counts() == {"step_1": 3, "step_2": 3}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--nb_steps", 1], "--nb_steps 1: give a whole number of 2 or more"),
        (["--nb_pairs", 0], "--nb_pairs 0"),
        (["--path", "curved"], "--path curved: accepted are linear, spherical"),
        (["--nb_points", 1], "--nb_points 1"),
        (["--seed=-1"], "--seed -1"),
        (["--out_tractogram", "mixed.csv"], "mixed.csv"),
    ],
)
def test_impossible_options_are_refused(
    refused, model_file, bundle_files, options, message
):
    files = model_file, *bundle_files[:2]
    assert message in refused("dipy_mix_streamlines", *files, *options)
