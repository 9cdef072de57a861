"""Latents and reconstructions of streamlines in files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from dipy_tractogen.streamlines.columns import say_left_out
from dipy_tractogen.streamlines.formats.tractogram_writer import TractogramWriter
from dipy_tractogen.streamlines.formats.writers import open_writer
from dipy_tractogen.streamlines.point_data.values import resample_point_data
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.spaces.moved import moved_streamlines
from dipy_tractogen.streamlines.spaces.transform import Transform
from dipy_tractogen.streamlines.values import FILE_NUMBER, INDEX_IN_FILE
from dipy_tractogen.utils.messages import printable
from dipy_tractogen.utils.tables import ArrayFile, open_arrays

from .errors import point_errors, summarize_errors


def latent_blocks(
    model,
    bundles,
    *,
    transform: Transform | None = None,
    show_progress: bool = False,
) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Encode bundles, a block of streamlines at a time, as of `encoded_blocks`.

    Yields a slice of rows and their latents: ``z_mean`` and, where the model has one,
    ``deviation`` (m, d); ``error_mm`` (m,), the point errors, and ``error_FA`` and the
    like, those of values along the streamlines. All float32.
    """
    from dipy_tractogen.nn.encoding import encoded_blocks

    for rows, points, outputs, _ in encoded_blocks(
        model, bundles, transform=transform, show_progress=show_progress
    ):
        error = point_errors(points, outputs["points"])
        latents = {k: outputs[k] for k in ("z_mean", "deviation") if k in outputs}
        yield (
            rows,
            {**latents, "error_mm": error.astype("float32"), **_value_errors(outputs)},
        )


def save_latents(
    path: str | Path,
    model,
    bundles,
    files: Iterable[str | Path],
    *,
    transform: Transform | None = None,
    force: bool = False,
    show_progress: bool = False,
) -> None:
    """Encode bundles, and write their latents.

    Parameters
    ----------
    path : str or Path
        An .npz for arrays, or a tractogram of the streamlines with their latents as
        ``data_per_streamline``, in a format that holds them, such as .trx.
    model : StreamlineModel
        The model, trained.
    bundles : BundleSet
        Streamlines, loaded with the values `FILE_NUMBER` and `INDEX_IN_FILE` and those
        that the networks of the model read.
    files : iterable of str or Path
        Their tractograms, sorted.
    transform : Transform, optional
        From their space to that of the model, where it is another. The streamlines are
        written as they are.
    force : bool, optional
        Replace an existing file.
    show_progress : bool, optional
        Show a progress bar.
    """
    opened = open_latents(
        path,
        files,
        reference=bundles.reference,
        bundle_names=bundles.bundle_names,
        force=force,
    )
    with opened as write:
        write(model, bundles, transform=transform, show_progress=show_progress)


@contextmanager
def open_latents(
    path: str | Path,
    files: Iterable[str | Path],
    *,
    reference: Reference,
    bundle_names: Sequence[str],
    force: bool = False,
) -> Iterator[Callable]:
    """Open a file of latents, to be written some streamlines at a time.

    `path`, `files` and `force` are as for `save_latents`; `reference` and
    `bundle_names` are those of all streamlines. Yields a function that takes a model, a
    BundleSet with these names and options of `latent_blocks`, and writes the latents.
    """
    if Path(path).suffix.lower() == ".npz":
        with open_arrays(path, force=force) as file:
            yield lambda *given, **options: _append_arrays(
                file, given[1], latent_blocks(*given, **options), path
            )
            names = np.array([printable(one) for one in files])
            file.append({"bundle_names": np.array(bundle_names), "files": names})
        return
    with open_writer(
        path, reference=reference, bundle_names=bundle_names, force=force
    ) as writer:
        yield lambda *given, **options: _write_latents(
            writer, given[1], latent_blocks(*given, **options)
        )


def _append_arrays(file: ArrayFile, bundles, blocks, path) -> None:
    """Append latents, and what is known of each streamline, to arrays."""
    if file.is_empty:
        why = f"{path} has no points: write a .trx to keep them"
        say_left_out({"data_per_point": bundles.data_per_point}, why)
    for rows, latents in blocks:
        known = {
            "labels": bundles.labels[rows],
            "file_of_streamline": bundles.values[FILE_NUMBER][rows].astype(np.int32),
            "index_in_file": bundles.values[INDEX_IN_FILE][rows].astype(np.int64),
        }
        kept = {
            f"data_per_streamline/{name}": values[rows]
            for name, values in bundles.data_per_streamline.items()
        }
        file.append({**latents, **known, **kept})


def _write_latents(writer: TractogramWriter, bundles, blocks) -> None:
    """Write streamlines with their latents."""
    _write_rows(
        writer,
        bundles,
        (
            (
                *(rows, bundles.streamlines[rows]),
                {"latent": latents.pop("z_mean"), **latents},
            )
            for rows, latents in blocks
        ),
    )


def save_reconstructions(
    path: str | Path,
    model,
    bundles,
    *,
    transform: Transform | None = None,
    force: bool = False,
    show_progress: bool = False,
) -> dict[str, float]:
    """Encode and decode bundles, and write the reconstructions.

    Parameters
    ----------
    path : str or Path
        Tractogram; trx and trk hold the point error of each streamline as
        ``data_per_streamline["error_mm"]``, and those of values along the streamlines
        as ``"error_FA"`` and the like. The reconstructed values are its
        ``data_per_point``.
    model : StreamlineModel
        The model, trained.
    bundles : BundleSet
        Streamlines, with the values that the networks of the model read.
    transform : Transform, optional
        From their space to that of the model, where it is another. Errors are those in
        the space of the model, and reconstructions are written in that of the
        streamlines.
    force : bool, optional
        Replace an existing file.
    show_progress : bool, optional
        Show a progress bar.

    Returns
    -------
    dict of str to float
        ``mean`` and 95th percentile ``p95`` of the point errors in mm; ``truncation``,
        the part of the mean that the number of coefficients alone causes; and
        ``values``, by name the ``mean`` and ``p95`` of the errors of values.
    """
    from dipy_tractogen.nn.encoding import encoded_blocks

    errors, truncation = [], []
    of_values: dict[str, list] = {name: [] for name in model.profiles}
    options = {"transform": transform, "show_progress": show_progress}
    back = None if transform is None else transform.inverse()

    def blocks():
        for rows, points, outputs, _ in encoded_blocks(
            model, bundles, description="Reconstructing", **options
        ):
            errors.append(point_errors(points, outputs["points"]))
            truncation.append(model.coder.truncation_error(points))
            for name, each in of_values.items():
                each.append(outputs["value_errors"][name])
            data = {"error_mm": errors[-1].astype("float32"), **_value_errors(outputs)}
            made = outputs.get("data_per_point", {})
            made = {name: each.reshape(-1, 1) for name, each in made.items()}
            yield rows, moved_streamlines(outputs["points"], back), data, made

    with open_writer(
        path,
        reference=bundles.reference,
        bundle_names=bundles.bundle_names,
        force=force,
    ) as writer:
        _write_rows(writer, bundles, blocks())
    summary = summarize_errors(np.concatenate(errors))
    joined = {name: np.concatenate(each) for name, each in of_values.items()}
    return {
        **summary,
        "truncation": float(np.concatenate(truncation).mean()),
        "values": {
            name: summarize_errors(each[np.isfinite(each)])
            for name, each in joined.items()
        },
    }


def _value_errors(outputs: dict) -> dict[str, np.ndarray]:
    """Return the errors (m,) of values along streamlines, as they are in files."""
    found = outputs.get("value_errors", {})
    return {f"error_{name}": each.astype("float32") for name, each in found.items()}


def _write_rows(writer: TractogramWriter, bundles, blocks: Iterable[tuple]) -> None:
    """Write rows, their streamlines and values, with what bundles hold of each.

    Values of points are resampled where the streamlines are an array.
    """
    for rows, streamlines, data, *made in blocks:
        part = bundles.select(np.arange(len(bundles))[rows])
        of_points = part.data_per_point
        if isinstance(streamlines, np.ndarray):
            nb_points = streamlines.shape[1]
            of_points = resample_point_data(of_points, part.streamlines, nb_points)
        for own in made:
            of_points = {**of_points, **own}
        writer.write(
            streamlines, part.labels, data, part.data_per_streamline, of_points
        )
