import numpy as np
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.workflows.cli import main


@pytest.fixture
def generate(model_file, tmp_path):
    """Run the command; give what it wrote."""

    def run(*arguments, name="synthetic.trx"):
        options = ["--out_dir", tmp_path, "--out_tractogram", name, "--quiet"]
        given = [str(each) for each in (model_file, *arguments, *options)]
        assert main("dipy_generate_streamlines", given) == 0
        return load_bundles(tmp_path / name, out_of_bounds="keep")

    return run


def test_bundles_are_groups_in_the_proportions_of_the_training(generate):
    made = generate("--nb_streamlines", 30)
    assert made.counts() == {"bundle_1": 10, "bundle_2": 10, "bundle_3": 10}
    assert np.ptp(made.streamlines._lengths) == 0
    assert len(made.streamlines[0]) == 32


def test_python_and_command_give_the_same(generate, model_file):
    made = generate("--nb_streamlines", 12, "--seed", 5)
    points, labels = load_model(model_file).generate(12, seed=5)
    np.testing.assert_allclose(np.array(made.streamlines), points, atol=1e-3)
    np.testing.assert_array_equal(made.labels, labels)


def test_chosen_bundles_number_of_points_and_header(generate, model_file):
    made = generate(
        *("--nb_streamlines", 7, "--nb_points", 11, "--bundles", "bundle_2"),
    )
    assert made.counts() == {"bundle_2": 7}
    assert len(made.streamlines[3]) == 11
    assert made.reference.dimensions == (64, 64, 3)


def test_balanced_shares(generate):
    made = generate(
        "--nb_streamlines", 9, "--balanced", "--bundles", "bundle_1", "bundle_3"
    )
    assert sorted(made.counts().values()) == [4, 5]


@pytest.mark.parametrize("name", ["a.trk", "a.tck", "a.vtk", "a.dpy"])
def test_every_format_holds_the_same_points(generate, name):
    expected = generate("--nb_streamlines", 6).resample(20)
    np.testing.assert_allclose(
        generate("--nb_streamlines", 6, name=name).resample(20), expected, atol=1e-2
    )


def test_another_reference_changes_the_header_and_not_the_points(
    generate, phantom, tmp_path
):
    from dipy_tractogen.streamlines.reference import Reference
    from dipy_tractogen.streamlines.writers import save_bundles

    grid = Reference.covering(phantom.streamlines, voxel_size=2.0, margin=40)
    save_bundles(tmp_path / "grid.trx", phantom.streamlines, reference=grid)
    plain = generate("--nb_streamlines", 6)
    other = generate(
        "--nb_streamlines", 6, "--reference", tmp_path / "grid.trx", name="other.trx"
    )
    assert other.reference.matches(grid)
    np.testing.assert_allclose(other.resample(9), plain.resample(9), atol=1e-3)
