"""Latents of streamlines, in memory and in files, and reconstructions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
import logging
from pathlib import Path

import numpy as np

from dipy_tractogen.streamlines.columns import say_left_out
from dipy_tractogen.streamlines.condition import Condition
from dipy_tractogen.streamlines.conditions import BUNDLE, Conditions
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.formats.writers import open_writer
from dipy_tractogen.streamlines.point_data.values import resample_point_data
from dipy_tractogen.streamlines.spaces.moved import moved_streamlines
from dipy_tractogen.streamlines.spaces.transform import Transform
from dipy_tractogen.streamlines.values import FILE_NUMBER, INDEX_IN_FILE, SUBJECT
from dipy_tractogen.utils.messages import format_count, printable
from dipy_tractogen.utils.tables import write_arrays

from .disentanglement import ATTRIBUTE_UNITS, streamline_attributes
from .errors import point_errors, summarize_errors

logger = logging.getLogger("dipy_tractogen")

# Smallest number of streamlines.
_FEWEST = 3


@dataclass
class LatentSample:
    """Streamlines and their latents, from `sample_latents`.

    Attributes
    ----------
    bundles : BundleSet
        The n streamlines, with the values that were loaded.
    nb_found : int
        Number of streamlines that they were chosen from.
    z_mean : ndarray of shape (n, d)
        Means of the latents.
    deviation : ndarray of shape (n, d) or None
        Standard deviations of the posteriors, where the model has some.
    attributes : dict of str to ndarray of shape (n,)
        Numbers of each: `streamline_attributes`, and those of the values.
    units : dict of str to str
        Units of the attributes.
    prior : tuple of (ndarray of shape (n, d), float) or None
        Mean and standard deviation of the prior, where the divergence from it is part
        of the loss.
    """

    bundles: BundleSet
    nb_found: int
    z_mean: np.ndarray
    deviation: np.ndarray | None
    attributes: dict[str, np.ndarray]
    units: dict[str, str]
    prior: tuple[np.ndarray, float] | None

    def rows_of(self, bundle: str) -> np.ndarray:
        """Return the indices of the streamlines of a bundle, (m,)."""
        label = self.bundles.bundle_names.index(bundle)
        return np.flatnonzero(self.bundles.labels == label)

    def values_of(self, name: str) -> np.ndarray:
        """Return an attribute, (n,) numbers, or a category or the bundle, (n,) text."""
        if name in self.attributes:
            return self.attributes[name]
        return self.bundles.known_values()[name]


def sample_latents(
    model,
    bundles,
    *,
    transform: Transform | None = None,
    max_streamlines: int = 5000,
    seed: int = 0,
    show_progress: bool = False,
) -> LatentSample:
    """Choose streamlines at random, encode them, and measure their attributes.

    Parameters
    ----------
    model : StreamlineModel
        The model, trained.
    bundles : BundleSet
        Streamlines, with the values that the networks of the model read.
    transform : Transform, optional
        From their space to that of the model, where it is another: the sample is in the
        latter.
    max_streamlines : int, optional
        About how many are chosen, with the shares of their bundles; one at least of
        each bundle.
    seed : int, optional
        Seed of the choice.
    show_progress : bool, optional
        Show a progress bar.

    Returns
    -------
    LatentSample
        Streamlines, latents and attributes.

    Raises
    ------
    ValueError
        If there are fewer than three streamlines.
    """
    from dipy_tractogen.nn.encoding import encoded_blocks
    from dipy_tractogen.nn.registration import moved_to_model

    nb_found = len(bundles)
    if nb_found < _FEWEST:
        raise ValueError(
            f"{format_count(nb_found, 'streamline')} given: the latent space needs "
            f"{_FEWEST} or more."
        )
    if nb_found > max_streamlines:
        _, bundles = bundles.split(max_streamlines / nb_found, seed)
        logger.info(
            "%d of %d streamlines are explored, chosen at random with seed %d",
            len(bundles),
            nb_found,
            seed,
        )
    bundles = moved_to_model(model, bundles, transform)
    parts: dict[str, list] = {}
    for rows, points, outputs, columns in encoded_blocks(
        model, bundles, show_progress=show_progress
    ):
        found = streamline_attributes(points, bundles.streamlines[rows])
        found["z_mean"] = outputs["z_mean"]
        if "deviation" in outputs:
            found["deviation"] = outputs["deviation"]
        prior = model.prior_of(columns)
        if prior is not None:
            found["prior"], prior_deviation = prior
        for name, each in found.items():
            parts.setdefault(name, []).append(each)
    arrays = {name: np.concatenate(each) for name, each in parts.items()}
    z_mean, deviation = arrays.pop("z_mean"), arrays.pop("deviation", None)
    prior = (arrays.pop("prior"), prior_deviation) if "prior" in arrays else None
    loaded = {
        name: each
        for name, each in bundles.values.items()
        if each.dtype.kind == "f" and name not in (FILE_NUMBER, INDEX_IN_FILE)
    }
    units = {one.name: one.unit for one in Conditions(model.record.conditions)}
    units = {**dict.fromkeys(loaded, ""), **units, **bundles.units, **ATTRIBUTE_UNITS}
    return LatentSample(
        bundles, nb_found, z_mean, deviation, {**arrays, **loaded}, units, prior
    )


def values_to_load(model, color_by: Sequence[str]) -> tuple:
    """Return the conditions and the further categories to load from files.

    These are what the networks read, and what streamlines are coloured by.
    """
    known = {one.name: one for one in Conditions(model.record.conditions)}
    read = list(model.conditions) if model.conditions_in_networks else []
    names = [one.name for one in read]
    further = [
        name
        for name in dict.fromkeys(color_by)
        if name not in (BUNDLE, *ATTRIBUTE_UNITS, *names)
    ]
    categories = [name for name in further if name == SUBJECT and name not in known]
    read += [
        known.get(name, Condition(name)) for name in further if name not in categories
    ]
    return Conditions(read) if read else None, categories


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
        An .npz for arrays, or a .trx or .trk for the streamlines with their latents as
        ``data_per_streamline``.
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
    blocks = latent_blocks(
        model, bundles, transform=transform, show_progress=show_progress
    )
    if Path(path).suffix.lower() == ".npz":
        _save_arrays(path, bundles, blocks, files, force)
    else:
        _save_tractogram(path, bundles, blocks, force)


def _save_arrays(path, bundles, blocks, files, force: bool) -> None:
    parts = [latents for _, latents in blocks]
    latents = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0]
    }
    known = {
        "labels": bundles.labels,
        "bundle_names": np.array(bundles.bundle_names),
        "files": np.array([printable(file) for file in files]),
        "file_of_streamline": bundles.values[FILE_NUMBER].astype(np.int32),
        "index_in_file": bundles.values[INDEX_IN_FILE].astype(np.int64),
    }
    kept = {
        f"data_per_streamline/{name}": values
        for name, values in bundles.data_per_streamline.items()
    }
    why = f"{path} has no points: write a .trx to keep them"
    say_left_out({"data_per_point": bundles.data_per_point}, why)
    write_arrays(path, {**latents, **known, **kept}, force=force)


def _save_tractogram(path, bundles, blocks, force: bool) -> None:
    parts = (
        (
            *(rows, bundles.streamlines[rows]),
            {"latent": latents.pop("z_mean"), **latents},
        )
        for rows, latents in blocks
    )
    _write_blocks(path, bundles, parts, force)


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

    _write_blocks(path, bundles, blocks(), force)
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


def _write_blocks(path, bundles, blocks: Iterable[tuple], force: bool) -> None:
    """Write rows, their streamlines and values, with what bundles hold of each.

    Values of points are resampled where the streamlines are an array.
    """
    with open_writer(
        path,
        reference=bundles.reference,
        bundle_names=bundles.bundle_names,
        force=force,
    ) as writer:
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
