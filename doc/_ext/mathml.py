"""Formulas as MathML, which browsers draw themselves: no script, no network."""

from __future__ import annotations

from docutils import nodes
from latex2mathml.converter import convert


def write_inline(writer, node):
    """Write a formula that stands in a line."""
    writer.body.append(convert(node.astext().replace("\n", " ")))
    raise nodes.SkipNode


def write_block(writer, node):
    """Write a formula that has its own lines."""
    writer.body.append(writer.starttag(node, "div", CLASS="math"))
    writer.body.append(convert(node.astext().strip(), display="block"))
    writer.body.append("</div>")
    raise nodes.SkipNode


def setup(app):
    """Register the renderer with Sphinx."""
    app.add_html_math_renderer("mathml", (write_inline, None), (write_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
