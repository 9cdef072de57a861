from functools import partial
import hashlib
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
import sys
from threading import Thread

import pytest

from dipy_tractogen.utils.model_names import find_model, model_names, user_folder

CONTENT = b"weights"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return a folder of the user's, which is there."""
    monkeypatch.setenv("DIPY_HOME", str(tmp_path / "home"))
    user_folder().mkdir(parents=True)
    return user_folder()


@pytest.fixture
def address(tmp_path):
    """Serve a folder with a model, and count the requests."""
    served = tmp_path / "served"
    served.mkdir()
    (served / "far.keras").write_bytes(CONTENT)
    requests = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            requests.append(arguments)

    handler = partial(Handler, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/far.keras", requests
        server.shutdown()


def write_list(folder, *lines):
    (folder / "models.txt").write_text("\n".join(lines), encoding="utf-8")


def test_file_comes_before_a_name(folder, tmp_path, monkeypatch):
    (folder / "near.keras").write_bytes(b"1")
    assert find_model("near") == folder / "near.keras"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "near").write_bytes(b"2")
    assert find_model("near").read_bytes() == b"2"
    assert "near" in model_names()


@pytest.mark.parametrize("given", ["absent", "absent.keras", "../near", "", "a/b"])
def test_unknown_name_says_those_known(given, folder):
    (folder / "near.keras").write_bytes(b"1")
    with pytest.raises(FileNotFoundError, match=r"there are: .*near"):
        find_model(given)


def test_model_is_fetched_once(folder, address):
    url, requests = address
    write_list(folder, "# Models of our group", "", f"far.keras sha256:{DIGEST} {url}")
    assert model_names() == sorted({*model_names(), "far"})
    assert find_model("far").read_bytes() == CONTENT
    assert find_model("far") == folder / "far.keras"
    assert len(requests) == 1


def test_other_digest_is_refused_and_nothing_is_kept(folder, address):
    write_list(folder, f"far.keras {'0' * 64} {address[0]}")
    with pytest.raises(ValueError, match="does not have the digest"):
        find_model("far")
    assert [path.name for path in folder.iterdir()] == ["models.txt"]


def test_missing_page_and_server_are_one_line(folder, address):
    write_list(folder, f"far.keras {DIGEST} {address[0]}.missing")
    with pytest.raises(OSError, match=r"missing cannot be fetched: .*404"):
        find_model("far")
    write_list(folder, f"far.keras {DIGEST} http://127.0.0.1:9/far.keras")
    with pytest.raises(OSError, match="cannot be fetched") as error:
        find_model("far")
    assert "\n" not in str(error.value)


def test_wrong_address_is_no_wrong_digest(folder):
    write_list(folder, f"far.keras {DIGEST} http://127.0.0.1:none/far.keras")
    with pytest.raises(OSError, match="cannot be fetched"):
        find_model("far")


@pytest.mark.parametrize(
    "line",
    [
        "far.keras",
        f"../far.keras {DIGEST} http://localhost/far.keras",
        "far.keras md5:1234 http://localhost/far.keras",
        f"far.keras {DIGEST} file:///etc/passwd",
        "\0",
    ],
)
def test_wrong_line_is_named(folder, line):
    write_list(folder, "", line)
    with pytest.raises(ValueError, match="line 2: give on each line"):
        find_model("far")


def test_no_text_is_refused(folder):
    (folder / "models.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not a text"):
        model_names()


def test_pooch_is_asked_for(folder, monkeypatch):
    write_list(folder, f"far.keras {DIGEST} http://localhost/far.keras")
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r"dipy_tractogen\[fetch\]"):
        find_model("far")
