"""Edited files of a tiny model."""

import zipfile

import pytest

from dipy_tractogen.nn import VAE, load_model

from ..conftest import NB_POINTS


@pytest.fixture(scope="module")
def parts(arrays, tmp_path_factory):
    """Members of the file of a model that was hardly trained."""
    model = VAE(NB_POINTS, 3, backbone_options={"hidden_units": (8,)})
    given = {name: arrays[name][::8] for name in ("points", "labels")}
    model.fit(**given, bundle_names=arrays["bundle_names"], epochs=1)
    path = tmp_path_factory.mktemp("whole") / "model.keras"
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def write(parts, tmp_path):
    """Write the file with other members."""

    def write(compression=zipfile.ZIP_STORED, **changed):
        path = tmp_path / "edited.keras"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in {**parts, **changed}.items():
                if content is not None:
                    archive.writestr(name, content)
        return path

    return write


@pytest.fixture
def refused(write):
    """Write the file with other members; return the line that it is refused with."""

    def refused(*compression, **changed):
        path = write(*compression, **changed)
        with pytest.raises(ValueError) as raised:  # noqa: PT011
            load_model(path)
        said = str(raised.value)
        assert said.startswith(str(path))
        assert len(said.splitlines()) == 1
        assert len(said) < 900
        assert "could not be loaded" not in said
        return said

    return refused
