"""Subjects in grids of their own, registered to a template as they are read."""

from dataclasses import replace

import nibabel as nib
from nibabel.affines import apply_affine
import numpy as np
import pytest

from dipy_tractogen.streamlines.conversion import extent
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.spaces import template
from dipy_tractogen.streamlines.spaces.registration import Registration
from dipy_tractogen.streamlines.spaces.template import Template
from dipy_tractogen.streamlines.spaces.transform import AffineTransform

TURNED = AffineTransform(
    [[0.96, -0.28, 0, 40], [0.28, 0.96, 0, -25], [0, 0, 1, 12], [0, 0, 0, 1]]
)
FARTHER = AffineTransform(
    [[1, 0, 0, -300], [0, 0.8, -0.6, 0], [0, 0.6, 0.8, 90], [0, 0, 0, 1]]
)


def save(path, bundles, reference=None):
    path.parent.mkdir(exist_ok=True, parents=True)
    data = {"score": np.arange(len(bundles))}
    save_bundles(
        path,
        bundles.streamlines,
        reference=reference or bundles.reference,
        data_per_streamline=data,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory, phantom):
    """Two bundles of three subjects, each in a space of its own; bundle by bundle."""
    folder = tmp_path_factory.mktemp("subjects")
    for label in (0, 1):
        bundles = phantom.select(phantom.labels == label)
        for number, transform in enumerate((None, TURNED, FARTHER), 1):
            of_all, own = phantom.streamlines, bundles
            if transform is not None:
                of_all = transform.apply(of_all)
                own = replace(bundles, streamlines=transform.apply(own.streamlines))
            grid = phantom.reference if number == 1 else Reference.covering(of_all)
            place = folder / phantom.bundle_names[label] / f"sub-0{number}"
            save(place / f"{phantom.bundle_names[label]}.trk", own, grid)
    return folder


@pytest.fixture
def registered(monkeypatch):
    """Have the registration find the ways back, by where streamlines are."""
    calls = []

    def register(moving, static, *, kind):
        calls.append((moving, static, kind))
        ways = [each.inverse() for each in (TURNED, FARTHER)]
        gaps = [
            np.linalg.norm(way.apply(moving)._data.mean(0) - static._data.mean(0))
            for way in ways
        ]
        matched = {"moving": 1.0, "static": 0.5}
        return Registration(ways[int(np.argmin(gaps))], kind, 0.5, matched)

    monkeypatch.setattr(template, "register_streamlines", register)
    return calls


@pytest.mark.parametrize("on_disk", [False, True])
def test_all_subjects_are_where_the_template_is(
    registered, folder, phantom, tmp_path, on_disk
):
    """In memory as on disk; subjects whose files lie apart are moved as one."""
    target = Template.load(f"{folder}/*/sub-01/*.trk", "rigid")
    bundles = load_bundles(
        f"{folder}/**/*.trk",
        register_to=target,
        folder=tmp_path if on_disk else None,
        keep_data=True,
    )
    assert isinstance(bundles.streamlines._data, np.memmap) == on_disk
    assert bundles.reference.matches(phantom.reference)
    assert bundles.counts() == {"bundle_1": 36, "bundle_2": 36}
    scores = bundles.data_per_streamline["score"][:, 0].astype(int)
    for label in (0, 1):
        rows = bundles.labels == label
        whole = phantom.select(phantom.labels == label)
        expected = whole.resample(9)[scores[rows]]
        found = bundles.select(rows).resample(9)
        np.testing.assert_allclose(found, expected, atol=1e-3)
    assert [kind for *_, kind in registered] == ["rigid", "rigid"]
    assert [len(moving) for moving, *_ in registered] == [24, 24]
    found = target.registrations
    assert list(found) == ["sub-01", "sub-02", "sub-03"]
    assert found["sub-01"] == {"kind": "none", "nb_outside": 0}
    np.testing.assert_allclose(
        found["sub-03"]["transform"]["matrix"], FARTHER.inverse().matrix
    )
    assert found["sub-03"]["residual_mm"] == 0.5


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("rule", ["drop", "keep", "error"])
def test_streamlines_out_of_the_grid_of_the_template(
    registered, folder, phantom, tmp_path, on_disk, rule, caplog
):
    """Are treated as those out of any other grid."""
    whole = load_bundles(f"{folder}/bundle_1/sub-01/*.trk")
    # A grid that one streamline leaves.
    *_, second, first = sorted(line[:, 1].max() for line in whole.streamlines)
    affine = np.eye(4)
    affine[:3, 3] = -20, (first + second) / 2 - 299.5, -20
    small = Reference(affine, (300, 300, 300))
    target = Template(replace(whole, reference=small))
    options = {"folder": tmp_path} if on_disk else {}
    options |= {"register_to": target, "out_of_bounds": rule}
    files = f"{folder}/bundle_1/sub-02/*.trk"
    if rule == "error":
        with pytest.raises(ValueError, match="1 of 12 streamlines of sub-02 leave"):
            load_bundles(files, **options)
        return
    bundles = load_bundles(files, **options)
    assert len(bundles) == (11 if rule == "drop" else 12)
    counts = {"out of the bounding box": 1}
    assert bundles.report.dropped == (counts if rule == "drop" else {})
    assert bundles.report.noted == (counts if rule == "keep" else {})
    assert (bundles.report.total, bundles.report.kept) == (12, len(bundles))
    assert target.registrations["sub-02"]["nb_outside"] == 1
    inside = small.contains(bundles.streamlines)
    assert inside.all() == (rule == "drop")


@pytest.mark.parametrize("mapped", [False, True])
def test_images_are_those_of_the_space_of_a_subject(
    mapped, folder, phantom, registered, tmp_path
):
    """Their values are x in the space of the template, so that points tell them."""
    for number, transform in enumerate((None, TURNED, FARTHER), 1):
        points = phantom.streamlines
        points = transform.apply(points) if transform else points
        low, high = extent(points)
        affine = np.diag([4.0, 4, 4, 1])
        affine[:3, 3] = low - 4
        shape = np.ceil((high - low) / 4).astype(int) + 3
        voxels = np.moveaxis(np.indices(shape), 0, -1).reshape(-1, 3)
        to_template = transform.inverse().matrix if transform else np.eye(4)
        x = apply_affine(to_template @ affine, voxels)[:, 0]
        image = nib.Nifti1Image(x.reshape(shape), affine)
        image.to_filename(tmp_path / f"sub-0{number}_x.nii.gz")
    found = load_bundles(
        sorted(folder.rglob("*.trk")),
        register_to=Template.load(f"{folder}/*/sub-01/*.trk"),
        maps={"x": tmp_path / "*_x.nii.gz"},
        folder=tmp_path / "store" if mapped else None,
    )
    assert len(registered) == 2
    expected = found.streamlines.get_data()[:, :1]
    np.testing.assert_allclose(found.data_per_point["x"], expected, atol=2e-3)
