"""What an evaluation reads besides streamlines: conditions, and a model."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ..options.loading import load
from .encoding import encoded_blocks


def common_box(files: dict[str, list[Path]], reference):
    """Find the one grid whose box holds for all sets.

    A box of each set would drop streamlines of one that it keeps of the other.

    Parameters
    ----------
    files : dict of str to list of Path
        The tractograms, by what they are.
    reference : str, Path or None
        The grid, where one is given.

    Returns
    -------
    Reference or None
        That grid, or else that of the real, the training or the generated ones; None
        where there is none.

    Raises
    ------
    ValueError, OSError
        If a header cannot be read, or those of one set have different grids.
    """
    from dipy_tractogen.streamlines.common_grid import common_grid

    for kind in ("real", "training", "generated"):
        if kind in files:
            found = common_grid(files[kind], reference, tell=False)
            if found is not None:
                return found
    return None


def generating_model(files: list[Path]) -> dict | None:
    """Return the model that streamlines were generated with.

    Parameters
    ----------
    files : list of Path
        The tractograms.

    Returns
    -------
    dict or None
        Its ``file`` and ``digest``, from the JSON file beside a tractogram; None where
        no file says so.
    """
    from dipy_tractogen.streamlines.formats.sidecar import sidecar_path
    from dipy_tractogen.utils.schema import read_json, record, text

    check = record({"model": record({"file": text(), "digest": text()})})
    for path in map(sidecar_path, files):
        # One of other software, or without a model, is no fault here.
        with suppress(OSError, ValueError):
            model = read_json(path, check, "a JSON file of a generation")["model"]
            return {key: model[key] for key in ("file", "digest")}
    return None


def load_generated(files: list[Path], given: dict, **options):
    """Load generated streamlines, with what each was asked for.

    Parameters
    ----------
    files : list of Path
        The tractograms.
    given : dict
        Values of `loading_parameters`.
    **options
        As `load` takes them.

    Returns
    -------
    bundles : BundleSet
        The streamlines.
    asked : dict of str to ndarray of shape (n,)
        Attributes that were asked for, by name, from ``asked_length`` and so on of
        ``data_per_streamline``; NaN where a file does not tell.

    Raises
    ------
    ValueError, OSError
        As `load_bundles` does.
    """
    import numpy as np

    from dipy_tractogen.streamlines.conditions import COMPUTED, asked_name
    from dipy_tractogen.streamlines.formats.block_writers import BLOCK_WRITERS
    from dipy_tractogen.streamlines.formats.readers import read_tractogram
    from dipy_tractogen.streamlines.naming import column_of
    from dipy_tractogen.streamlines.values import FILE_NUMBER, INDEX_IN_FILE

    files = sorted(files)
    places = (FILE_NUMBER, INDEX_IN_FILE)
    bundles = load(files, given, continuous=places, **options)
    asked: dict = {}
    for number, file in enumerate(files):
        stream = BLOCK_WRITERS.get(file.suffix.lower())
        if stream is None or not stream.keeps_data:
            continue
        data = read_tractogram(file).data_per_streamline
        rows = bundles.values[FILE_NUMBER] == number
        for name in COMPUTED:
            column = asked_name(name)
            if column in data:
                values = asked.setdefault(name, np.full(len(bundles), np.nan))
                index = bundles.values[INDEX_IN_FILE][rows].astype(int)
                values[rows] = column_of(data, column, file)[index]
    return bundles, asked


def measure_model(model, bundles, *, show_progress: bool) -> dict:
    """Measure how a model encodes held-out streamlines.

    Parameters
    ----------
    model : StreamlineModel
        The model.
    bundles : BundleSet
        Streamlines that it was not trained on, from `load_to_encode`.
    show_progress : bool
        Whether a progress bar is shown.

    Returns
    -------
    dict
        ``nb_streamlines``; ``reconstruction_mm`` with the ``mean`` and the 95th
        percentile ``p95`` of the point errors; ``truncation_mm``, the part of the mean
        that the number of coefficients alone causes; ``latent_dim`` and
        ``active_units``; and ``disentanglement``, see
        :func:`dipy_tractogen.metrics.latent.disentanglement`, or None for fewer than
        three streamlines.
    """
    import numpy as np

    from dipy_tractogen.metrics.errors import (
        point_errors,
        summarize_errors,
    )
    from dipy_tractogen.metrics.latent import (
        disentanglement,
        streamline_attributes,
    )

    errors, lost, z_mean, attributes = [], [], [], []
    for rows, points, outputs in encoded_blocks(
        model, bundles, description="Reconstructing", show_progress=show_progress
    ):
        errors.append(point_errors(points, outputs["points"]))
        lost.append(model.coder.truncation_error(points))
        z_mean.append(outputs["z_mean"])
        attributes.append(streamline_attributes(points, bundles.streamlines[rows]))
    joined = {
        name: np.concatenate([each[name] for each in attributes])
        for name in attributes[0]
    }
    z_mean = np.concatenate(z_mean)
    return {
        "nb_streamlines": len(bundles),
        "reconstruction_mm": summarize_errors(np.concatenate(errors)),
        "truncation_mm": float(np.concatenate(lost).mean()),
        "latent_dim": model.latent_dim,
        "active_units": model.record.active_units,
        "disentanglement": disentanglement(z_mean, joined) if len(z_mean) > 2 else None,
    }
