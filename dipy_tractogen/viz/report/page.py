"""The HTML page of a report."""

from __future__ import annotations

from pathlib import Path
import shlex

from dipy_tractogen import __version__
from dipy_tractogen.utils.files import atomic_write, file_digest
from dipy_tractogen.utils.messages import encodable

from ..pages import fill_template
from . import model_tables, pictures
from .content import Command, Table, file_table
from .evaluation_tables import evaluation_cards, evaluation_tables
from .inputs import ReportInputs
from .profile_plots import profile_pictures
from .report_warnings import collect_warnings
from .scene import report_scene

_TEMPLATES = Path(__file__).parent / "templates"
_LINE = 80
_SECTIONS = {
    "warnings": "Warnings",
    "summary": "Summary",
    "scenes": "Pictures",
    "evaluation": "Evaluation",
    "reconstruction": "Reconstruction",
    "latent": "Latent space",
    "model_card": "Model card",
    "training": "Training",
    "generation": "Generation",
    "commands": "Commands",
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
    # Files that are no pictures are refused before others are drawn.
    given = pictures.read_pictures(inputs)
    latent = pictures.latent_pictures(inputs.latent, inputs.latent_dir)
    scenes, missing = pictures.render_pictures(
        inputs, max_streamlines=max_streamlines, mask=mask, seed=seed
    )
    scene, lacking = report_scene(inputs, max_streamlines=max_streamlines, seed=seed)
    parts = {
        **_parts(inputs),
        "scene": scene,
        "no_scene": lacking,
        "scenes": [*scenes, *profile_pictures(inputs.sets), *given],
        "latent": latent,
        "warnings": [*collect_warnings(inputs), *missing],
    }
    # Empty sections are left out.
    sections = {key: name for key, name in _SECTIONS.items() if parts.get(key, True)}
    with atomic_write(path, force=force) as temporary:
        text = encodable(_render(sections=sections, **parts))
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return Path(path)


def _parts(inputs: ReportInputs) -> dict:
    """Collect what the template shows, but for scenes and warnings."""
    model, metrics, generation = inputs.model, inputs.metrics, inputs.generation
    generated = inputs.generated
    return {
        "title": f"{inputs.model_file.name}: {model_tables.describe_model(model)}",
        "heading": inputs.model_file.name,
        "description": model_tables.describe_model(model),
        "cards": [
            *model_tables.training_cards(model),
            *model_tables.generation_cards(generation, generated),
            *evaluation_cards(metrics),
        ],
        "model_card": model_tables.card_facts(model),
        "facts": model_tables.training_facts(model),
        "curves": pictures.history_pictures(model.record.history),
        "streamlines": model_tables.bundle_table(
            model, {} if generated is None else generated.counts()
        ),
        "conditions": model_tables.condition_table(model),
        "training_files": model_tables.training_files(model),
        "generation": model_tables.generation_facts(generation),
        "reconstruction": [
            model_tables.reconstruction_table(each)
            for each in [inputs.reconstructed]
            if each is not None
        ],
        "measured": pictures.evaluation_pictures(metrics),
        "evaluation": evaluation_tables(metrics),
        "latent_tables": model_tables.latent_tables(inputs.latent),
        "commands": _commands(inputs),
        "files": _files(inputs),
        "version": __version__,
    }


def _commands(inputs: ReportInputs) -> list[Command]:
    """Return the known command lines, in the order they are run in."""
    texts = {
        "Train": inputs.model.record.parameters.get("command"),
        "Generate": inputs.generation.get("command"),
        "Evaluate": inputs.metrics.get("command"),
        "Explore the latent space": inputs.latent.get("command"),
        "Write this report": inputs.command,
    }
    return [Command(title, _lines(text)) for title, text in texts.items() if text]


def _files(inputs: ReportInputs) -> Table:
    """List the files of the report as they were named, with digests."""
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
    """Put each option of a long command line on its own line."""
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
    return fill_template(
        _TEMPLATES / "report.html", style="report.css", script="report.js", **parts
    )
