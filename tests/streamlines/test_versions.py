import dipy
import numpy as np

from dipy_tractogen import __version__
from dipy_tractogen.streamlines import versions


def test_versions_are_those_that_are_imported(monkeypatch):
    found = versions.current_versions()
    assert found["dipy_tractogen"] == __version__
    assert (found["dipy"], found["numpy"]) == (dipy.__version__, np.__version__)
    assert {"python", "keras", "tensorflow", "scikit-learn"} < set(found)
    monkeypatch.setattr(versions, "_PACKAGES", ("no-such-package", "numpy"))
    assert set(versions.current_versions()) == {"dipy_tractogen", "python", "numpy"}
