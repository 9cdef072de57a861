"""What holds streamlines or a grid may be given in their place, in Python."""

import copy
import json

from dipy.io.stateful_tractogram import Origin, Space, StatefulTractogram
import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.metrics.evaluation import evaluate
from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.screening import screen
from dipy_tractogen.utils.files import expand_inputs
from dipy_tractogen.viz.figures import _panels
from dipy_tractogen.viz.panels import Panel

KINDS = ("text", "path", "stateful", "list", "bundles")


@pytest.fixture
def lines(grid, make_streamlines):
    lines = make_streamlines(grid)
    return as_sequence(np.round(lines._data), lines._lengths)


@pytest.fixture
def stateful(lines, grid):
    """Return them in voxels, counted from the corner, with values."""
    sft = StatefulTractogram(
        lines,
        grid.space_attributes,
        Space.RASMM,
        data_per_streamline={"age": np.ones((len(lines), 1))},
    )
    sft = copy.deepcopy(sft)
    sft.to_vox()
    sft.to_corner()
    return sft


@pytest.fixture(params=KINDS)
def given(request, lines, grid, stateful, tmp_path):
    path = tmp_path / "given.trx"
    save_bundles(path, lines, reference=grid)
    kinds = {
        "text": str(path),
        "path": path,
        "stateful": stateful,
        "list": list(lines),
        "bundles": BundleSet(lines, np.zeros(len(lines)), ("a",), grid),
    }
    return kinds[request.param]


def test_streamlines(given, lines):
    found = to_sequence(given)
    np.testing.assert_allclose(found._data, lines._data, atol=1e-3)
    np.testing.assert_array_equal(found._lengths, lines._lengths)
    np.testing.assert_allclose(resample(given, 9), resample(lines, 9), atol=1e-3)
    assert Panel("given", given).nb_streamlines == len(lines)


def test_panels_of_streamlines(given, lines):
    (panel,) = _panels(given)
    assert panel.nb_streamlines == len(lines)
    two = _panels([given, ("mine", given)])
    assert [each.nb_streamlines for each in two] == [len(lines)] * 2
    assert two[1].title == "mine"


def test_a_stateful_tractogram_stays_as_it_is(stateful):
    before = stateful.streamlines._data.copy()
    to_sequence(stateful)._data += 5
    np.testing.assert_array_equal(stateful.streamlines._data, before)
    assert (stateful.space, stateful.origin) == (Space.VOX, Origin.TRACKVIS)


def test_an_image_is_a_reference(grid, tmp_path):
    image = nib.Nifti1Image(np.zeros(grid.dimensions, np.uint8), grid.affine)
    path = tmp_path / "image.nii.gz"
    nib.save(image, path)
    for given in (image, path, str(path)):
        assert Reference.of(given).matches(grid)


def test_bundle_sets_are_written_with_grid_and_labels(phantom, tmp_path):
    save_bundles(tmp_path / "a.trx", phantom)
    found = load_bundles(tmp_path / "a.trx")
    assert found.counts() == phantom.counts()
    assert found.reference.matches(phantom.reference)
    with pytest.raises(ValueError, match="a reference is given as ndarray"):
        save_bundles(tmp_path / "b.trx", np.zeros((1, 2, 3)))


def test_bundle_sets_bring_their_labels(phantom):
    first = phantom.select(phantom.labels < 2)
    names = phantom.bundle_names[1::-1]
    second = BundleSet(first.streamlines, 1 - first.labels, names, first.reference)
    report = evaluate(first, second, nb_bootstrap=0)
    assert sorted(report["bundles"]) == sorted(names)
    assert report["bundles"][names[0]]["generated"]["precision"] == 1.0


def test_references(given, lines, grid, tmp_path):
    if isinstance(given, list):
        pytest.skip("a list has no grid")
    assert Reference.of(given).matches(grid)
    assert BundleSet(given, np.zeros(7), ("a",), given).reference.matches(grid)
    for extension in ("trk", "trx"):
        path = tmp_path / f"copy.{extension}"
        save_bundles(path, given, reference=given)
        found = load_bundles(path, reference=given)
        np.testing.assert_allclose(found.streamlines._data, lines._data, atol=1e-3)
    assert screen(given, reference=given)[0].all()


def test_evaluation(given, lines, grid):
    reference = grid if isinstance(given, list) else given
    report = evaluate(given, lines, given, grid=reference, nb_bootstrap=0)
    assert report["overall"]["counts"]["generated"] == len(lines)
    assert json.loads(json.dumps(report)) == report
    assert "<td>precision</td>" in report._repr_html_()


@pytest.mark.parametrize("wrong", [3, object(), ["a.trk"]])
def test_what_holds_neither_is_refused(wrong, lines, grid):
    with pytest.raises(ValueError, match="streamlines are given as"):
        to_sequence(wrong)
    with pytest.raises(ValueError, match="a reference is given as"):
        Reference.of(wrong)


def test_inputs_that_are_no_names(stateful, lines):
    for wrong in (stateful, lines, None, 3, [stateful]):
        with pytest.raises(ValueError, match="inputs are given as"):
            expand_inputs(wrong)
