"""The pictures of a report: curves, scenes, distributions, those that are given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import tempfile

import numpy as np

from dipy_tractogen.streamlines.dataset import BundleSet

from ..display import RenderingUnavailable
from ..evaluation import plot_distributions, plot_measures
from ..figures import compare_bundles, render_bundles
from ..panels import Panel
from ..plots import plot_history
from .content import Finding, counted, is_number, shown
from .images import Picture, image_of, plot_images
from .inputs import ReportInputs

_NAMED = 30


def curves(history: list[dict]) -> list[Picture]:
    """Draw the curves of a training.

    Parameters
    ----------
    history : list of dict
        Of the record.

    Returns
    -------
    list of Picture
        One, or none where there is no history.
    """
    if not history:
        return []
    images = plot_images(lambda path: plot_history(history, path))
    return [Picture("Curves of the training", _describe_curves(history), *images)]


def measured(metrics: dict) -> list[Picture]:
    """Draw what was measured: by bundle, and as distributions.

    Parameters
    ----------
    metrics : dict
        What dipy_evaluate_streamlines measured.

    Returns
    -------
    list of Picture
        Those that can be drawn.
    """
    pictures = []
    if metrics and _has_quality(metrics):
        alt = (
            "Precision, recall, density and coverage of all bundles together and of "
            f"each of {counted(len(metrics['bundles']), 'bundle')}: generated "
            "streamlines above, real ones in their place below, with their 95 % "
            "intervals. The table of quality holds the same numbers."
        )
        images = plot_images(lambda path: plot_measures(metrics, path))
        pictures.append(Picture("Quality beside real streamlines", alt, *images))
    if metrics.get("distributions"):
        alt = (
            f"Histograms of {', '.join(metrics['distributions'])}: generated "
            f"streamlines over held-out real ones. {_describe_lengths(metrics)}"
        )
        images = plot_images(lambda path: plot_distributions(metrics, path))
        pictures.append(Picture("Distributions", alt, *images))
    return pictures


def given_pictures(inputs: ReportInputs) -> list[Picture]:
    """Take pictures from files.

    Parameters
    ----------
    inputs : ReportInputs
        With their names and captions.

    Returns
    -------
    list of Picture
        Each with its caption.

    Raises
    ------
    OSError, ValueError
        If a file is no picture.
    """
    captions = inputs.captions or [path.stem for path in inputs.pictures]
    return [
        Picture(text, text, image_of(path))
        for path, text in zip(inputs.pictures, captions)
    ]


def latent_pictures(latent: dict, folder: Path | None) -> list[Picture]:
    """Take the figures of an exploration of the latent space.

    Parameters
    ----------
    latent : dict
        What dipy_explore_latent found.
    folder : Path or None
        Where it wrote its figures.

    Returns
    -------
    list of Picture
        Each with the texts that it wrote.

    Raises
    ------
    OSError, ValueError
        If a file is no picture.
    """
    return [
        Picture(
            figure.get("title", figure["file"]),
            figure.get("alt") or figure.get("title", figure["file"]),
            image_of(folder / figure["file"]),
        )
        for figure in latent.get("figures", ())
    ]


def scenes(inputs: ReportInputs, **options) -> tuple[list[Picture], list[Finding]]:
    """Render real beside generated and original beside reconstructed streamlines.

    Parameters
    ----------
    inputs : ReportInputs
        With the streamlines.
    **options
        Those of `viz.figures.render_bundles`.

    Returns
    -------
    pictures : list of Picture
        Those that streamlines are given for.
    findings : list of Finding
        Why there is none where rendering is impossible.
    """
    pictures = []
    try:
        for title, alt, draw in _scenes(inputs):
            pictures.append(_rendered(title, alt, draw, options))
    except RenderingUnavailable as error:
        return pictures, [Finding("Report", f"Pictures are missing. {error}")]
    return pictures, []


def _scenes(inputs: ReportInputs) -> list[tuple[str, str, Callable]]:
    """Choose what is drawn: a title, what is seen, and what draws it into a file."""
    chosen = []
    real, generated = inputs.real, inputs.generated
    if real is not None and generated is not None:
        left, right = _describe(real, "real"), _describe(generated, "generated")
        alt = f"Left: {left}. Right: {right}."
        chosen.append(
            (
                "Real and generated streamlines",
                alt,
                lambda path, **given: compare_bundles(
                    real, generated, path, titles=("real", "generated"), **given
                ),
            )
        )
    elif generated is not None or real is not None:
        kind = "generated" if real is None else "real"
        alone = generated if real is None else real
        panel = _panel(kind, alone)
        chosen.append(
            (
                f"{kind.capitalize()} streamlines",
                f"{_describe(alone, kind)}.".capitalize(),
                lambda path, **given: render_bundles([panel], path, **given),
            )
        )
    if inputs.reconstructed is not None:
        chosen.append(_reconstruction(inputs))
    return chosen


def _reconstruction(inputs: ReportInputs) -> tuple[str, str, Callable]:
    reconstructed = inputs.reconstructed
    errors = reconstructed.values["error_mm"]
    panels = [_panel("reconstructed", reconstructed, errors)]
    alt = (
        f"{_describe(reconstructed, 'reconstructed')}, coloured by their point error, "
        f"{shown(float(np.mean(errors)), 2)} mm on average"
    )
    if inputs.real is not None:
        # Of the same streamlines, the error is known for the originals, too.
        same = len(inputs.real) == len(reconstructed)
        panels.insert(0, _panel("original", inputs.real, errors if same else None))
        alt = f"Left: {_describe(inputs.real, 'original')}. Right: {alt}"

    def draw(path, **given):
        options = {"color_by": "value", "value_name": "point error (mm)"}
        return render_bundles(panels, path, **given, **options)

    return "Original and reconstructed streamlines", f"{alt}.", draw


def _rendered(title: str, alt: str, draw: Callable, options: dict) -> Picture:
    with tempfile.TemporaryDirectory(prefix="dipy_tractogen_") as folder:
        path = Path(folder) / "scene.png"
        draw(path, **options)
        return Picture(title, alt, image_of(path))


def _panel(title: str, bundles: BundleSet, values: np.ndarray | None = None) -> Panel:
    return Panel(
        title, bundles.streamlines, bundles.labels, bundles.bundle_names, values
    )


def _describe(bundles: BundleSet, kind: str) -> str:
    names = [name for name, count in bundles.counts().items() if count]
    listed = ", ".join(names[:_NAMED])
    more = "" if len(names) <= _NAMED else " and others"
    return (
        f"{counted(len(bundles), f'{kind} streamline')} of "
        f"{counted(len(names), 'bundle')}: {listed}{more}"
    )


def _describe_curves(history: list[dict]) -> str:
    first, last = history[0], history[-1]
    parts = [
        f"{name.replace('_', ' ')} from {first[name]:.4g} to {last[name]:.4g}"
        for name in last
        if name not in ("step", "epoch", "seconds")
        and is_number(first.get(name))
        and is_number(last[name])
    ]
    return (
        f"Curves over {counted(len(history), 'look')} at the losses; those that begin "
        f"with val are of held-out streamlines: {'; '.join(parts)}."
    )


def _describe_lengths(metrics: dict) -> str:
    entry = metrics["overall"]
    generated, real = (
        entry.get(kind, {}).get("mean_length") for kind in ("generated", "held_out")
    )
    return f"Mean length {shown(generated, 1)} mm, real {shown(real, 1)} mm."


def _has_quality(metrics: dict) -> bool:
    return any(
        entry["generated"].get(name) is not None
        for entry in (metrics["overall"], *metrics["bundles"].values())
        for name in ("precision", "recall", "density", "coverage")
    )
