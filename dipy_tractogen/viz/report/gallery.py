"""The pictures of a report that need no rendering: plots, and those of files."""

from __future__ import annotations

from pathlib import Path

from dipy_tractogen.utils.messages import listed, printable

from ..evaluation import plot_distributions, plot_measures
from ..plots import plot_history
from .content import counted, is_number, shown
from .images import Picture, image_of, plot_images
from .inputs import ReportInputs


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
            f"Histograms of {listed(metrics['distributions'])}: generated "
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
    captions = inputs.captions or [printable(path.stem) for path in inputs.pictures]
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
