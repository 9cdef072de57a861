"""Whether sets that ought to be alike share a space, where next to nothing is alike."""

from __future__ import annotations

import logging

logger = logging.getLogger("dipy_tractogen")

NEARLY_ALL = 0.9
"""Share of streamlines unlike the others from which on the space is in doubt."""


def compare_places(**sets) -> tuple[str, dict]:
    """Say where two sets are.

    Parameters
    ----------
    **sets : ArraySequence, ndarray of shape (n, p, 3), Place or None
        Streamlines in RASMM mm, or where they are, by the name of the set; one that is
        not known is left out.

    Returns
    -------
    text : str
        Lengths and places in words.
    places : dict of str to dict
        The same as numbers.
    """
    from dipy_tractogen.streamlines.location import Location

    places = {
        name: each if isinstance(each, Location) else Location.of(each)
        for name, each in sets.items()
        if each is not None
    }
    text = "; ".join(f"{name}: {each.describe()}" for name, each in places.items())
    return text, {name: each.to_dict() for name, each in places.items()}


def warn_of_rejection(nb_rejected: int, bundles, reference) -> dict:
    """Compare inputs that are nearly all rejected with the reference, and warn.

    Parameters
    ----------
    nb_rejected : int
        How many are near to no reference streamline.
    bundles : BundleSet
        The inputs.
    reference : Place or None
        Where the reference is.

    Returns
    -------
    dict
        Under ``places`` those of ``input`` and ``reference``; empty where fewer than
        nine tenths are rejected.
    """
    if nb_rejected < NEARLY_ALL * len(bundles):
        return {}
    text, places = compare_places(input=bundles.streamlines, reference=reference)
    logger.warning(
        "%d of the %d streamlines are near to no reference streamline: inputs have to "
        "be in the space of the reference. %s",
        nb_rejected,
        len(bundles),
        text,
    )
    return {"places": places}


def warn_of_space(report: dict, sets: dict) -> list[str]:
    """Compare the places of sets of which nearly none is near to the other.

    Parameters
    ----------
    report : dict
        From `evaluate`; gets the ``places``.
    sets : dict of str to BundleSet
        ``generated`` and ``real`` streamlines.

    Returns
    -------
    list of str
        A warning, or none.
    """
    found = report["overall"]["generated"]
    near = [found[name] for name in ("precision", "recall")]
    if None in near or max(near) > 1 - NEARLY_ALL:
        return []
    each = {kind: sets[kind].streamlines for kind in ("generated", "real")}
    text, report["places"] = compare_places(**each)
    return [
        "Nearly no generated streamline is near to a real one: both have to be in one "
        f"space. {text}."
    ]
