"""HTML pages in one file, held by a content security policy to what is in them."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path


def fill_template(path: Path, *, style: str, script: str, **parts) -> str:
    """Fill a Jinja template; all parts are escaped that are not markup.

    The template gets the text of the `style` and of the `script` beside it, and as
    ``style_hash`` and ``script_hash`` their digests for its policy.
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["breakable"] = _breakable
    texts = {
        kind: (path.parent / name).read_text(encoding="utf-8")
        for kind, name in (("style", style), ("script", script))
    }
    return environment.get_template(path.name).render(
        **parts,
        **{kind: Markup(text) for kind, text in texts.items()},
        **{f"{kind}_hash": policy_digest(text) for kind, text in texts.items()},
    )


def _breakable(name: str):
    """Let a long name break after its underscores."""
    from markupsafe import Markup

    return Markup("_<wbr>").join(name.split("_"))


def policy_digest(text: str) -> str:
    """Return the digest of a text for a content security policy."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"
