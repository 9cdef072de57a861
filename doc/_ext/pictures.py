"""What an example wrote: the file whose path is the last value of a block.

A block of an example that ends in ``Path("scene.png")`` shows that picture. The line
``# sphinx_gallery_alt = "..."`` in it, which is not shown, says what is to be seen. A
page, ``Path("report.html")``, is offered to be downloaded.
"""

from __future__ import annotations

from pathlib import Path
import shutil

from sphinx_gallery.py_source_parser import extract_file_config
from sphinx_gallery.scrapers import figure_rst

_PICTURES = (".png", ".gif")


def scrape(block, block_vars, gallery_conf) -> str:
    """Copy the file of a block to the gallery.

    Parameters
    ----------
    block, block_vars, gallery_conf
        As Sphinx-Gallery gives them.

    Returns
    -------
    str
        ReStructuredText that shows it, or links to it.
    """
    path = block_vars["example_globals"].get("___")
    if not isinstance(path, Path) or path.suffix not in (*_PICTURES, ".html"):
        return ""
    written = Path(block_vars["src_file"]).parent / path
    if path.suffix == ".html":
        shutil.copy(written, Path(block_vars["target_file"]).parent)
        return f":download:`{path.name}`"
    target = Path(next(block_vars["image_path_iterator"])).with_suffix(path.suffix)
    shutil.copy(written, target)
    alternative = extract_file_config(block[1])["alt"]
    return figure_rst([str(target)], gallery_conf["src_dir"], alternative)


def _get_sg_image_scraper():
    """Pass the function to Sphinx-Gallery, by the name of this module."""
    return scrape
