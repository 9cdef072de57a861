"""The HTML page of an interactive scene: one file that loads nothing else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
import zlib

from dipy_tractogen import __version__
from dipy_tractogen.utils.files import atomic_write
from dipy_tractogen.utils.messages import check_choice, encodable, printable

from ..figures import BACKGROUNDS
from ..pages import fill_template, policy_digest
from .lines import Scene, make_scene
from .plot import require_k3d, scene_data

_TEMPLATE = Path(__file__).parent / "templates" / "scene.html"


@dataclass(frozen=True)
class ScenePage:
    """A page, and the digests of its scripts and of its style.

    A page that holds it in a frame has to allow them in its own policy.
    """

    text: str
    script_hashes: tuple[str, ...]
    style_hash: str


def write_scene(
    panels: Sequence,
    path: str | Path,
    *,
    title: str = "Streamlines",
    background: str = "white",
    force: bool = False,
    **options,
) -> Path:
    """Write an interactive scene: one HTML page that needs no other file, no network.

    Panels stand side by side and are turned together; bundles are switched on and off,
    and colours are chosen, on the page. It is drawn by K3D, which is in the page. The
    same input gives the same bytes.

    Parameters
    ----------
    panels : sequence
        What to show, panel by panel: as for `render_bundles`.
    path : str or Path
        The HTML file.
    title : str, optional
        Title of the page.
    background : str, optional
        "white" or "black".
    force : bool, optional
        Overwrite the file if it exists.
    **options
        Those of `make_scene`: ``color_by``, ``view``, ``max_streamlines``, ``seed``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ImportError
        If K3D is not installed.
    ValueError
        If an argument is not accepted.
    FileExistsError
        If the file exists and not `force`.
    """
    check_choice("background", background, BACKGROUNDS)
    require_k3d()
    with atomic_write(path, force=force) as temporary:
        page = scene_page(
            make_scene(panels, **options),
            title=title,
            theme="light" if background == "white" else "dark",
        )
        temporary.write_text(page.text, encoding="utf-8", newline="\n")
    return Path(path)


def scene_page(scene: Scene, *, title: str, theme: str = "") -> ScenePage:
    """Return the page of a scene.

    `theme` is "light" or "dark"; without one the page follows the system.
    """
    library, library_hash = _packed_library()
    data = base64.b64encode(scene_data(scene)).decode()
    text = fill_template(
        _TEMPLATE,
        style="scene.css",
        script="scene.js",
        title=printable(title),
        theme=theme,
        library=library,
        library_hash=library_hash,
        data=data,
        version=__version__,
        k3d_version=require_k3d().__version__,
    )
    style, script = (
        policy_digest(_TEMPLATE.with_suffix(kind).read_text(encoding="utf-8"))
        for kind in (".css", ".js")
    )
    return ScenePage(encodable(text), (script, library_hash), style)


@cache
def _packed_library() -> tuple[str, str]:
    """Return the script of K3D, compressed, in Base64; and the digest of its text."""
    folder = Path(require_k3d().__file__).parent / "static"
    script, licences = (
        (folder / name).read_text(encoding="utf-8")
        for name in ("standalone.js", "standalone.js.LICENSE.txt")
    )
    try:
        own = distribution("k3d").read_text("licenses/LICENSE.txt") or ""
    except PackageNotFoundError:
        own = ""
    own = own.replace("*/", "")
    text = f"/*\n{own}\n*/\n{licences}\n{script}"
    packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    return packed, policy_digest(text)
