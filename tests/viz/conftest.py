"""What the tests of pictures share."""

import pytest

from dipy_tractogen.viz import can_render


@pytest.fixture
def rendering():
    """Skip where nothing can be rendered."""
    if not can_render():
        pytest.skip("rendering needs FURY and a display or Xvfb")
