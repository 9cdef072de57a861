from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.attributes import obtained_values
from dipy_tractogen.streamlines.conditions import COMPUTED


def arc(radius, nb_points):
    """A half circle."""
    angles = np.linspace(0, np.pi, nb_points)
    return radius * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)


def test_streamlines_are_measured_on_all_of_their_points():
    lines = [arc(10, 40), arc(20, 2), arc(5, 300), arc(10, 40), arc(20, 3)]
    found = obtained_values(ArraySequence(lines), ["age", *COMPUTED])
    assert list(found) == list(COMPUTED)
    for row, line in enumerate(lines):
        size = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
        chord = np.linalg.norm(line[-1] - line[0])
        np.testing.assert_allclose(found["length"][row], size, rtol=1e-5)
        np.testing.assert_allclose(found["tortuosity"][row], size / chord, rtol=1e-5)
    np.testing.assert_allclose(
        found["curvature"][[0, 1, 2]], [0.1, 0, 0.2], rtol=1e-3, atol=1e-9
    )


def test_an_array_gives_what_its_streamlines_give():
    points = np.stack([arc(10, 30), arc(20, 30)]).astype(np.float32)
    one, other = (
        obtained_values(each, COMPUTED) for each in (points, ArraySequence(points))
    )
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], rtol=1e-5)
    assert obtained_values(points[:, :2], ["curvature"])["curvature"].tolist() == [0, 0]
