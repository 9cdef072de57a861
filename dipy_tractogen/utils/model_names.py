"""Model files by name: packaged, in a folder of the user's, or fetched."""

from __future__ import annotations

import logging
import os
from pathlib import Path
import re

from .messages import listed, reason

logger = logging.getLogger("dipy_tractogen")

PACKAGED = Path(__file__).parents[1] / "models"
"""Folder of the models that come with the package."""

ADDRESSES = "models.txt"
"""Name of the address list in the user's folder."""

_SUFFIX = ".keras"
_NAME = re.compile(r"\w[\w-]{0,99}")
_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{64}")
# Seconds without an answer of a server.
_PATIENCE = 30


def user_folder() -> Path:
    """Return the folder of the user's models, in that where DIPY keeps its data.

    It is ``.dipy/tractogen`` in the home folder, or ``tractogen`` in the folder that
    the environment variable DIPY_HOME names.
    """
    home = os.environ.get("DIPY_HOME") or Path.home() / ".dipy"
    return Path(home, "tractogen")


def find_model(given: str | os.PathLike, *, show_progress: bool = False) -> Path:
    """Return the file of a model that is given by its path or by its name.

    A file of that path has priority. A name is that of a ``.keras`` file in the user's
    folder or in the package, without the extension, or one of the user's address list.
    The latter is fetched once, compared with its digest, and kept in the user's folder.

    Parameters
    ----------
    given : str or Path
        Path of a model file, or name of a model.
    show_progress : bool, optional
        Whether a progress bar of the download is shown.

    Returns
    -------
    Path
        The file; if nothing has that name and it is a path, the path as it is given.

    Raises
    ------
    FileNotFoundError
        If there is neither such a file nor a model of that name.
    ValueError
        If the address list is not as it has to be, or what was fetched does not have
        the digest.
    ImportError
        If a model has to be fetched and pooch is not installed.
    OSError
        If it cannot be fetched.
    """
    path = Path(given)
    if path.is_file():
        return path
    name = str(given)
    if _NAME.fullmatch(name):
        for folder in (user_folder(), PACKAGED):
            if (folder / f"{name}{_SUFFIX}").is_file():
                return folder / f"{name}{_SUFFIX}"
        addresses = _addresses()
        if name in addresses:
            return _fetch(name, *addresses[name], show_progress=show_progress)
    raise FileNotFoundError(
        f"{given} does not exist: give a {_SUFFIX} file, or the name of a model, of "
        f"which there are: {listed(model_names())}"
    )


def model_names() -> list[str]:
    """Return the names of all models that are known by name, in order."""
    names = {
        path.stem
        for folder in (user_folder(), PACKAGED)
        if folder.is_dir()
        for path in folder.glob(f"*{_SUFFIX}")
        if _NAME.fullmatch(path.stem)
    }
    return sorted(names | _addresses().keys())


def _addresses() -> dict[str, tuple[str, str]]:
    """Return URL and digest by name, from the user's address list.

    It has the form of a registry of pooch: a line for each model, with the name of its
    file, the SHA-256 and the URL.
    """
    path = user_folder() / ADDRESSES
    if not path.is_file():
        return {}
    found = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text: {_EXPECTED}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split()
        name = parts[0].removesuffix(_SUFFIX)
        if (
            len(parts) != 3
            or not _NAME.fullmatch(name)
            or not _DIGEST.fullmatch(parts[1])
            or not parts[2].startswith(("https://", "http://"))
        ):
            raise ValueError(f"{path}, line {number}: {_EXPECTED}")
        found[name] = (parts[2], parts[1].removeprefix("sha256:"))
    return found


_EXPECTED = "give on each line NAME.keras, its SHA-256 and an http address."


def _fetch(name: str, url: str, digest: str, *, show_progress: bool) -> Path:
    """Fetch a model into the user's folder."""
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            f"The model {name} has to be fetched, for which pooch is needed: "
            'pip install "dipy_tractogen[fetch]"'
        ) from error
    logger.info("Fetching %s from %s", name, url)
    # It logs the same, and the path.
    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(progressbar=show_progress, timeout=_PATIENCE)
    try:
        found = pooch.retrieve(
            url,
            known_hash=f"sha256:{digest}",
            fname=f"{name}{_SUFFIX}",
            path=user_folder(),
            downloader=downloader,
        )
    except OSError as error:
        # First, as errors of its HTTP library for a wrong address are also ValueErrors.
        raise OSError(f"{url} cannot be fetched: {reason(error)}") from error
    except ValueError as error:
        raise ValueError(
            f"{url}: it does not have the digest that {user_folder() / ADDRESSES} "
            "names, and was not kept."
        ) from error
    return Path(found)
