"""The page: everything put together, and into one file."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
import shlex

from dipy_tractogen import __version__
from dipy_tractogen.utils.files import file_digest, replacing
from dipy_tractogen.utils.messages import encodable

from . import gallery, training
from .content import Command, Table, file_table
from .evaluation import evaluation_cards, evaluation_tables
from .findings import find_warnings
from .generation import generation_cards, generation_facts
from .inputs import ReportInputs
from .latent import latent_tables
from .reconstruction import reconstruction_table
from .rendered import render_pictures

_TEMPLATES = Path(__file__).parent / "templates"
_LINE = 80
_SECTIONS = {
    "warnings": "Warnings",
    "summary": "Summary",
    "scenes": "Pictures",
    "evaluation": "Generated beside real",
    "reconstruction": "Reconstruction",
    "latent": "Latent space",
    "training": "Training",
    "generation": "Generation",
    "commands": "To repeat it",
    "files": "Files",
}


def write_report(
    inputs: ReportInputs,
    path: str | Path,
    *,
    max_streamlines: int = 3000,
    mask: str | Path | None = None,
    seed: int = 0,
    force: bool = False,
) -> Path:
    """Write a report: one HTML page that needs no other file, and no network.

    The same inputs give the same bytes.

    Parameters
    ----------
    inputs : ReportInputs
        What is reported.
    path : str or Path
        The HTML file.
    max_streamlines : int, optional
        Streamlines drawn in each panel of a picture, about.
    mask : str or Path, optional
        Image that is not zero in the brain, whose outline is drawn behind streamlines.
    seed : int, optional
        Seed of the choice of streamlines.
    force : bool, optional
        Overwrite the file if it exists.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If a picture that is given is none, or no streamline meets the mask.
    OSError
        If a file cannot be read or written.
    """
    scenes, missing = render_pictures(
        inputs, max_streamlines=max_streamlines, mask=mask, seed=seed
    )
    parts = {
        **_parts(inputs),
        "scenes": [*scenes, *gallery.given_pictures(inputs)],
        "findings": [*find_warnings(inputs), *missing],
    }
    # Those that have something in them.
    sections = {key: name for key, name in _SECTIONS.items() if parts.get(key, True)}
    with replacing(path, force=force) as temporary:
        text = encodable(_render(sections=sections, **parts))
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return Path(path)


def _parts(inputs: ReportInputs) -> dict:
    """Gather what the template shows, but for scenes and warnings."""
    model, metrics, generation = inputs.model, inputs.metrics, inputs.generation
    generated = inputs.generated
    return {
        "title": f"{inputs.model_file.name}: {training.describe(model)}",
        "model_file": inputs.model_file.name,
        "description": training.describe(model),
        "cards": [
            *training.training_cards(model),
            *generation_cards(generation, generated),
            *evaluation_cards(metrics),
        ],
        "facts": training.training_facts(model),
        "curves": gallery.curves(model.record.history),
        "streamlines": training.bundle_table(
            model, {} if generated is None else generated.counts()
        ),
        "conditions": training.condition_table(model),
        "training_files": training.training_files(model),
        "generation": generation_facts(generation),
        "reconstruction": [
            reconstruction_table(each)
            for each in [inputs.reconstructed]
            if each is not None
        ],
        "measured": gallery.measured(metrics),
        "evaluation": evaluation_tables(metrics),
        "latent": gallery.latent_pictures(inputs.latent, inputs.latent_dir),
        "latent_tables": latent_tables(inputs.latent),
        "commands": _commands(inputs),
        "files": _files(inputs),
        "version": __version__,
    }


def _commands(inputs: ReportInputs) -> list[Command]:
    """Return the command lines that are known, in the order they are run in."""
    texts = {
        "Train": inputs.model.record.parameters.get("command"),
        "Generate": inputs.generation.get("command"),
        "Evaluate": inputs.metrics.get("command"),
        "Explore the latent space": inputs.latent.get("command"),
        "Write this report": inputs.command,
    }
    return [Command(title, _lines(text)) for title, text in texts.items() if text]


def _files(inputs: ReportInputs) -> Table:
    """List what the report is made from, as it was named, with digests."""
    named = {"model": [inputs.model_file], **inputs.files}
    return file_table(
        "report-files",
        "Files of this report",
        [
            (kind.replace("_", " "), str(path), file_digest(path))
            for kind, paths in named.items()
            for path in paths
        ],
    )


def _lines(command: str) -> str:
    """Give each option of a long command line a line of its own."""
    if len(command) <= _LINE:
        return command
    try:
        words = [shlex.quote(word) for word in shlex.split(command)]
    except ValueError:
        return command
    return " ".join(
        f"\\\n    {word}" if word.startswith("--") else word for word in words
    )


def _render(**parts) -> str:
    """Fill the template; all that comes from files is escaped."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["breakable"] = _breakable
    style, script = (
        (_TEMPLATES / name).read_text(encoding="utf-8")
        for name in ("report.css", "report.js")
    )
    return environment.get_template("report.html").render(
        **parts,
        style=Markup(style),
        script=Markup(script),
        style_hash=_digest(style),
        script_hash=_digest(script),
    )


def _breakable(name: str):
    """Let a long name be broken after its underscores."""
    from markupsafe import Markup

    return Markup("_<wbr>").join(name.split("_"))


def _digest(text: str) -> str:
    """Digest as a content security policy wants it."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"
