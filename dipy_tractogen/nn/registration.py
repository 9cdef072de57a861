"""Streamlines of a subject in the space of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.spaces.moved import moved_bundles
from dipy_tractogen.streamlines.spaces.registration import (
    Registration,
    register_streamlines,
)

if TYPE_CHECKING:
    from dipy_tractogen.streamlines.dataset import BundleSet
    from dipy_tractogen.streamlines.spaces.transform import Transform

    from .model import StreamlineModel

NB_STREAMLINES = 2000
"""Streamlines that are generated to register to."""


def register_to_model(
    model: StreamlineModel,
    bundles,
    kind: str = "rigid",
    *,
    nb_streamlines: int = NB_STREAMLINES,
    seed: int = 0,
    show_progress: bool = False,
) -> Registration:
    """Register streamlines of a subject to a model.

    They are registered to streamlines that the model generates, as many of each of its
    bundles. That needs no training streamlines, and holds for models that are shared.
    Nothing is assumed of the bundles of the subject.

    Parameters
    ----------
    model : StreamlineModel
        A model, trained.
    bundles : BundleSet, ArraySequence or ndarray of shape (n, p, 3)
        Streamlines of the subject (RASMM, mm), of a whole brain or of some bundles.
    kind : {"rigid", "affine"}, optional
        What is found: six parameters or twelve.
    nb_streamlines : int, optional
        Number of streamlines that are generated.
    seed : int, optional
        Seed of their draw, and of the choice of streamlines that are registered.
    show_progress : bool, optional
        Show a progress bar.

    Returns
    -------
    Registration
        Its ``transform`` brings streamlines of the subject to the space of the model,
        ``transform.inverse()`` brings them back.

    Raises
    ------
    ValueError
        If the model has no density of its latents, `kind` is another, or the
        streamlines cannot be matched.

    Examples
    --------
    >>> from dipy_tractogen import load_bundles, load_model, register_to_model
    >>> model = load_model("human20")  # doctest: +SKIP
    >>> bundles = load_bundles("sub-01.trk")  # doctest: +SKIP
    >>> found = register_to_model(model, bundles)  # doctest: +SKIP
    >>> model.encode(found.transform.apply(bundles.streamlines))  # doctest: +SKIP
    """
    if model.record.density is None:
        raise ValueError(
            "The model does not say where the latents of each bundle lie, so that it "
            "generates no streamlines to register to: give the transform "
            "(transform='FILE')."
        )
    generated, _ = model.generate(nb_streamlines, balanced=True, seed=seed)
    streamlines = getattr(bundles, "streamlines", bundles)
    options = {"kind": kind, "seed": seed, "show_progress": show_progress}
    return register_streamlines(streamlines, generated, **options)


def moved_to_model(
    model: StreamlineModel, bundles: BundleSet, transform: Transform | None
) -> BundleSet:
    """Return bundles in the space of a model, and in its grid.

    Without a `transform` they are returned as they are. A model without a grid leaves
    them theirs.
    """
    if transform is None:
        return bundles
    grid = model.record.reference
    grid = bundles.reference if grid is None else Reference.from_dict(grid)
    return moved_bundles(bundles, transform, grid)
