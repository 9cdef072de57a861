import numpy as np
import pytest

from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.viz import Panel
from dipy_tractogen.viz.pairs import with_errors_of

RNG = np.random.default_rng(0)
GIVEN = np.cumsum(RNG.normal(size=(30, 24, 3)), axis=1).astype(np.float32)


def made_of(points):
    """Reconstructions at the same points, and their errors."""
    made = points + RNG.normal(0, 0.3, points.shape).astype(np.float32)
    return made, np.linalg.norm(made - points, axis=-1).mean(axis=1)


def test_originals_get_the_errors_of_their_reconstructions():
    made, errors = made_of(resample(GIVEN, 24))
    found = with_errors_of(Panel("given", GIVEN), Panel("made", made, values=errors))
    assert found.title == "given"
    np.testing.assert_array_equal(found.values, errors)


@pytest.mark.parametrize("change", ["order", "number", "no values", "points"])
def test_others_get_none(change):
    made, errors = made_of(GIVEN)
    given = GIVEN[::-1] if change == "order" else GIVEN
    given = given[:-1] if change == "number" else given
    streamlines = [line[: 10 + n % 3] for n, line in enumerate(made)]
    reconstructed = Panel(
        "made",
        streamlines if change == "points" else made,
        values=None if change == "no values" else errors,
    )
    assert with_errors_of(Panel("given", given), reconstructed) is None
