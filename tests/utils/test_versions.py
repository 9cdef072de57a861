from importlib.metadata import PackageNotFoundError
import sys
from types import SimpleNamespace

import dipy
import numpy as np
import pytest

from dipy_tractogen import __version__
from dipy_tractogen.utils import versions


def test_versions_are_those_that_are_imported(monkeypatch):
    found = versions.current_versions()
    assert found["dipy_tractogen"] == __version__
    assert (found["dipy"], found["numpy"]) == (dipy.__version__, np.__version__)
    assert {"python", "keras", "scikit-learn"} < set(found)
    monkeypatch.setattr(versions, "_PACKAGES", ("no-such-package", "numpy"))
    assert set(versions.current_versions()) == {"dipy_tractogen", "python", "numpy"}


@pytest.mark.parametrize(
    ("used", "given"), [(None, {"tensorflow", "jax", "torch"}), ("jax", {"jax"})]
)
def test_of_the_backends_the_one_in_use_counts(monkeypatch, used, given):
    def version(name):
        if name == "tensorflow":
            raise PackageNotFoundError
        return f"version of {name}"

    config = SimpleNamespace(backend=lambda: used)
    keras = used and SimpleNamespace(config=config)
    monkeypatch.setitem(sys.modules, "keras", keras)
    monkeypatch.setattr(versions, "version", version)
    found = versions.current_versions()
    assert given == {"tensorflow", "jax", "torch"} & set(found)
    assert found["jax"] == "version of jax"
    assert found.get("tensorflow", "version of tensorflow-cpu") == (
        "version of tensorflow-cpu"
    )
