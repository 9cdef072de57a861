"""Images inside the page: files and plots as data URIs."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
import io
from pathlib import Path
import re

from dipy_tractogen.utils.disk import temporary_folder

from ..style import default_style

_WIDEST = 1600
_QUALITY = 88
# Quality and duration of the frames of an animation.
_MOVING_QUALITY = 60
_FRAME_MS = 100
_ACCEPTED = ("PNG", "JPEG", "GIF", "WEBP")
# Ink and paper of the two schemes, as in templates/report.css.
_SCHEMES = {
    "light": {"ink": "#1d2329", "paper": "#ffffff"},
    "dark": {"ink": "#e4e7eb", "paper": "#1b2128"},
}
# Stand for those in a plot, which has neither.
_DRAWN = {"ink": "#010203", "paper": "#fdfcfb"}
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)


@dataclass(frozen=True)
class Image:
    """An image as a data URI; the size in pixels is None where the image scales."""

    uri: str
    width: int | None = None
    height: int | None = None
    moves: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture of the page.

    ``alt`` describes it for who cannot see it; ``image`` is for the light scheme, or
    for both without ``dark``. In the dark scheme one that ``inverts`` has its lightness
    turned over and its hues kept. One that is ``folded`` is shown on request.
    """

    title: str
    alt: str
    image: Image
    dark: Image | None = None
    caption: str = ""
    inverts: bool = False
    folded: bool = False


def encode_image(path: str | Path) -> Image:
    """Read a PNG, JPEG, GIF or WebP file, and make it small enough for a page.

    It becomes WebP where that is smaller; a still image is at most 1,600 pixels wide.
    Raises ValueError if it is no such image, or is damaged.
    """
    import PIL.Image

    data = Path(path).read_bytes()
    try:
        with PIL.Image.open(io.BytesIO(data), formats=_ACCEPTED) as image:
            image.load()
            moves = getattr(image, "is_animated", False)
            smaller, size = _animation(image) if moves else _still(image)
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
        raise ValueError(
            f"{path} is no picture, or is damaged: accepted are {', '.join(_ACCEPTED)}."
        ) from None
    if len(smaller) < len(data):
        return Image(_uri(smaller, "image/webp"), *size, moves)
    return Image(_uri(data, image.get_format_mimetype()), *image.size, moves)


def _still(image) -> tuple[bytes, tuple[int, int]]:
    """Encode an image as WebP, no wider than a page."""
    stream = io.BytesIO()
    smaller = image.convert("RGBA" if image.has_transparency_data else "RGB")
    smaller.thumbnail((_WIDEST, 10 * _WIDEST))
    smaller.save(stream, "WEBP", quality=_QUALITY, method=6)
    return stream.getvalue(), smaller.size


def _animation(image) -> tuple[bytes, tuple[int, int]]:
    """Encode an animation as WebP, with the durations of its frames."""
    import PIL.ImageSequence

    stream, frames, durations = io.BytesIO(), [], []
    for frame in PIL.ImageSequence.Iterator(image):
        frames.append(frame.convert("RGB"))
        durations.append(frame.info.get("duration", _FRAME_MS))
    frames[0].save(
        stream,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        quality=_MOVING_QUALITY,
    )
    return stream.getvalue(), image.size


def encode_plot(draw: Callable[[Path], object]) -> tuple[Image, Image]:
    """Draw a plot into SVG, and colour it for light and dark pages, reproducibly."""
    import matplotlib as mpl

    with (
        temporary_folder() as folder,
        default_style(),
        mpl.rc_context(_settings(**_DRAWN)),
    ):
        path = folder / "plot.svg"
        draw(path)
        # The metadata hold the date.
        text = _METADATA.sub("", path.read_text(encoding="utf-8"))
    images = []
    for scheme in _SCHEMES.values():
        coloured = text
        for name, colour in scheme.items():
            coloured = coloured.replace(_DRAWN[name], colour)
        images.append(Image(_uri(coloured.encode(), "image/svg+xml")))
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
        # Makes the ids of shapes reproducible.
        "svg.hashsalt": "dipy_tractogen",
    }


def _uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
