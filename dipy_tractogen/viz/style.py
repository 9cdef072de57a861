"""Style of all figures, independent of the user's settings of matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
import logging
import math
from pathlib import Path
import re
import warnings

from dipy_tractogen.utils.files import atomic_write
from dipy_tractogen.utils.messages import listed, printable

logger = logging.getLogger("dipy_tractogen")

LONGEST_LABEL = 40
"""Letters of a name that a figure has room for."""

_DPI = 120
_NO_GLYPH = re.compile(r"Glyph (\d+) .*missing from font")

_is_ours: ContextVar[bool] = ContextVar("_is_ours", default=False)


@contextmanager
def default_style() -> Iterator[None]:
    """Draw with matplotlib's defaults in the body, and take no text for mathematics.

    A ``matplotlibrc`` or a style of the user may ask for LaTeX, other sizes or cropped
    pictures; a name of the user may hold ``$``. May be used as a decorator. Within
    another one it changes nothing, so that a caller may choose colours.
    """
    if _is_ours.get():
        yield
        return
    import matplotlib as mpl

    ours = _is_ours.set(True)
    try:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams["text.parse_math"] = False
            yield
    finally:
        _is_ours.reset(ours)


def short_label(name: str) -> str:
    """Return a name for a figure: on one line, cut to `LONGEST_LABEL` letters."""
    text = printable(name)
    if len(text) > LONGEST_LABEL:
        text = f"{text[: LONGEST_LABEL - 1]}…"
    # Matplotlib leaves out of a legend what begins with an underscore.
    return f" {text}" if text.startswith("_") else text


def make_figure(
    nb_plots: int, *, nb_columns: int = 2, size: tuple[float, float] = (5.5, 3.6)
):
    """Make a figure with plots in columns, each of a size in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    nb_columns = min(nb_plots, nb_columns)
    nb_rows = math.ceil(nb_plots / nb_columns)
    width, height = size
    figure = Figure(
        figsize=(width * nb_columns, height * nb_rows), dpi=_DPI, layout="constrained"
    )
    FigureCanvasAgg(figure)
    for index in range(nb_plots):
        axes = figure.add_subplot(nb_rows, nb_columns, index + 1)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def check_figure_name(name: str) -> None:
    """Raise ValueError if matplotlib writes no figure with the extension of a name."""
    from matplotlib.backend_bases import FigureCanvasBase

    accepted = sorted(FigureCanvasBase.get_supported_filetypes())
    if Path(name).suffix.lower().removeprefix(".") not in accepted:
        raise ValueError(
            f"{name}: a figure has one of the extensions {listed(accepted)}."
        )


def save_figure(figure, path: str | Path, *, force: bool = False) -> Path:
    """Write a figure into a file, which has its name when it is complete."""
    with atomic_write(path, force=force) as temporary:
        write_figure(figure, temporary, path)
    return Path(path)


def write_figure(figure, file: Path, path: str | Path) -> None:
    """Draw a figure into a file, and log once which characters its font lacks.

    `path` is the file that the user knows.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(file, dpi=figure.dpi)
    lacking = {}
    for each in caught:
        found = _NO_GLYPH.match(str(each.message))
        if found:
            lacking[chr(int(found[1]))] = None
        else:
            warnings.warn_explicit(
                each.message, each.category, each.filename, each.lineno
            )
    if lacking:
        logger.warning(
            "%s: boxes stand for characters that the font does not have: %s",
            Path(path).name,
            listed(lacking, " "),
        )
