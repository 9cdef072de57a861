"""What `dipy_explore_latent` explores: streamlines, their latents, and their values."""

from __future__ import annotations

from dataclasses import dataclass
import logging
from typing import TYPE_CHECKING

from .encoding import encoded_blocks, known_values, load_to_encode

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger("dipy_tractogen")

# What can be told of fewer is nothing.
_FEWEST = 3


@dataclass
class LatentSample:
    """Some streamlines and their latents.

    Attributes
    ----------
    bundles : BundleSet
        The n streamlines, with the values that were loaded.
    nb_found : int
        Streamlines that they were chosen from.
    z_mean : ndarray of shape (n, d)
        Means of the latents.
    deviation : ndarray of shape (n, d) or None
        Standard deviations of the posteriors, where the model has some.
    attributes : dict of str to ndarray of shape (n,)
        Numbers of each: `streamline_attributes`, and those that were loaded.
    units : dict of str to str
        Units of the attributes.
    prior : tuple of (ndarray of shape (n, d), float) or None
        Mean and deviation of the prior, where the divergence from it was part of the
        loss.
    """

    bundles: object
    nb_found: int
    z_mean: np.ndarray
    deviation: np.ndarray | None
    attributes: dict
    units: dict
    prior: tuple | None

    def rows_of(self, bundle: str) -> np.ndarray:
        """Find the streamlines of a bundle.

        Parameters
        ----------
        bundle : str
            Name of the bundle, one that has streamlines.

        Returns
        -------
        ndarray of shape (m,), int
            Their indices.
        """
        import numpy as np

        return np.flatnonzero(
            self.bundles.labels == self.bundles.bundle_names.index(bundle)
        )

    def values_of(self, rows) -> dict:
        """Return what is known of some of the streamlines, as a model takes it.

        Parameters
        ----------
        rows : ndarray of int
            Which streamlines.

        Returns
        -------
        dict of str to ndarray of shape (m,)
            Values by name.
        """
        return known_values(self.bundles, rows)

    def texts_or_numbers(self, name: str) -> np.ndarray:
        """Return what streamlines can be coloured by.

        Parameters
        ----------
        name : str
            The bundle, an attribute, or a category that was loaded.

        Returns
        -------
        ndarray of shape (n,)
            Text for a category, numbers otherwise.
        """
        if name in self.attributes:
            return self.attributes[name]
        return self.values_of(slice(None))[name]


def load_sample(
    model, files, given: dict, *, color_by, max_streamlines, seed, show_progress
) -> LatentSample:
    """Load streamlines, choose some with the shares of their bundles, and encode them.

    Parameters
    ----------
    model : StreamlineModel
        The model, trained.
    files : list of Path
        The tractograms.
    given : dict
        Values of `loading_parameters`, and ``participants``.
    color_by : sequence of str
        What has to be known of each streamline.
    max_streamlines : int
        About how many are kept, one at least of each bundle.
    seed : int
        Seed of the choice.
    show_progress : bool
        Whether a progress bar is shown.

    Returns
    -------
    LatentSample
        Streamlines and latents.

    Raises
    ------
    ValueError
        If there are fewer than three streamlines, or a value is not known.
    OSError
        If a file cannot be read.
    """
    from dipy_tractogen.streamlines.values import FILE_NUMBER, INDEX_IN_FILE

    conditions, categories = _wanted(model, color_by)
    places = (FILE_NUMBER, INDEX_IN_FILE)
    bundles = load_to_encode(
        model,
        files,
        given,
        given["participants"],
        places,
        conditions,
        categories,
        show_progress=show_progress,
    )
    nb_found = len(bundles)
    if nb_found < _FEWEST:
        raise ValueError(
            f"There are {nb_found} streamlines: a latent space needs {_FEWEST} or more."
        )
    if nb_found > max_streamlines:
        _, bundles = bundles.split(max_streamlines / nb_found, seed)
        logger.info(
            "%d of %d streamlines are looked at, chosen at random with seed %d",
            len(bundles),
            nb_found,
            seed,
        )
    return _encoded(model, bundles, nb_found, show_progress)


def _wanted(model, color_by) -> tuple:
    """Find what has to be loaded: conditions, and categories of no model."""
    from dipy_tractogen.metrics.latent import ATTRIBUTE_UNITS
    from dipy_tractogen.streamlines.condition import Condition
    from dipy_tractogen.streamlines.conditions import BUNDLE, Conditions
    from dipy_tractogen.streamlines.values import SUBJECT

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


def _encoded(model, bundles, nb_found: int, show_progress: bool) -> LatentSample:
    """Encode the streamlines, and measure them."""
    import numpy as np

    from dipy_tractogen.metrics.latent import (
        ATTRIBUTE_UNITS,
        streamline_attributes,
    )
    from dipy_tractogen.streamlines.conditions import Conditions
    from dipy_tractogen.streamlines.values import FILE_NUMBER, INDEX_IN_FILE

    parts: dict[str, list] = {}
    blocks = encoded_blocks(
        model, bundles, description="Encoding", show_progress=show_progress
    )
    for rows, points, outputs in blocks:
        found = streamline_attributes(points, bundles.streamlines[rows])
        found["z_mean"] = outputs["z_mean"]
        if "deviation" in outputs:
            found["deviation"] = outputs["deviation"]
        prior = model.prior_of(points)
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
