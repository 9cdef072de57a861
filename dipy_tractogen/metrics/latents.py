"""Latents of streamlines in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import logging

import numpy as np

from dipy_tractogen.streamlines.condition import Condition
from dipy_tractogen.streamlines.conditions import BUNDLE, Conditions
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.spaces.transform import Transform
from dipy_tractogen.streamlines.values import FILE_NUMBER, INDEX_IN_FILE, SUBJECT
from dipy_tractogen.utils.messages import format_count

from .disentanglement import ATTRIBUTE_UNITS, streamline_attributes

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
