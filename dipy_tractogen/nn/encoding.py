"""Loading tractograms for a model that encodes them, and encoding block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
import logging
from typing import TYPE_CHECKING, NamedTuple

from dipy_tractogen.utils.messages import listed

from ..options.conditions import values_that_were_written
from ..options.loading import load

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger("dipy_tractogen")

# Streamlines held as points at a time: 100 MB at 256 points.
BLOCK = 32768


class EncodedBlock(NamedTuple):
    """Some streamlines, as a model reads them and as it has them.

    Attributes
    ----------
    rows : slice
        Which of all they are.
    points : ndarray of shape (m, nb_points, 3)
        Points in RASMM mm.
    outputs : dict of str to ndarray
        As ``encode_and_decode`` of a model gives it.
    """

    rows: slice
    points: np.ndarray
    outputs: dict


def participants_parameters(participants=None):
    """Name the parameter of the table of subjects.

    Parameters
    ----------
    participants : string or Path, optional
        Table of the subjects, a participants.tsv as in BIDS, for a model that
        reads conditions of theirs; without it these are looked up in
        data_per_streamline, as a training or a generation wrote them. The files need
        not be those of the training,
        but their bundles and other categories have to be known to such a model.
    """


def load_to_encode(
    model,
    files,
    given: dict,
    participants=None,
    numbers: Sequence[str] = (),
    conditions=None,
    categories: Sequence[str] = (),
    keep_data=False,
    unassigned="keep",
    kind="input",
    show_progress=False,
):
    """Load bundles with all that a model has to know to encode them.

    Parameters
    ----------
    model : StreamlineModel
        The model.
    files : list of Path
        The tractograms.
    given : dict
        Values of `loading_parameters`.
    participants : str or Path, optional
        Table of the subjects.
    numbers : sequence of str, optional
        Names of further values to load.
    conditions : Conditions, optional
        What has to be known of the streamlines; by default what the networks read.
    categories : sequence of str, optional
        Names of further categories to load.
    keep_data : bool, optional
        Whether the ``data_per_streamline`` of the files are kept, to be written again.
    unassigned : str, optional
        Whether streamlines of no bundle are kept, as for `load_bundles`.
    kind : str, optional
        What the tractograms are to the command, as `load` takes it.
    show_progress : bool, optional
        Whether there is a bar of what is read.

    Returns
    -------
    BundleSet
        The bundles, with the values that the model reads and the further ones.

    Raises
    ------
    ValueError
        If the table is not needed, or a bundle or another category is unknown to a
        model that reads it.
    OSError
        If a file cannot be read.
    """
    if conditions is None and model.conditions_in_networks:
        conditions = model.conditions
    names = conditions_to_load(conditions)
    read = [*names["categorical"], *names["continuous"]]
    if participants and not (read or categories):
        raise ValueError(
            f"--participants {participants}: the model reads nothing of subjects; "
            "leave it out."
        )
    if read:
        logger.info("Needed of each streamline: %s", listed(read))
    bundles = load(
        files,
        given,
        participants=participants,
        categorical=[*names["categorical"], *categories],
        continuous=[*names["continuous"], *numbers],
        keep_data=keep_data,
        unassigned=unassigned,
        kind=kind,
        show_progress=show_progress,
    )
    if read and not participants:
        values = values_that_were_written(conditions, bundles.values)
        bundles = replace(bundles, values=values)
    if conditions is not None and conditions.categorical:
        conditions.codes(known_values(bundles, slice(None)))
    return bundles


def encoded_blocks(
    model, bundles, *, description: str, show_progress: bool
) -> Iterator[EncodedBlock]:
    """Encode and decode streamlines, a block at a time.

    Parameters
    ----------
    model : StreamlineModel
        The model.
    bundles : BundleSet
        What is encoded, from `load_to_encode`.
    description : str
        What the progress bar says.
    show_progress : bool
        Whether there is one.

    Yields
    ------
    EncodedBlock
        The streamlines, in their order.
    """
    from dipy_tractogen.streamlines.geometry import resample
    from dipy_tractogen.utils.progress import track_progress

    starts = range(0, len(bundles), BLOCK)
    for start in track_progress(starts, description, show_bar=show_progress):
        rows = slice(start, start + BLOCK)
        points = resample(bundles.streamlines[rows], model.nb_points)
        values = known_values(bundles, rows) if model.conditions_in_networks else None
        yield EncodedBlock(rows, points, model.encode_and_decode(points, values))


def conditions_to_load(conditions) -> dict[str, list[str]]:
    """Find what files have to tell of streamlines that a model is to encode.

    Parameters
    ----------
    conditions : Conditions or None
        What has to be known of them.

    Returns
    -------
    dict of str to list of str
        Names under ``categorical`` and ``continuous``, but for those of the bundle and
        of what is computed from the points.
    """
    from dipy_tractogen.streamlines.conditions import BUNDLE, COMPUTED

    if conditions is None:
        return {"categorical": [], "continuous": []}
    kinds = {
        "categorical": conditions.categorical,
        "continuous": conditions.continuous,
    }
    return {
        kind: [one.name for one in each if one.name not in (BUNDLE, *COMPUTED)]
        for kind, each in kinds.items()
    }


def known_values(bundles, rows) -> dict:
    """Return what is known of some streamlines, as a model takes it.

    Parameters
    ----------
    bundles : BundleSet
        The bundles, from `load_to_encode`.
    rows : slice or ndarray of int
        Which streamlines.

    Returns
    -------
    dict of str to ndarray of shape (m,)
        Name of the bundle and further values, by name.
    """
    import numpy as np

    names = np.array(bundles.bundle_names)[bundles.labels[rows]]
    return {"bundle": names, **{k: v[rows] for k, v in bundles.values.items()}}
