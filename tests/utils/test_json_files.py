import json
from pathlib import Path

import pytest

from dipy_tractogen.utils.json_files import write_json


def test_json_is_whole_or_not_there(tmp_path):
    path = tmp_path / "report.json"
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"share": float("nan")}, force=False)
    assert list(tmp_path.iterdir()) == []
    write_json(path, {"share": 0.5}, force=False)
    assert path.read_text(encoding="utf-8") == '{\n  "share": 0.5\n}\n'
    with pytest.raises(FileExistsError):
        write_json(path, {}, force=False)


def test_text_in_json_can_be_written(tmp_path):
    path = tmp_path / "report.json"
    report = {"B\udcfc": [Path("d") / "\udcfc.trk", ("a\n", 1, None)]}
    write_json(path, report, force=False)
    assert json.loads(path.read_bytes()) == {
        "B\\xfc": ["d/\\xfc.trk", ["a\\n", 1, None]]
    }
