"""Pictures inside the page: files and plots as data URIs."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
import io
from pathlib import Path
import re
import tempfile

_WIDEST = 1600
_QUALITY = 88
_ACCEPTED = ("PNG", "JPEG", "GIF", "WEBP")
# Ink and paper of the two schemes, as in templates/report.css.
_SCHEMES = {
    "light": {"ink": "#1d2329", "paper": "#ffffff"},
    "dark": {"ink": "#e4e7eb", "paper": "#1b2128"},
}
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)


@dataclass(frozen=True)
class Image:
    """An image as text.

    Parameters
    ----------
    uri : str
        A data URI.
    width, height : int, optional
        Size in pixels; None where the image scales.
    moves : bool, optional
        Whether it is animated.
    """

    uri: str
    width: int | None = None
    height: int | None = None
    moves: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture of the page.

    Parameters
    ----------
    title : str
        Its heading.
    alt : str
        What is seen, for who cannot see it.
    image : Image
        For the light scheme, or for both.
    dark : Image, optional
        For the dark scheme.
    caption : str, optional
        Text below.
    """

    title: str
    alt: str
    image: Image
    dark: Image | None = None
    caption: str = ""


def image_of(path: str | Path) -> Image:
    """Read a picture, and make it small enough for a page.

    Parameters
    ----------
    path : str or Path
        A PNG, JPEG, GIF or WebP file.

    Returns
    -------
    Image
        Animations and small files as they are; others as WebP, at most 1,600 pixels
        wide.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is no such picture, or is damaged.
    """
    import PIL.Image

    data = Path(path).read_bytes()
    try:
        with PIL.Image.open(io.BytesIO(data), formats=_ACCEPTED) as image:
            image.load()
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
        raise ValueError(
            f"{path} is no picture, or is damaged: accepted are {', '.join(_ACCEPTED)}."
        ) from None
    if getattr(image, "is_animated", False):
        return Image(_uri(data, image.get_format_mimetype()), *image.size, moves=True)
    smaller = image.convert("RGBA" if image.has_transparency_data else "RGB")
    smaller.thumbnail((_WIDEST, 10 * _WIDEST))
    stream = io.BytesIO()
    smaller.save(stream, "WEBP", quality=_QUALITY, method=6)
    if len(stream.getvalue()) < len(data):
        return Image(_uri(stream.getvalue(), "image/webp"), *smaller.size)
    return Image(_uri(data, image.get_format_mimetype()), *image.size)


def plot_images(draw: Callable[[Path], object]) -> tuple[Image, Image]:
    """Draw a plot twice, for light and for dark pages.

    Parameters
    ----------
    draw : callable
        Draws with matplotlib into the SVG file that it is given.

    Returns
    -------
    tuple of Image
        The light and the dark one; the same bytes for the same plot.

    Raises
    ------
    ValueError
        What `draw` raises.
    """
    import matplotlib as mpl

    images = []
    for scheme in _SCHEMES.values():
        with (
            tempfile.TemporaryDirectory(prefix="dipy_tractogen_") as folder,
            mpl.rc_context(_settings(**scheme)),
        ):
            path = Path(folder) / "plot.svg"
            draw(path)
            # The metadata hold the date.
            text = _METADATA.sub("", path.read_text(encoding="utf-8"))
        images.append(Image(_uri(text.encode(), "image/svg+xml")))
    return tuple(images)


def _settings(ink: str, paper: str) -> dict:
    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "axes.titlecolor")
    ticks = ("xtick.color", "ytick.color")
    return {
        **dict.fromkeys(inked + ticks, ink),
        "figure.facecolor": paper,
        "axes.facecolor": paper,
        "savefig.facecolor": paper,
        "legend.facecolor": paper,
        # Names of shapes in the file, random otherwise.
        "svg.hashsalt": "dipy_tractogen",
    }


def _uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
