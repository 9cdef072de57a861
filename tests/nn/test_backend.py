"""TensorFlow beside DIPY."""

import logging
import warnings

from dipy_tractogen.nn import backend

ANOTHER = """DIPY's commands on bundles and masks {now} beside TensorFlow, and
dipy_needs_torch() says otherwise. Change _DIPY_NEEDS_TORCH in nn/backend.py to the
versions that have the fault; where no supported one has it, take out the function,
what README.rst says of it, and the report in doc/upstream.rst."""


def test_says_when_dipy_has_mended_its_import_beside_tensorflow():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import dipy.workflows.segment  # noqa: F401
        except ModuleNotFoundError as error:
            missing = error.name
        else:
            missing = None
    assert missing in (None, "dipy.nn.synthseg")
    works = missing is None
    now = "work" if works else "do not work"
    assert works != backend.dipy_needs_torch(), ANOTHER.format(now=now)


def test_user_is_told(monkeypatch, caplog):
    monkeypatch.setattr(backend, "find_spec", lambda name: None)
    monkeypatch.setattr(backend, "version", lambda name: "1.12.1")
    with caplog.at_level(logging.INFO, logger="dipy_tractogen"):
        backend._tell_of_dipy()
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("DIPY 1.12.1 needs PyTorch")
    assert told.endswith("pip install torch")


def test_nothing_is_said_where_torch_is_or_dipy_is_mended(monkeypatch):
    monkeypatch.setattr(backend, "version", lambda name: "1.12.1")
    monkeypatch.setattr(backend, "find_spec", lambda name: object())
    assert not backend.dipy_needs_torch()
    monkeypatch.setattr(backend, "find_spec", lambda name: None)
    monkeypatch.setattr(backend, "version", lambda name: "1.13.0")
    assert not backend.dipy_needs_torch()
