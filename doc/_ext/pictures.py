"""Pictures that an example wrote: those whose paths are the last value of a block.

A block of an example that ends in ``Path("scene.png")``, or a list of such, shows them.
"""

from __future__ import annotations

from pathlib import Path
import shutil

from sphinx_gallery.scrapers import figure_rst

_SUFFIXES = (".png", ".gif")


def scrape(block, block_vars, gallery_conf) -> str:
    """Copy the pictures of a block to the gallery.

    Parameters
    ----------
    block, block_vars, gallery_conf
        As Sphinx-Gallery gives them.

    Returns
    -------
    str
        ReStructuredText that shows them.
    """
    last = block_vars["example_globals"].get("___")
    paths = last if isinstance(last, (list, tuple)) else [last]
    folder = Path(block_vars["src_file"]).parent
    shown = []
    for path in paths:
        if isinstance(path, Path) and path.suffix in _SUFFIXES:
            target = Path(next(block_vars["image_path_iterator"]))
            target = target.with_suffix(path.suffix)
            shutil.copy(folder / path, target)
            shown.append(str(target))
    return figure_rst(shown, gallery_conf["src_dir"])


def _get_sg_image_scraper():
    """Give Sphinx-Gallery the function, by the name of this module."""
    return scrape
