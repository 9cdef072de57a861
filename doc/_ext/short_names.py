"""Links of names without their module, such as `VAE`, and of commands."""

from __future__ import annotations

from sphinx.util.nodes import make_refnode

from dipy_tractogen.workflows.cli import cli_flows

# What belongs to a class is linked with its name only: `points` may be a parameter.
_KINDS = ("class", "data", "exception", "function")


def resolve(app, env, node, content):
    """Find what Sphinx has not found: a command, or the one object of that name."""
    name = node.get("reftarget", "")
    if node.get("refdomain") != "py":
        return None
    if name in cli_flows:
        page, place = f"commands/{name}", ""
    else:
        found = [
            entry
            for full, entry in env.get_domain("py").objects.items()
            if full.endswith(f".{name}") and (entry.objtype in _KINDS or "." in name)
        ]
        if len(found) != 1:
            return None
        page, place = found[0].docname, found[0].node_id
    return make_refnode(app.builder, node["refdoc"], page, place, content, name)


def setup(app):
    """Connect it to Sphinx."""
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
