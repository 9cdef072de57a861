import numpy as np
import pytest

from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.formats.writers import save_bundles


@pytest.fixture
def dpy(tmp_path):
    """Return a function that writes a DPY with what is given of it."""
    h5py = pytest.importorskip("h5py")

    def write(change=lambda group: None, tracks=None, offsets=(0, 2, 5)):
        path = tmp_path / "a.dpy"
        with h5py.File(path, "w") as file:
            group = file.create_group("streamlines")
            group["tracks"] = np.ones((5, 3), "f4") if tracks is None else tracks
            group["offsets"] = np.array(offsets)
            change(group)
        return path

    return write


def test_dpy_in_blocks(dpy):
    found = read_tractogram(dpy()).streamlines
    assert found._lengths.tolist() == [2, 3]
    np.testing.assert_array_equal(found._data, np.ones((5, 3)))


def _linked(name, link):
    def change(group):
        del group[name]
        group[name] = link

    return change


def _huge(group):
    del group["tracks"]
    group.create_dataset("tracks", (10**12, 3), "f4", chunks=(1000, 3))


def _external(group):
    del group["tracks"]
    group.create_dataset("tracks", (5, 3), "f4", external=[("/etc/passwd", 0, 60)])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"offsets": [0, -2, 5]}, "streamline 1 begins at point -2"),
        ({"offsets": [0, 9, 5]}, "streamline 1 begins at point 9"),
        ({"offsets": [0, 4, 2, 5]}, "streamline 1 ends before it begins"),
        ({"offsets": [0.0, 2.5, 5]}, "and not numbers"),
        ({"offsets": []}, "a.dpy is not a whole"),
        ({"offsets": [[0, 5]]}, "its offsets"),
        ({"tracks": np.ones((5, 2), "f4")}, "its tracks have the shape"),
        ({"tracks": np.array([b"x"] * 5, "S9")}, "and not numbers"),
        ({"change": _huge}, "far more than the file holds"),
        ({"change": _external}, "is in another file"),
    ],
)
def test_dpy_that_is_broken(dpy, settings, reason):
    assert_not_read(dpy(**settings), reason)


def test_dpy_whose_links_lead_elsewhere(dpy):
    h5py = pytest.importorskip("h5py")
    for link in (h5py.ExternalLink("/etc/passwd", "/x"), h5py.SoftLink("/streamlines")):
        for name in ("tracks", "offsets"):
            assert_not_read(dpy(_linked(name, link)), f"no streamlines/{name} of its")


def test_dipy_reads_what_is_written_and_the_other_way_round(
    grid, make_streamlines, tmp_path
):
    module = pytest.importorskip("dipy.io.dpy")
    streamlines, paths = (
        make_streamlines(grid),
        (tmp_path / "a.dpy", tmp_path / "b.dpy"),
    )
    save_bundles(paths[0], streamlines, reference=grid)
    theirs = module.Dpy(str(paths[1]), mode="w")
    theirs.write_tracks(streamlines)
    theirs.close()
    for path in paths:
        opened = module.Dpy(str(path), mode="r")
        read = opened.read_tracks()
        version = opened.version()
        opened.close()
        assert version == "0.0.1"
        for found in (read, read_tractogram(path).streamlines):
            assert found._lengths.tolist() == streamlines._lengths.tolist()
            np.testing.assert_array_equal(found.get_data(), streamlines._data)


def assert_not_read(path, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        read_tractogram(path)
    assert "\n" not in str(caught.value)
