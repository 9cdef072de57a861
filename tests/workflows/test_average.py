import numpy as np

from dipy_tractogen.nn import load_model, mixing
from dipy_tractogen.sampling.texture.arc_length import with_equal_steps
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main


def averaged(model_file, files, tmp_path, *options):
    """Average bundles, and read what was written."""
    given = [model_file, *files, "--out_dir", tmp_path, *options]
    assert main("dipy_average_streamlines", [str(each) for each in given]) == 0
    return load_bundles(
        tmp_path / "mean.trx", continuous="nb_streamlines", out_of_bounds="keep"
    )


def test_each_bundle_has_one_mean(model_file, bundle_files, tmp_path):
    back = averaged(model_file, bundle_files, tmp_path)
    assert back.counts() == {"bundle_1": 1, "bundle_2": 1, "bundle_3": 1}
    np.testing.assert_array_equal(back.values["nb_streamlines"], [12, 12, 12])
    model = load_model(model_file)
    for file, mean in zip(bundle_files, back.streamlines):
        expected = model.mean_streamline(load_bundles(file).resample(32))
        expected = with_equal_steps(expected[None])[0]
        np.testing.assert_allclose(mean, expected, atol=1e-3)


def test_of_many_streamlines_some_are_averaged(
    model_file, bundle_files, tmp_path, monkeypatch
):
    monkeypatch.setattr(mixing, "_MOST", 5)
    options = ["--nb_points", 9]
    first = averaged(model_file, bundle_files, tmp_path, *options)
    np.testing.assert_array_equal(first.values["nb_streamlines"], [5, 5, 5])
    assert set(first.streamlines._lengths) == {9}
    other = averaged(model_file, bundle_files, tmp_path, "--force", "--seed", 1)
    assert np.abs(other.resample(9) - first.resample(9)).max() > 1e-3


def test_conditions_are_averaged(conditional_model, tmp_path):
    files = [conditional_model.with_name("held_out.trx")]
    back = averaged(conditional_model, files, tmp_path, "--outside_box", "keep")
    assert set(back.counts().values()) == {1}


def test_impossible_options_are_refused(refused, model_file, bundle_files):
    for options, message in (
        (["--nb_points", 1], "--nb_points 1"),
        (["--seed=-1"], "--seed -1"),
        (["--out_tractogram", "mean.csv"], "mean.csv"),
    ):
        command = "dipy_average_streamlines"
        assert message in refused(command, model_file, *bundle_files, *options)
