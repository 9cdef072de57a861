"""Names of files of derivatives of BIDS, and of the proposal for tractograms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
import re

from .tree import Session

ENTITIES = ("acq", "rec", "dir", "run", "space", "tract", "hemi", "track")
"""Entities of tractograms between the session and ``desc``, in their order.

``tract`` and ``track`` are those of the extension proposal 46 of BIDS.
"""

_SIDE = re.compile(r"(.+?)[^0-9A-Za-z]*[_. -](L|R|left|right)", re.IGNORECASE)


def begin_name(session: Session, entities: Mapping[str, str]) -> str:
    """Return the beginning of a name, such as ``sub-01_ses-1_space-MNI``."""
    pairs = (f"{key}-{entities[key]}" for key in ENTITIES if entities.get(key))
    return "_".join([session.name, *pairs])


def common_entities(paths: Sequence[Path]) -> dict[str, str]:
    """Return the labels that the names of all files have in common, by `ENTITIES`.

    ``{"space": "MNI"}`` of ``sub-01_space-MNI_tractogram.trx``.
    """
    every = [dict(re.findall(r"([a-z]+)-([0-9A-Za-z+]+)", each.name)) for each in paths]
    return {
        key: every[0][key]
        for key in ENTITIES
        if every and len({one.get(key) for one in every}) == 1 and key in every[0]
    }


def bundle_entities(bundles: Iterable[str]) -> dict[str, str]:
    """Return the labels of a tractogram of one bundle; none for several.

    ``{"tract": "AF", "hemi": "L"}`` of ``AF_L``.
    """
    names = list(bundles)
    if len(names) != 1:
        return {}
    found = _SIDE.fullmatch(names[0])
    if found is None:
        return {"tract": as_label(names[0])}
    return {"tract": as_label(found[1]), "hemi": found[2][0].upper()}


def as_label(text: str) -> str:
    """Return a text as a label of BIDS: its letters and digits of ASCII."""
    return re.sub(r"[^0-9A-Za-z]", "", text)
